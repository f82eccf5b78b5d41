"""Comparisons of two systems' texts by people (Twitter paper, section 6.3 and appendix D).

A rater sees the picture, its post and two texts, never the writer's own alt text nor the name of a
system. Which system stands first is balanced within each pair of systems, and the order of all
comparisons is random. A qualification round comes first: the writer's alt text against a clearly
worse text, and only who prefers the former by both questions in all of them counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import pandas as pd

from altlib.core.cache_keys import Key
from altlib.evaluation.study.questionnaire import CRITERIA, Question, Study, StudyItem

EQUAL = "equal"
CHOICES = {"first": "Text A", "second": "Text B", EQUAL: "Both are equally good or bad"}
QUESTIONS = (
    Question("fluency", "Which text is more fluent?", CHOICES),
    Question("descriptiveness", "Which text is the better literal description of the picture?", CHOICES),
)
INTRODUCTION = (
    "Alt text tells people who cannot see a picture what it shows; screen readers read it aloud. For each picture you "
    "see the post that it belongs to and two alt texts. Say which of them is more fluent, and which describes the "
    "picture better. If you cannot decide, say that they are equal."
)
WRITER, WORSE = "writer's alt text", "worse text"
QUALIFYING = 3  # comparisons of the qualification round (appendix D)

KEY_COLUMNS = ("item_id", "round", "source_item", "first", "second", "first_text", "second_text")


@dataclass(frozen=True)
class Comparisons:
    """A pairwise study and its key.

    Attributes:
        study: What raters see.
        key: One row per comparison with the columns :data:`KEY_COLUMNS`: which system's text stood where.
            Whoever rates must not see it.
        identical: Comparisons that need no rater because both systems wrote the same text, likewise.
        pairs: The compared systems.
    """

    study: Study
    key: pd.DataFrame
    identical: pd.DataFrame
    pairs: tuple[tuple[str, str], ...]


def arranged(rows: list[dict[str, str]], seed: int) -> list[dict[str, str]]:
    """Comparisons in random order, with either system first in half of those of each pair.

    Args:
        rows: Each with the keys source_item, first, second, first_text and second_text.
        seed: Decides the order and which system stands first.
    """
    rng = Random(seed)
    by_pair: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        by_pair.setdefault((row["first"], row["second"]), []).append(row)
    turned = []
    for pair in by_pair.values():
        swap = [place % 2 == 1 for place in range(len(pair))]
        rng.shuffle(swap)
        for row, swapped in zip(pair, swap, strict=True):
            exchanged = {"first": "second", "second": "first", "first_text": "second_text", "second_text": "first_text"}
            turned.append({k: row[exchanged[k]] if swapped and k in exchanged else row[k] for k in row})
    rng.shuffle(turned)
    return turned


def as_study(name: str, title: str, rows: list[dict[str, str]], posts: pd.DataFrame, seed: int) -> Comparisons:
    """A study of arranged comparisons.

    Args:
        name: Of the study.
        title: Heading of its page.
        rows: As for :func:`arranged`, with the key round.
        posts: The pictures, with the columns item_id, image and text.
        seed: As for :func:`arranged`.
    """
    same = [row for row in rows if row["first_text"].split() == row["second_text"].split()]
    asked = arranged([row for row in rows if row["first_text"].split() != row["second_text"].split()], seed)
    pictures = posts.drop_duplicates("item_id").set_index("item_id")
    items, key = [], []
    for row in asked:
        item_id = str(Key("comparison", seed=seed, row=row))[:12]
        post = pictures.loc[row["source_item"]]
        items.append(StudyItem(item_id, str(post["image"]), str(post["text"]), (row["first_text"], row["second_text"])))
        key.append({"item_id": item_id, **row})
    study = Study(name, title, INTRODUCTION, CRITERIA, ("Text A", "Text B"), QUESTIONS, tuple(items))
    pairs = tuple(dict.fromkeys((row["first"], row["second"]) for row in rows))
    identical = pd.DataFrame(same, columns=KEY_COLUMNS[1:])
    return Comparisons(study, pd.DataFrame(key, columns=list(KEY_COLUMNS)), identical, pairs)


def compare_systems(
    posts: pd.DataFrame,
    texts: Mapping[str, Sequence[str]],
    pairs: Sequence[tuple[str, str]],
    size: int,
    seed: int,
) -> Comparisons:
    """Comparisons of pairs of systems on random pictures.

    Args:
        posts: n pictures with the columns item_id, image and text.
        texts: Name of each system -> its n texts.
        pairs: The systems to compare.
        size: Pictures per pair; all if there are fewer.
        seed: Of the sample and the order.

    Raises:
        ValueError: A system has no texts, or not one for each picture.
    """
    for name in {name for pair in pairs for name in pair}:
        if len(texts.get(name, ())) != len(posts):
            raise ValueError(f"system {name!r} has {len(texts.get(name, ()))} texts for {len(posts)} pictures")
    chosen = sorted(Random(seed).sample(range(len(posts)), min(size, len(posts))))
    ids = posts["item_id"].astype(str).tolist()
    rows = [
        {
            "round": "comparison",
            "source_item": ids[i],
            "first": first,
            "second": second,
            "first_text": texts[first][i],
            "second_text": texts[second][i],
        }
        for first, second in pairs
        for i in chosen
    ]
    return as_study("comparisons", "Which alt text is better?", rows, posts.assign(item_id=ids), seed)


def worse_text(alt_texts: Sequence[str], other_than: int, rng: Random) -> str:
    """A text that is clearly worse than a picture's own: that of another picture, with its words in random order."""
    others = [i for i in range(len(alt_texts)) if i != other_than and len(alt_texts[i].split()) > 3]
    words = alt_texts[rng.choice(others)].split()
    shuffled = words.copy()
    while shuffled == words and len(set(words)) > 1:
        rng.shuffle(shuffled)
    return " ".join(shuffled)


def qualification(posts: pd.DataFrame, seed: int, worse: Mapping[str, str] | None = None) -> Comparisons:
    """The qualification round: the writer's alt text against a clearly worse one.

    Where the worse texts are made, texts shorter than the median are passed over: too many of them
    say little of the picture, and would not be the better ones.

    Args:
        posts: Pictures that are in no comparison, with the columns item_id, image, text and alt_text.
        seed: Of the sample, the order and the worse texts.
        worse: item_id -> a worse text that somebody wrote; without it they are made by :func:`worse_text`.

    Raises:
        ValueError: There are not enough pictures with a worse text.
    """
    rng = Random(f"qualification/{seed}")
    posts = posts.assign(item_id=posts["item_id"].astype(str)).reset_index(drop=True)
    words = posts["alt_text"].str.split().str.len()
    usable = posts.index[(words > 3) & (words >= words.median())].tolist()
    if worse is not None:
        usable = [i for i in posts.index if posts["item_id"][i] in worse]
    if len(usable) < QUALIFYING or len(posts) < 2:
        raise ValueError(f"the qualification round needs {QUALIFYING} pictures, and there are {len(usable)}")
    rows = [
        {
            "round": "qualification",
            "source_item": posts["item_id"][i],
            "first": WRITER,
            "second": WORSE,
            "first_text": posts["alt_text"][i],
            "second_text": worse[posts["item_id"][i]]
            if worse is not None
            else worse_text(posts["alt_text"].tolist(), i, rng),
        }
        for i in rng.sample(usable, QUALIFYING)
    ]
    return as_study("qualification", "Qualification: which alt text is better?", rows, posts, seed)
