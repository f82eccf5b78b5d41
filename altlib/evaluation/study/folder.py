"""A study on disk: the pages for raters, and the keys that raters must not see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from altlib.core.files import whole_file
from altlib.evaluation.study.answers import Answers, merge_answers
from altlib.evaluation.study.comparisons import Comparisons
from altlib.evaluation.study.page import write_page


def write_study(rounds: Sequence[Comparisons], folder: Path) -> list[str]:
    """Write a page for each round, and its key into the folder ``keys``, which is to be kept from raters.

    Returns:
        The names of the pages.
    """
    for found in rounds:
        write_page(found.study, folder / f"{found.study.name}.html")
        with whole_file(folder / "keys" / f"{found.study.name}.csv") as part:
            found.key.to_csv(part, index=False)
    return [f"{found.study.name}.html" for found in rounds]


def merge_rounds(paths: Iterable[Path], rounds: Sequence[Comparisons]) -> Answers:
    """The answers in files of any of several rounds, merged.

    Raises:
        ValueError: A file is no file of answers.
    """
    return merge_answers(paths, [found.study for found in rounds])
