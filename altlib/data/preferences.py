"""Preference pairs: for a picture and its post, a response that was chosen and one that was rejected.

Pairs come from MCM-DPO's files, from JSON lines, from a model's own samples that anything ranks, and
in the miniature world from the facts of each picture.
Each keeps in ``error`` what is wrong with the rejected response, where that is known. A pair that
cannot teach anything (identical or empty responses, a missing picture) is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from altlib.core.errors import CorpusError
from altlib.core.files import first_copies
from altlib.core.images import picture_problem
from altlib.core.progress import progress_bar
from altlib.data.caption_entries import clean
from altlib.data.described import sample_rows
from altlib.data.sources.fields import inside
from altlib.data.sources.mcm_dpo import MALFORMED, data_files, entries, record_of, rejected_response, split_of
from altlib.data.splits import SPLITS
from altlib.miniworld.fact_errors import ERRORS, right_and_wrong

PAIR_COLUMNS = ("item_id", "image", "text", "chosen", "rejected", "error", "split")

# Names under which a field of a JSON line is found; the first that is there counts.
KNOWN_AS = {
    "item_id": ("item_id", "id", "idx"),
    "image": ("image", "image_path"),
    "text": ("text", "post", "context"),
    "chosen": ("chosen", "alt_text", "alt"),
    "rejected": ("rejected",),
}
# What splits are called in files, in lower case.
SPLIT_NAMES = {
    **{"": "", "train": "train", "training": "train", "test": "test", "testing": "test"},
    **{"val": "val", "valid": "val", "validation": "val", "dev": "val"},
}


@dataclass(frozen=True)
class Pairs:
    """Preference pairs, and what was left out.

    Attributes:
        frame: One row per pair with the columns :data:`PAIR_COLUMNS`: ``image`` is the picture's file,
            ``text`` the post, ``error`` the kind of error of the rejected response or empty,
            ``split`` train, val, test or empty.
        excluded: How many pairs were left out, by reason.
    """

    frame: pd.DataFrame
    excluded: dict[str, int]

    def __len__(self) -> int:
        return len(self.frame)


def reason_against(row: dict[str, Any]) -> str:
    """Why the responses of a pair are of no use; empty if they are of use."""
    chosen, rejected = (" ".join(row[name].split()) for name in ("chosen", "rejected"))
    if not chosen or not rejected:
        return "a response is empty"
    return "chosen and rejected are identical" if chosen == rejected else ""


def as_pairs(rows: Sequence[dict[str, Any]], where: str, malformed: int = 0) -> Pairs:
    """The useful ones of some rows.

    Args:
        rows: With the keys :data:`PAIR_COLUMNS`, of which error and split may be missing.
        where: What the rows come from, for the error.
        malformed: How many more could not be read.

    Raises:
        CorpusError: No pair is of use.
    """
    rows = [{name: clean(value) for name, value in row.items()} for row in rows]
    pictures = progress_bar(dict.fromkeys(row["image"] for row in rows), desc="pictures of pairs", unit=" pictures")
    problems = {path: picture_problem(path) for path in pictures}
    reasons = [reason_against(row) or problems[row["image"]] for row in rows]
    excluded = Counter(filter(None, reasons))
    if malformed:
        excluded["record is malformed"] = malformed
    kept = [{"error": "", "split": ""} | row for row, reason in zip(rows, reasons, strict=True) if not reason]
    if not kept:
        told = "; ".join(f"{reason}: {count}" for reason, count in excluded.items()) or "it is empty"
        raise CorpusError(f"{where} gives no preference pair ({told}); each needs image, chosen and rejected")
    return Pairs(pd.DataFrame(kept, columns=list(PAIR_COLUMNS)), dict(excluded))


def read_mcm_dpo(where: Path) -> Pairs:
    """The pairs in a clone of MCM-DPO's repository, or in one of its files; test files reject nothing and are passed over.

    Raises:
        CorpusError: There is no such file, or no pair in it.
    """
    rows, malformed = [], 0
    for file in data_files(where):
        if split_of(file) == "test":
            continue
        for number, entry in enumerate(entries(file), start=1):
            try:
                record, rejected = record_of(entry, number, file), rejected_response(entry)
            except MALFORMED:
                malformed += 1
                continue
            row = {name: record[name] for name in ("item_id", "image", "text", "split")}
            rows.append(row | {"chosen": record["alt_text"], "rejected": rejected})
    return as_pairs(rows, str(where), malformed)


def read_jsonl(file: Path) -> Pairs:
    """The pairs of a file of JSON lines; picture paths are relative to its folder.

    Fields are found under the names of :data:`KNOWN_AS`; ``error`` and ``split`` may be given, splits
    by the names of :data:`SPLIT_NAMES`.

    Raises:
        CorpusError: The file is missing, names an unknown split, or holds no pair.
    """
    if not file.is_file():
        raise CorpusError(f"there is no file of preference pairs {file}")
    rows, malformed = [], 0
    for number, entry in enumerate(entries(file), start=1):
        try:
            rows.append(json_row(entry, number, file))
        except MALFORMED:
            malformed += 1
    unknown = sorted({row["split"] for row in rows} - set(SPLITS) - {""})
    if unknown:
        raise CorpusError(
            f"{file} names the unknown split {unknown[0]!r}; known: {', '.join(filter(None, SPLIT_NAMES))}"
        )
    return as_pairs(rows, str(file), malformed)


def json_row(entry: dict[str, Any], number: int, file: Path) -> dict[str, Any]:
    """One JSON object as a row of a pair.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: It is of another form.
    """

    def found(ours: str, default: str | None = None) -> str:
        value = next((entry[name] for name in KNOWN_AS[ours] if entry.get(name) is not None), default)
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise TypeError(f"{ours} is not a text")
        return str(value)

    image = inside(file.parent.resolve(), found("image"))
    split = str(entry.get("split") or "").strip()
    return {
        "item_id": found("item_id", str(number)),
        "image": image,
        "text": found("text", "").strip(),
        "chosen": found("chosen"),
        "rejected": found("rejected"),
        "error": str(entry.get("error") or ""),
        "split": SPLIT_NAMES.get(split.lower(), split),
    }


def ranked_pairs(
    posts: pd.DataFrame, samples: Sequence[Sequence[str]], score: Callable[[int, str], float], least: float = 0.0
) -> Pairs:
    """Pairs from a model's own samples: the best and the worst of each picture by a judge or metric.

    Args:
        posts: n posts with the columns item_id, image, text, and optionally split.
        samples: Some texts for each of them.
        score: Of a text for the post of that number; higher is better.
        least: Pairs whose scores differ by less, or not at all, are left out and counted.

    Raises:
        CorpusError: No pair is of use.
    """
    found, undecided = [], 0
    for i, (post, texts) in enumerate(zip(posts.to_dict("records"), samples, strict=True)):
        scores = {text: score(i, text) for text in texts}
        best, worst = (choose(scores, key=scores.__getitem__, default="") for choose in (max, min))
        gap = scores[best] - scores[worst] if scores else 0.0
        if gap <= 0 or gap < least:
            undecided += 1
            continue
        told = {name: str(post.get(name, "")) for name in ("item_id", "image", "text", "split")}
        found.append(told | {"chosen": best, "rejected": worst, "error": "ranked lower"})
    if not found:
        raise CorpusError(f"no two samples of any of {len(posts)} pictures differ in their score; draw more of them")
    pairs = as_pairs(found, "the samples")
    return Pairs(pairs.frame, pairs.excluded | ({"samples do not differ": undecided} if undecided else {}))


def fact_pairs(posts: pd.DataFrame, errors: Sequence[str], seed: int = 0) -> Pairs:
    """Pairs for pictures of the miniature world: a right alt text, and one with a single error of fact.

    The kinds of error take turns; a picture that gives no room for its turn's error takes the next one's.

    Args:
        posts: Posts of the miniature world with the columns item_id, image, text and split.
        errors: Kinds of error, of :data:`altlib.miniworld.fact_errors.ERRORS`.
        seed: Chooses the words and the wrong values.

    Raises:
        CorpusError: No picture is of the miniature world.
    """
    found, left_out = [], 0
    for number, post in enumerate(posts[["item_id", "image", "text", "split"]].to_dict("records")):
        turns = [errors[(number + turn) % len(errors)] for turn in range(len(errors))]
        texts = ((error, right_and_wrong(post["item_id"], error, seed)) for error in turns)
        error, pair = next(((error, pair) for error, pair in texts if pair), ("", None))
        if pair is None:
            left_out += 1
            continue
        found.append(post | {"chosen": pair[0], "rejected": pair[1], "error": error})
    if not found:
        raise CorpusError(
            f"the facts of the pictures give no preference pair ({left_out} of {len(posts)} give no room for an error); "
            "for pictures of other sources set pairs_source to samples, mcm-dpo or jsonl"
        )
    pairs = as_pairs(found, "the facts of the pictures")
    return Pairs(pairs.frame, pairs.excluded | ({"no room for an error": left_out} if left_out else {}))


SOURCES = ("facts", "mcm-dpo", "jsonl")


def load_pairs(source: str, path: str, posts: pd.DataFrame, errors: str, seed: int) -> Pairs:
    """The pairs of a source.

    Args:
        source: One of :data:`SOURCES`.
        path: Of a clone of MCM-DPO's repository, one of its files, or a file of JSON lines.
        posts: The run's posts, from which pairs of facts are made.
        errors: Kinds of error between commas, for pairs of facts; empty takes all.
        seed: Of the pairs of facts.

    Raises:
        CorpusError: The source gives no pair.
        ValueError: The source is unknown.
    """
    if source == "facts":
        kinds = [error.strip() for error in errors.split(",") if error.strip()] or list(ERRORS)
        return fact_pairs(posts, kinds, seed)
    if source == "mcm-dpo":
        return read_mcm_dpo(Path(path).expanduser())
    if source == "jsonl":
        return read_jsonl(Path(path).expanduser())
    raise ValueError(f"unknown source of pairs {source!r}; known: {', '.join(SOURCES)}")


def split_pairs(
    pairs: Pairs, training: int, validation: int, seed: int, tested: Iterable[str] = ()
) -> dict[str, pd.DataFrame]:
    """Random pairs to learn from and to follow rewards on; no picture is in both.

    Pairs that are marked for validation stay there, with unmarked ones if they are too few. Where none or one is
    marked so, as in MCM-DPO's files, rewards are followed on a fifth of the pairs at most, or on two. A picture's
    pairs go together. Pairs that are beyond what is wanted, or of test pictures, are in neither.

    Args:
        pairs: The pairs.
        training: How many to learn from at most; 0 takes all.
        validation: How many to follow rewards on at most, at least 2.
        seed: Of the choice.
        tested: Files of pictures on which results are measured; copies of them are avoided, too.

    Raises:
        CorpusError: There are too few.
    """
    frame, tested = pairs.frame, list(tested)
    first = first_copies([*tested, *frame["image"]])
    frame = frame.assign(picture=frame["image"].map(first))
    avoided = {*map(first.get, tested), *frame.loc[frame["split"] == "test", "picture"]}
    frame = frame[~frame["picture"].isin(avoided)].sample(frac=1.0, random_state=seed)
    marked = frame["split"] == "val"
    usable = marked | (frame["split"] == "") | (marked.sum() < 2)
    watched = set(frame.loc[marked, "picture"])
    taken = frame["picture"].isin(watched)
    loose = frame[usable & ~taken]
    room = min(validation - int((usable & taken).sum()), max(2, len(loose) // 5))
    sizes = loose.groupby("picture", sort=False).size()
    if not watched and len(sizes) and sizes.min() > room:
        watched, room = {sizes.idxmin()}, 0
    for picture, size in sizes.items():
        if size <= room:
            watched.add(picture)
            room -= size
    taken = frame["picture"].isin(watched)
    found = {"val": frame[usable & taken][:validation], "train": frame[~taken][: training or None]}
    if min(map(len, found.values())) < 2:
        raise CorpusError(
            f"{len(found['train'])} pairs to learn from and {len(found['val'])} to follow rewards on; two of each are needed"
        )
    return {name: rows.drop(columns="picture").reset_index(drop=True) for name, rows in found.items()}


ROOM = 1.5  # posts per pair that is wanted, as some give none


def posts_for_pairs(posts: pd.DataFrame, training: int, validation: int, seed: int) -> pd.DataFrame:
    """Random posts of the training and the validation split, somewhat more than the pairs that are wanted of each.

    Args:
        posts: With the column split.
        training: Pairs to learn from; 0 takes all posts.
        validation: Pairs to follow rewards on.
        seed: Of the choice.
    """
    wanted = {"train": round(ROOM * training), "val": round(ROOM * validation)}
    return pd.concat([sample_rows(posts, name, limit, seed) for name, limit in wanted.items()], ignore_index=True)
