"""Do scores agree with people? Ratings of image descriptions by blind and sighted people, and their correlation with scores.

Reads the published files of Kreiss et al. (2022), where each of 68 texts was rated by several
people from 1 to 5, higher being better in every question. The miniature world has no people;
:func:`miniworld_ratings` is an exact stand-in computed from its facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .posts import CorpusError

QUESTIONS = {
    "overall": "q_overall",
    "imaginability": "q_reconstructivity",
    "relevance": "q_relevance",
    "irrelevance": "q_irrelevance",
}
BLIND_FILE = "blv_data_criticaltrials.csv"
SIGHTED_FILE = "sighted_data_criticaltrials.csv"
KEY = ["img_id", "context", "description"]


def read_csv(path: Path, needed: list[str]) -> pd.DataFrame:
    """A CSV file with the columns it must have. Raises :class:`CorpusError` otherwise."""
    if not path.is_file():
        raise CorpusError(f"{path} does not exist; it should be a CSV file with the columns {', '.join(needed)}")
    frame = pd.read_csv(path)
    if lacking := [c for c in needed if c not in frame]:
        raise CorpusError(f"{path} lacks the columns {', '.join(lacking)}")
    return frame


def mean_ratings(frame: pd.DataFrame, suffix: str = "") -> pd.DataFrame:
    """Mean rating of each item and question over the people who answered, missing answers left out.

    Columns: img_id, context, description and the names of :data:`QUESTIONS`; a question without
    a column in ``frame`` is missing throughout.
    """
    columns = {name: column + suffix for name, column in QUESTIONS.items() if column + suffix in frame}
    numeric = frame[KEY].assign(**{n: pd.to_numeric(frame[c], errors="coerce") for n, c in columns.items()})
    means = numeric.groupby(KEY, as_index=False, dropna=False).mean()
    return means.reindex(columns=[*KEY, *QUESTIONS])


def read_ratings(folder: Path) -> dict[str, pd.DataFrame]:
    """Mean ratings by group: blind, sighted without image, sighted with image; the blind group's items only.

    ``folder`` holds the two published CSV files. Raises :class:`CorpusError` if one is missing
    or lacks a column.
    """
    blind = read_csv(folder / BLIND_FILE, [*KEY, *QUESTIONS.values()])
    sighted = read_csv(folder / SIGHTED_FILE, [*KEY, "q_overall.preimg", "q_overall.postimg"])
    items = blind[KEY].drop_duplicates()
    sighted = sighted.merge(items, on=KEY)
    groups = {
        "blind": mean_ratings(blind),
        "sighted, without image": mean_ratings(sighted, ".preimg"),
        "sighted, with image": mean_ratings(sighted, ".postimg"),
    }
    return groups


def read_scores(path: Path) -> pd.DataFrame:
    """A published file of scores (``imgstem_version,texts,text_controls,clipscore``) with columns description, score.

    Texts that occur with different scores, as for several versions of an image, get their mean.
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
    """Image file of each rated text: from ``cosid_descriptions.json`` and ``cosid_images/`` in ``folder``.

    Raises :class:`CorpusError` if they are not there.
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


# ---- agreement ----


def partial_correlation(x: np.ndarray, y: np.ndarray, control: np.ndarray) -> float:
    """Pearson's r of ``x`` and ``y`` after a linear dependence on ``control`` is taken out of both; all (n,)."""
    if np.ptp(control) == 0:
        return pearson(x, y)
    a, b = (v - np.polyval(np.polyfit(control, v, 1), control) for v in (x, y))
    return pearson(a, b)


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r; NaN where one side does not vary or there are fewer than three pairs, (n,), (n,) -> float."""
    if len(x) < 3:
        return float("nan")
    varies = [np.std(v) > 1e-9 * max(1.0, float(np.abs(v).max())) for v in (x, y)]
    return float(np.corrcoef(x, y)[0, 1]) if all(varies) else float("nan")


def fisher_interval(r: float, n: int, controls: int = 0) -> tuple[float, float]:
    """95% interval of a correlation of ``n`` items by Fisher's z; ``controls`` variables were taken out."""
    if not np.isfinite(r) or n - controls <= 3:
        return float("nan"), float("nan")
    z, half = np.arctanh(np.clip(r, -0.999999, 0.999999)), 1.959964 / np.sqrt(n - 3 - controls)
    return float(np.tanh(z - half)), float(np.tanh(z + half))


def correlations(ratings: dict[str, pd.DataFrame], scores: pd.DataFrame) -> pd.DataFrame:
    """Agreement of item scores with mean ratings, by group and question.

    ``scores`` has the columns description, score and, where the same text is rated for several
    pictures, img_id. Items without a score and missing ratings are left out and counted. Columns: group, question, items, without_score, r, low, high (95%), length_r (what
    the text's length in characters scores), partial_r (with length taken out).
    """
    rows = []
    for group, frame in ratings.items():
        frame = frame.reset_index(drop=True)
        texts = frame["description"].astype(str).str.strip()
        keys = [c for c in ("img_id", "description") if c in scores]
        score = frame.assign(description=texts)[KEY].merge(scores, on=keys, how="left", validate="many_to_one")["score"]
        for question in QUESTIONS:
            rating = frame[question]
            rated = rating.notna()
            usable = (rated & score.notna()).to_numpy()
            if not rated.any():
                continue
            x, y = score.to_numpy(float)[usable], rating.to_numpy(float)[usable]
            length = texts.str.len().to_numpy(float)[usable]
            r = pearson(x, y)
            low, high = fisher_interval(r, len(x))
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


def seed_interval(values: list[float]) -> tuple[float, float]:
    """Mean over seeds and the half width of its 95% interval (Student's t); the half width is NaN for one seed."""
    kept = np.array([v for v in values if np.isfinite(v)])
    if len(kept) < 2:
        return (float(kept[0]) if len(kept) else float("nan")), float("nan")
    half = stats.t.ppf(0.975, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept))
    return float(kept.mean()), float(half)


def plus_minus(values: Iterable[float], digits: int = 2) -> str:
    """:func:`seed_interval` as text: the mean alone for one seed, a dash for none."""
    mean, half = seed_interval(list(values))
    if not np.isfinite(mean):
        return "–"
    return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if np.isfinite(half) else "")


@dataclass(frozen=True)
class RatedItems:
    """Texts with their ratings by group, and the picture of each.

    ``pairs`` has the columns description, image and, where the same text is rated for several
    pictures, img_id; ``note`` says where the ratings come from.
    """

    groups: dict[str, pd.DataFrame]
    pairs: pd.DataFrame
    stand_in: bool
    note: str

    def scored(self, score: Callable[[list[str], list[str]], Any]) -> pd.DataFrame:
        """The pairs with the scores that ``score(pictures, texts)`` gives, for :func:`correlations`."""
        values = score(self.pairs["image"].tolist(), self.pairs["description"].tolist()) if len(self.pairs) else []
        return self.pairs.drop(columns="image").assign(score=[float(v) for v in values])


def rated_items(posts: pd.DataFrame, ratings_path: str, images_path: str, pictures: int, seed: int) -> RatedItems:
    """People's ratings if a path names them, else the stand-in on the facts of drawn test pictures.

    The real texts need their images (``images_path``) to be scored. Raises :class:`CorpusError`
    if a named file is missing, or if there are neither ratings nor pictures with facts.
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


# ---- the miniature world's stand-in ----

STAND_IN = (
    "Nobody rated these texts. They are judged by an exact stand-in from the miniature world's facts: how much of the "
    "scene a reader could reconstruct from a text, and how many of its words help. Name the published ratings in "
    "ratings_path to see people."
)
NO_RATINGS = (
    "This source has neither ratings by people nor drawn pictures with known facts, so nothing is compared here. "
    "Name the published ratings in ratings_path."
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
    from .miniworld.judges import Statement, mistaken, statements, true_facts

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
        return items[KEY].assign(
            overall=scale((2 * shown + items["to the point"]) / 3),
            imaginability=scale(shown) if imaginable else np.nan,
            relevance=scale(shown if imaginable else items["right"]),
            irrelevance=scale(items["to the point"]),
        )

    return {
        "reader without image": group(items["said"], True),
        "reader with image": group(items["right"], False),
    }, items
