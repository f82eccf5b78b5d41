"""Do scores agree with people? Ratings of image descriptions by blind and sighted people, beside scores.

The published files of Kreiss et al. (2022) hold 68 texts that several people rated from 1 to 5; in
every question higher is better. The miniature world has no people: there,
:func:`altlib.miniworld.ratings.miniworld_ratings` is an exact stand-in computed from its facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from altlib.core.errors import CorpusError
from altlib.core.statistics import partial_correlation, pearson, pearson_interval
from altlib.miniworld.ratings import ITEM, STAND_IN, miniworld_ratings

# Name of each question: its column in the published files.
QUESTIONS = {
    "overall": "q_overall",
    "imaginability": "q_reconstructivity",
    "relevance": "q_relevance",
    "irrelevance": "q_irrelevance",
}
BLIND_FILE = "blv_data_criticaltrials.csv"
SIGHTED_FILE = "sighted_data_criticaltrials.csv"
NO_RATINGS = (
    "This source has neither ratings by people nor drawn pictures with known facts, so nothing is compared here. "
    "Name the published ratings in ratings_path."
)


def read_csv(path: Path, needed: list[str]) -> pd.DataFrame:
    """A CSV file that must have some columns.

    Raises:
        CorpusError: It does not exist or lacks one of the columns.
    """
    if not path.is_file():
        raise CorpusError(f"{path} does not exist; it should be a CSV file with the columns {', '.join(needed)}")
    frame = pd.read_csv(path)
    if lacking := [c for c in needed if c not in frame]:
        raise CorpusError(f"{path} lacks the columns {', '.join(lacking)}")
    return frame


def mean_ratings(frame: pd.DataFrame, suffix: str = "") -> pd.DataFrame:
    """Mean rating of each item and question over the people who answered; missing answers are left out.

    Args:
        frame: One row per answer.
        suffix: Of the names of the questions' columns.

    Returns:
        The columns of :data:`~altlib.miniworld.ratings.ITEM` and the names of :data:`QUESTIONS`; a
        question without a column in ``frame`` is missing throughout.
    """
    columns = {name: column + suffix for name, column in QUESTIONS.items() if column + suffix in frame}
    numeric = frame[ITEM].assign(**{n: pd.to_numeric(frame[c], errors="coerce") for n, c in columns.items()})
    means = numeric.groupby(ITEM, as_index=False, dropna=False).mean()
    return means.reindex(columns=[*ITEM, *QUESTIONS])


def read_ratings(folder: Path) -> dict[str, pd.DataFrame]:
    """Mean ratings by group: blind, sighted without image, sighted with image.

    Args:
        folder: Holds the two published CSV files.

    Returns:
        For each group the items that the blind group rated, as from :func:`mean_ratings`.

    Raises:
        CorpusError: A file is missing or lacks a column.
    """
    blind = read_csv(folder / BLIND_FILE, [*ITEM, *QUESTIONS.values()])
    sighted = read_csv(folder / SIGHTED_FILE, [*ITEM, "q_overall.preimg", "q_overall.postimg"])
    items = blind[ITEM].drop_duplicates()
    sighted = sighted.merge(items, on=ITEM)
    return {
        "blind": mean_ratings(blind),
        "sighted, without image": mean_ratings(sighted, ".preimg"),
        "sighted, with image": mean_ratings(sighted, ".postimg"),
    }


def read_scores(path: Path) -> pd.DataFrame:
    """A published file of scores with the columns description and score.

    Texts that occur with different scores, as for several versions of an image, get their mean.

    Raises:
        CorpusError: The file is missing or lacks a column.
    """
    frame = read_csv(path, ["texts", "clipscore"])
    frame = pd.DataFrame(
        {
            "description": frame["texts"].astype(str).str.strip(),
            "score": pd.to_numeric(frame["clipscore"], errors="coerce"),
        }
    )
    return frame.dropna().groupby("description", as_index=False).mean()


def description_images(folder: Path) -> dict[str, str]:
    """The image file of each rated text.

    Args:
        folder: Holds ``cosid_descriptions.json`` and the folder ``cosid_images``.

    Raises:
        CorpusError: They are not there.
    """
    keys, images = folder / "cosid_descriptions.json", folder / "cosid_images"
    if not keys.is_file() or not images.is_dir():
        raise CorpusError(f"{folder} should hold cosid_descriptions.json and the folder cosid_images")
    files = {p.stem: str(p) for p in sorted(images.iterdir())}
    found = {}
    for key, text in json.loads(keys.read_text(encoding="utf-8")).items():
        text = text[0] if isinstance(text, list) and text else text
        if key in files and isinstance(text, str):
            found[text.strip()] = files[key]
    return found


def correlations(ratings: dict[str, pd.DataFrame], scores: pd.DataFrame) -> pd.DataFrame:
    """Agreement of item scores with mean ratings, one row per group and question.

    Args:
        ratings: By group, as from :func:`mean_ratings`.
        scores: The columns description, score and, where the same text is rated for several pictures, img_id.

    Returns:
        The columns group, question, items, without_score (rated items that have no score), r with its
        95% interval low and high, length_r (r of the text's length in characters) and partial_r (r
        with length taken out). Missing ratings are left out.
    """
    rows = []
    for group, frame in ratings.items():
        frame = frame.reset_index(drop=True)
        texts = frame["description"].astype(str).str.strip()
        keys = [c for c in ("img_id", "description") if c in scores]
        score = frame.assign(description=texts)[ITEM].merge(scores, on=keys, how="left", validate="many_to_one")[
            "score"
        ]
        for question in QUESTIONS:
            rating = frame[question]
            rated = rating.notna()
            usable = (rated & score.notna()).to_numpy()
            if not rated.any():
                continue
            x, y = score.to_numpy(float)[usable], rating.to_numpy(float)[usable]
            length = texts.str.len().to_numpy(float)[usable]
            r = pearson(x, y)
            low, high = pearson_interval(x, y)
            rows.append(
                {
                    "group": group,
                    "question": question,
                    "items": len(x),
                    "without_score": int(rated.sum() - len(x)),
                    "r": r,
                    "low": low,
                    "high": high,
                    "length_r": pearson(length, y),
                    "partial_r": partial_correlation(x, y, length) if len(x) > 3 else float("nan"),
                }
            )
    columns = ["group", "question", "items", "without_score", "r", "low", "high", "length_r", "partial_r"]
    return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True)
class RatedItems:
    """Texts with their ratings by group, and the picture of each.

    Attributes:
        groups: Ratings by group, as from :func:`mean_ratings`.
        pairs: The columns description, image and, where the same text is rated for several pictures, img_id.
        stand_in: Whether nobody rated the texts.
        note: Where the ratings come from, as a sentence.
    """

    groups: dict[str, pd.DataFrame]
    pairs: pd.DataFrame
    stand_in: bool
    note: str

    def scored(self, score: Callable[[list[str], list[str]], Any]) -> pd.DataFrame:
        """The pairs with their scores, for :func:`correlations`.

        Args:
            score: From picture files and texts to one score per pair.
        """
        values = score(self.pairs["image"].tolist(), self.pairs["description"].tolist()) if len(self.pairs) else []
        return self.pairs.drop(columns="image").assign(score=[float(v) for v in values])


def rated_items(posts: pd.DataFrame, ratings_path: str, images_path: str, pictures: int, seed: int) -> RatedItems:
    """People's ratings if a path names them, otherwise the stand-in on drawn test pictures.

    Args:
        posts: The run's corpus.
        ratings_path: Folder of the published ratings, or empty.
        images_path: Folder of their images, without which they cannot be scored, or empty.
        pictures: How many drawn pictures the stand-in rates.
        seed: Of the stand-in.

    Raises:
        CorpusError: A named file is missing.
    """
    if ratings_path:
        groups = read_ratings(Path(ratings_path).expanduser())
        images = description_images(Path(images_path).expanduser()) if images_path else {}
        texts = groups["blind"]["description"].astype(str).str.strip().drop_duplicates()
        kept = texts[texts.isin(list(images))]
        return RatedItems(
            groups,
            pd.DataFrame({"description": kept, "image": kept.map(images)}),
            False,
            f"Ratings by people, from {BLIND_FILE} and {SIGHTED_FILE}; {len(kept)} of {len(texts)} texts have an image.",
        )
    drawn = posts[(posts["facts"] != "") & (posts["caption"] != "") & (posts["split"] == "test")]
    if not len(drawn):
        return RatedItems({}, pd.DataFrame(columns=["description", "image"]), True, NO_RATINGS)
    groups, items = miniworld_ratings(drawn.head(pictures).reset_index(drop=True), seed)
    return RatedItems(groups, items[["img_id", "description", "image"]], True, STAND_IN)
