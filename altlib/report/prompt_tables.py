"""Tables and sentences about models and prompts (chapter 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from altlib.generation.decoding import Decoding
from altlib.generation.prompt_grid import RatedCell
from altlib.generation.prompting import Wish
from altlib.models.replies import Spent

EXAMPLE_POST = "Hello!"


def ways_of_decoding(max_tokens: int) -> dict[str, Decoding]:
    """Ways of decoding that stand in for prompts where captioners write.

    Args:
        max_tokens: Of the longest text.
    """
    beam = Decoding(beams=5, max_tokens=max_tokens)
    return {
        "greedy": replace(beam, beams=1, block_trigrams=False),
        "greedy, no repeats": replace(beam, beams=1),
        "beam search, no repeats": beam,
        "at most 15 tokens": replace(beam, max_tokens=min(15, max_tokens)),
    }


def prompt_list(prompts: Sequence[str], wish: Wish) -> pd.DataFrame:
    """The prompts as a model gets them, one row each.

    Args:
        prompts: Names, or paths of TOML files.
        wish: Language and length.
    """
    rows = []
    for name in prompts:
        system, user = replace(wish, prompt=name).texts(EXAMPLE_POST)
        rows.append({"prompt": name, "text": " ".join(filter(None, (system, user)))})
    return pd.DataFrame(rows)


def cost_sentences(rated: Sequence[RatedCell], judging: Spent | None) -> list[str]:
    """What the alt texts cost, and what judging them did.

    Args:
        rated: The grid.
        judging: What the judge's requests used; None if the judge costs nothing.
    """
    priced = [r for r in rated if np.isfinite(r.cell.dollars)]
    said = []
    if priced:
        cheapest, dearest = (pick(priced, key=lambda r: r.cell.dollars) for pick in (min, max))
        said.append(
            f"A thousand alt texts cost from {cheapest.cell.dollars:.2f} dollars ({cheapest.cell.model}, "
            f"“{cheapest.cell.prompt}”) to {dearest.cell.dollars:.2f} dollars ({dearest.cell.model}, “{dearest.cell.prompt}”)."
        )
    else:
        said.append("No price is known of these alt texts: they were written on this machine, or no prices were given.")
    return said + ([f"Judging them: {judging.sentence()}."] if judging else [])


def example_items(posts: pd.DataFrame, best: RatedCell) -> list[dict[str, str]]:
    """Pictures with the writer's alt text and that of a cell, for :func:`altlib.report.figures.gallery`.

    Args:
        posts: The first pictures of the grid.
        best: The cell.
    """
    items = []
    for row, post in enumerate(posts.itertuples()):
        found = best.cell.described[row]
        score = best.overall[row]
        items.append(
            {
                "image": post.image,
                "alt": post.alt_text,
                "Post": post.text,
                "Writer's alt text": post.alt_text,
                f"{best.cell.model}, {best.cell.prompt}": found.text or f"none: {found.problem}",
                "Overall rating": "not rated" if np.isnan(score) else f"{score:.2f} of 5",
            }
        )
    return items


def spread_sentence(rated: Sequence[RatedCell]) -> str:
    """Whether models or prompts differ more in their mean rating."""
    table = pd.DataFrame(
        [{"model": r.cell.model, "prompt": r.cell.prompt, "overall": r.ratings["overall"].value} for r in rated]
    )
    spread = {
        by: table.groupby(by)["overall"].mean().agg(lambda means: means.max() - means.min())
        for by in ("model", "prompt")
    }
    more = "models" if spread["model"] > spread["prompt"] else "prompts"
    return (
        f"Between the best and the worst model lie {spread['model']:.2f} points on average over prompts, between the best "
        f"and the worst prompt {spread['prompt']:.2f} on average over models: here, {more} matter more."
    )
