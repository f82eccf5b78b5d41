"""Ratings of the miniature world's texts, computed from its facts: a stand-in for people."""

from __future__ import annotations

from random import Random

import numpy as np
import pandas as pd

from altlib.miniworld.judges import mistaken, statements, true_facts

ITEM = ["img_id", "context", "description"]  # what identifies a rated text
STAND_IN = (
    "Nobody rated these texts. They are judged by an exact stand-in from the miniature world's facts: how much of the "
    "scene a reader could reconstruct from a text, and how many of its words help. Name the published ratings in "
    "ratings_path to see people."
)


def rated_texts(posts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The texts that are rated: four for each picture, without repetitions.

    They are its alt text, its caption, the first clause of its alt text, and its alt text with mistakes
    (:func:`altlib.miniworld.judges.mistaken`).

    Args:
        posts: Pictures with facts, caption and alt text.
        seed: For the mistakes.

    Returns:
        The columns of :data:`ITEM`, ``image``, and of the text's statement ``said``, ``right`` and
        ``to the point`` (shares; see :class:`altlib.miniworld.judges.Statement`).
    """
    rng = Random(seed)
    rows = []
    for post in posts.itertuples():
        facts = true_facts(post.facts)
        texts = {
            "alt text": post.alt_text,
            "caption": post.caption,
            "first clause": post.alt_text.split(",")[0].split(". ")[0],
            "mistaken": mistaken(post.alt_text, rng),
        }
        for kind, text in texts.items():
            statement = statements(text, facts)
            item = {"img_id": post.item_id, "context": kind, "description": text, "image": post.image}
            rows.append(
                item
                | {
                    "said": statement.share_said,
                    "right": statement.share_right,
                    "to the point": statement.share_of_words,
                }
            )
    return pd.DataFrame(rows).drop_duplicates(["img_id", "description"], ignore_index=True)


def miniworld_ratings(posts: pd.DataFrame, seed: int = 0) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Ratings from 1 to 5 of the texts of :func:`rated_texts`.

    - imaginability, without the image: about how many of the picture's facts the text says something;
      with the image it is not asked, as in the study (Kreiss et al. 2022);
    - relevance: how many of the picture's facts the text states, with the image correctly;
    - irrelevance: the share of the text's words that state a fact (5: no word too many);
    - overall: twice the second (without the image the first) and once the third of these.

    A reader without the image takes every statement for true; a reader with it counts correct ones only.

    Args:
        posts: Pictures with facts, caption and alt text.
        seed: For the mistaken texts.

    Returns:
        The ratings of each group of readers, and the texts that were rated.
    """
    items = rated_texts(posts, seed)

    def scale(share: pd.Series) -> pd.Series:
        return 1 + 4 * share

    def group(shown: pd.Series, imaginable: bool) -> pd.DataFrame:
        return items[ITEM].assign(
            overall=scale((2 * shown + items["to the point"]) / 3),
            imaginability=scale(shown) if imaginable else np.nan,
            relevance=scale(shown),
            irrelevance=scale(items["to the point"]),
        )

    return {
        "reader without image": group(items["said"], True),
        "reader with image": group(items["right"], False),
    }, items
