"""Forget posts: take them, their pictures and everything derived from them out of collections and runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from altlib.core.errors import CorpusError
from altlib.core.files import read_json, whole_file, write_json
from altlib.data.collect.store import Collection

# What a run derives from its posts beyond its tables, and can make again without the forgotten ones.
DERIVED = ("features", "notebooks", "staging", "html", "audit", "results", "records", "logs")
MODELS = ("captioners", "tuned-clip")  # the folders of a run's models, each of which has learned from all posts


@dataclass
class Forgotten:
    """What was taken out of a run: rows of its corpus, and the folders that were deleted."""

    rows: int = 0
    folders: list[str] = field(default_factory=list)


def belongs(posts: Iterable[str], authors: Iterable[str]) -> Callable[[str], bool]:
    """Whether a post's address is one of ``posts`` or by one of ``authors``."""
    chosen, by = set(posts), tuple(f"at://{a}/" for a in authors)
    return lambda address: address in chosen or address.startswith(by)


def forget_collected(folder: Path, posts: Iterable[str], authors: Iterable[str]) -> int:
    """Take posts and authors out of a collection for good: they are not collected again.

    Args:
        folder: the collection.
        posts: addresses of posts.
        authors: accounts, all of whose posts go.

    Returns:
        The number of pictures that were taken out.

    Raises:
        CorpusError: there is no collection.
    """
    with Collection(folder) as collection:
        with collection.together():
            count = sum(collection.remove(p) for p in posts) + sum(collection.remove_author(a) for a in authors)
        collection.base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count


def forget_in_run(run: Path, posts: Iterable[str], authors: Iterable[str], keep_models: bool = False) -> Forgotten:
    """Take posts out of a run's corpus and delete what was derived from it, so that the next run makes it anew.

    Pictures that lie in the run's folder are deleted. Models have learned from every post of
    their corpus, and no model can be made to unlearn one.

    Args:
        run: the folder of the run.
        posts: addresses of posts.
        authors: accounts, all of whose posts go.
        keep_models: whether the run's models stay.

    Raises:
        CorpusError: ``run`` is not a run's folder.
    """
    corpus = run / "corpus"
    if not corpus.is_dir():
        raise CorpusError(f"{run} is not the folder of a run: it has no corpus")
    hit = belongs(posts, authors)
    shutil.rmtree(corpus / "cleaning", ignore_errors=True)  # what a pass that was stopped has left
    result = Forgotten()
    for name in ("posts.parquet", "excluded.parquet"):
        file = corpus / name
        if not file.is_file():
            continue
        frame = pd.read_parquet(file)
        key = frame["post_id"].fillna("") if "post_id" in frame else pd.Series("", index=frame.index)
        key = key.where(key != "", frame["item_id"].astype(str).str.split("#").str[0])
        gone = key.map(hit).astype(bool)
        for path in frame.loc[gone, "image"].dropna() if "image" in frame else []:
            image = (corpus / path).resolve()
            if image.is_relative_to(corpus.resolve()):
                image.unlink(missing_ok=True)
        result.rows += int(gone.sum())
        if gone.any():
            with whole_file(file) as part:
                frame[~gone].to_parquet(part, index=False)
    if not result.rows:
        return result
    for name in (*DERIVED, *(() if keep_models else MODELS)):
        if (run / name).exists():
            shutil.rmtree(run / name)
            result.folders.append(name)
    note = run / "forgotten.json"
    total = (read_json(note)["rows"] if note.is_file() else 0) + result.rows
    write_json(note, {"rows": total, "models_kept": keep_models and any((run / m).exists() for m in MODELS)})
    return result
