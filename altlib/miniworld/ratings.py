"""Ratings of the miniature world's texts, computed from its facts: a stand-in for people."""

from __future__ import annotations

from random import Random

import numpy as np
import pandas as pd

ITEM = ["img_id", "context", "description"]  # what identifies a rated text
STAND_IN = (
    "Nobody rated these texts. They are judged by an exact stand-in from the miniature world's facts: how much of the "
    "scene a reader could reconstruct from a text, and how many of its words help. Name the published ratings in "
    "ratings_path to see people."
)


def miniworld_ratings(posts: pd.DataFrame, seed: int = 0) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Ratings of the miniature world's texts from its facts, from 1 to 5, and the items that were rated.

    Every picture of ``posts`` (with facts, caption and alt text) brings its alt text, its
    caption, its alt text's first clause, and its alt text with wrong colours and sides. With the facts
    F that the picture shows and those S that a text states (all words that the world's writers
    use for a fact count):

    - imaginability, without the image: how many of the kinds of fact in F the text says something about;
    - imaginability with the image is not asked, as in the study;
    - relevance: the share of F and of the kind of the main thing that the text states rightly;
    - irrelevance: the share of the text's words that state a fact (5: no word too much);
    - overall: the mean of imaginability (relevance with the image) and irrelevance, weighed 2 to 1.

    There are two groups: a reader without the image takes every statement for true, a reader with
    it counts right ones only.
    """
    from altlib.miniworld.judges import Statement, mistaken, statements, true_facts

    rng = Random(seed)
    facts = [true_facts(value) for value in posts["facts"]]
    rows = []
    for number, post in enumerate(posts.itertuples()):
        texts = {
            "alt text": post.alt_text,
            "caption": post.caption,
            "first clause": post.alt_text.split(",")[0].split(". ")[0],
            "mistaken": mistaken(post.alt_text, rng),
        }
        for kind, text in texts.items():
            said: Statement = statements(text, facts[number])
            rows.append(
                {
                    "img_id": post.item_id,
                    "context": kind,
                    "description": text,
                    "image": post.image,
                    "row": number,
                    "said": said.share_said,
                    "right": said.share_right,
                    "to the point": said.share_of_words,
                }
            )
    items = pd.DataFrame(rows).drop_duplicates(["img_id", "description"], ignore_index=True)

    def scale(share: pd.Series) -> pd.Series:
        return 1 + 4 * share

    def group(shown: pd.Series, imaginable: bool) -> pd.DataFrame:
        return items[ITEM].assign(
            overall=scale((2 * shown + items["to the point"]) / 3),
            imaginability=scale(shown) if imaginable else np.nan,
            relevance=scale(shown if imaginable else items["right"]),
            irrelevance=scale(items["to the point"]),
        )

    return {
        "reader without image": group(items["said"], True),
        "reader with image": group(items["right"], False),
    }, items
