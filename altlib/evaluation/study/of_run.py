"""Studies of a finished run: of the texts that its systems wrote, or of the alt texts that its cleaning kept."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from altlib.core.errors import StudyError
from altlib.core.files import read_json
from altlib.data.posts import read_corpus
from altlib.evaluation.study.audit import audit_study, draw_sample
from altlib.evaluation.study.comparisons import Comparisons, compare_systems, qualification
from altlib.evaluation.study.questionnaire import Study
from altlib.miniworld.planted import planted


def described_pictures(run: Path) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """The test pictures of a run, and what each of its systems wrote for them.

    Args:
        run: Its folder.

    Returns:
        n pictures with the columns of a corpus, and the name of each system -> its n texts.

    Raises:
        StudyError: The run has no texts yet.
    """
    file = run / "results" / "captions.parquet"
    if not file.is_file():
        raise StudyError(f"{run} has no captions to compare ({file} is missing): run the book, or chapter 03, first")
    captions = pd.read_parquet(file).set_index("item_id")
    test = read_corpus(run / "corpus", "test")
    pictures = test[test["item_id"].isin(captions.index)].reset_index(drop=True)
    names = [name for name in captions if name != "gold"]
    return pictures, {name: captions.loc[pictures["item_id"], name].tolist() for name in names}


def exemplary(posts: pd.DataFrame, drawn: bool) -> pd.DataFrame:
    """The posts whose alt text may stand for a good one in a qualification round.

    In the miniature world these are the alt texts that are as their writers left them. Elsewhere all of
    them, and whoever runs a study has to look at the pairs.

    Args:
        posts: With the columns of a corpus.
        drawn: Whether they come from the miniature world.
    """
    if not drawn:
        return posts
    found = planted(posts)
    return found[found["poor"] == ""].reset_index(drop=True)


def comparisons_of_run(
    run: Path, pairs: Sequence[tuple[str, str]], size: int, seed: int, worse: Mapping[str, str] | None = None
) -> list[Comparisons]:
    """The qualification round and the comparisons of a run's systems.

    Args:
        run: Its folder.
        pairs: The systems to compare.
        size: Pictures per pair; all if there are fewer.
        seed: Of the sample, the order and the qualification round.
        worse: item_id of a validation picture -> a clearly worse text for the qualification round; made if none are given.

    Raises:
        StudyError: The run has no texts yet, or none by one of the systems.
        ValueError: There are too few pictures for a qualification round.
    """
    pictures, written = described_pictures(run)
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        if name not in written:
            near = difflib.get_close_matches(name, written, 1, 0.3)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise StudyError(f"{run} has no system {name!r}{meant} It has: {'; '.join(written)}")
    if same := [pair for pair in pairs if pair[0] == pair[1]]:
        raise StudyError(f"a system cannot be compared with itself: {same[0][0]!r}")
    drawn = read_json(run / "corpus" / "steps.json")["source"] == "miniworld"
    validation = read_corpus(run / "corpus", "val")
    entrance = qualification(exemplary(validation, drawn) if worse is None else validation, seed, worse)
    return [entrance, compare_systems(pictures, written, list(pairs), size, seed)]


def audit_of_run(run: Path, size: int, seed: int) -> Study:
    """The audit of random validation pictures of a run, as chapter 01 makes it.

    Args:
        run: Its folder.
        size: Pictures; all if there are fewer.
        seed: Of the sample.
    """
    return audit_study(draw_sample(read_corpus(run / "corpus", "val"), size, seed))
