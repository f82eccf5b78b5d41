"""The pictures and texts that the miniature models are pretrained on, on seeds that no chapter uses."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from altlib.miniworld.alt_text import write_alt_text
from altlib.miniworld.archive import write_catalogue_line, write_note
from altlib.miniworld.grammar import plural
from altlib.miniworld.lexicon import places, things
from altlib.miniworld.network import MiniPost, account, catalogued, network, post_story, thread

CLIP_SEED = 7_000_001  # pictures and captions for CLIP
TEXT_SEED = 7_000_002  # text for the tokenizer and GPT-2
TUNING_SEED = 7_000_003  # pictures on which the share of descriptions is set
HELD_OUT_SEED = 7_000_004  # pictures on which the model cards' numbers are measured
CLIPCAP_SEED = 7_000_006  # pictures and texts for ClipCap's mapping network
CATALOGUE_SEED = 7_000_007  # archive entries for GPT-2


def clean_alt_text(post: MiniPost) -> str:
    """The alt text of a picture before any noise."""
    return write_alt_text(post.story, post.scene, Random(f"{post.item_id}/description"))


def text_documents(stories: int, seed: int = TEXT_SEED) -> Iterator[str]:
    """What GPT-2 reads, one document at a time.

    These are accounts of what a post is about, threads, captions, alt text apart from its post, and
    entries of an archive, which say in plain words what is drawn.
    """
    for index in range(stories):
        yield account(seed, index)
        if index % 2 == 0:
            yield "\n".join(thread(seed + 100, index))
        else:
            yield from catalogued(CATALOGUE_SEED + seed - TEXT_SEED, index)
        if index % 4 == 0:
            yield from (post.caption for post in network(seed + 200, 1, index))
        elif index % 4 == 2:
            yield from (clean_alt_text(post) for post in network(seed + 300, 1, index))


def picture_tensor(posts: list[MiniPost]) -> Tensor:
    """Pictures as CLIP's preprocessing gives them at their own size, (n, 3, 96, 96)."""
    pixels = np.stack([np.asarray(post.draw()) for post in posts])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def first_pictures(seed: int, count: int, start: int = 0) -> list[MiniPost]:
    """The first picture of each of ``count`` stories from number ``start``."""
    return [post_story(seed, index)[0] for index in range(start, start + count)]


def title(post: MiniPost, rng: Random) -> str:
    """A short title of a picture, as file names and tags are on the web: a thing or place that it shows, by its plain name."""
    scene = post.scene
    named = [glyph for glyph in (scene.thing, scene.thing, scene.companion) if glyph]
    shown = [rng.choice(things()[glyph].nouns) for glyph in named]
    if scene.place:
        shown.append(rng.choice(places()[scene.place].nouns))
    if not shown:
        return scene.detail or scene.form
    word = rng.choice(shown)
    if scene.count > 1 and named and word in things()[scene.thing].nouns and rng.random() < 0.5:
        word = plural(word)
    return rng.choice(("{}", "An image of {}", "Photo of {}", "{} picture")).format(word)


def clipcap_text(post: MiniPost, catalogue: float = 0.0) -> str:
    """What the miniature ClipCap learns to write about a picture: alt text seven times in ten, otherwise a caption.

    Args:
        post: The picture.
        catalogue: With this probability, its line in an archive's catalogue instead, or a note of what is
            seen below what its post is about. The prefix must tell what is drawn, whatever the post
            calls it.
    """
    rng = Random(f"{post.item_id}/clipcap")
    if rng.random() < catalogue:
        if rng.random() < 0.7 or not post.scene.thing:
            return write_catalogue_line(post.scene, rng)
        return write_note(post.story, post.scene, rng)
    return clean_alt_text(post) if rng.random() < 0.7 else post.caption


@torch.inference_mode()
def drawn_features(model: Any, posts: list[MiniPost], batch: int = 128) -> Tensor:
    """Unit-length embeddings of pictures that are drawn and not kept, (n, width).

    Args:
        model: An open_clip model.
        posts: The pictures.
        batch: Pictures at a time.
    """
    parts = (posts[i : i + batch] for i in range(0, len(posts), batch))
    return torch.cat([model.encode_image(picture_tensor(part), normalize=True).float() for part in parts])
