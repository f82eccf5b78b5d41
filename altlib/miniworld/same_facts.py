"""Texts that state the same facts in the words of two writers: what a judge of facts must find equal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from altlib.miniworld.alt_text import write_alt_text
from altlib.miniworld.judges import statements, true_facts
from altlib.miniworld.network import MiniPost

FORMAL, INFORMAL = "council", "student"  # the two authors
TRIES = 12  # texts of each writer that are compared for equal facts


@dataclass(frozen=True)
class SameFacts:
    """One picture described twice.

    Attributes:
        post: The picture with its post.
        formal: In formal words.
        informal: In informal words.
    """

    post: MiniPost
    formal: str
    informal: str


def same_facts(posts: Iterable[MiniPost], seed: int) -> list[SameFacts]:
    """Pictures that two writers describe with the same facts, as far as such texts are found.

    Args:
        posts: The pictures.
        seed: Of the writers' choices.
    """
    found = []
    for post in posts:
        facts, rng = true_facts(post.facts), Random(f"same facts/{seed}/{post.item_id}")
        texts = {
            author: [write_alt_text(replace(post.story, author=author), post.scene, rng) for _ in range(TRIES)]
            for author in (FORMAL, INFORMAL)
        }
        pair = next(
            (
                (formal, informal)
                for formal in texts[FORMAL]
                for informal in texts[INFORMAL]
                if statements(formal, facts).said == statements(informal, facts).said and formal != informal
            ),
            None,
        )
        if pair:
            found.append(SameFacts(post, *pair))
    return found
