"""Forget posts: take them, their pictures and everything derived from them out of collections and runs.

What is to be forgotten is noted first, by fingerprints, and marked as finished last. So forgetting
that was killed can be finished by the same command, and a source that still holds a post does not
bring it back.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from altlib.core.errors import CorpusError
from altlib.core.files import read_json, whole_file, write_json
from altlib.data import forgotten
from altlib.data.addresses import author_address, post_address
from altlib.data.collect.reading import is_collection
from altlib.data.collect.store import Collection
from altlib.data.forgotten import Forgotten, Match, read_forgotten, write_forgotten
from altlib.data.sources.registry import SOURCES
from altlib.evaluation.study.folder import INDEX, KEYS
from altlib.evaluation.study.forgetting import forget_in_study, pictures_in
from altlib.runs.book import only_run

# What no post is in: a run's parameters and plan, and models that have learned from the drawn world alone.
KEPT = ("lock", "run.json", "parameters.json", "plan", "backbones")
MODELS = ("captioners", "tuned-clip")  # the folders of a run's models, each of which has learned from all posts
STUDIES = ("study", "audit")  # where raters' answers may be; what they say of other posts stays
TABLES = ("posts.parquet", "excluded.parquet")  # of a corpus
CORPUS = (*TABLES, "steps.json", "README.md", forgotten.FILE)  # files of a corpus that stay, without the posts


@dataclass
class Target:
    """A run, a collection or a study that is to forget.

    Attributes:
        folder: of the run, the collection or the study.
        collection: the collection, opened to be written; None for a run.
        is_study: whether it is a study outside of a run, as `altlib study make` writes it.
        source: name of the source of its posts; empty if it does not say.
        pictures: number of pictures that were taken out.
        deleted: names of what was deleted in a run's folder.
    """

    folder: Path
    collection: Collection | None = None
    is_study: bool = False
    source: str = ""
    pictures: int = 0
    deleted: list[str] = field(default_factory=list)

    def knows(self, address: str) -> bool:
        """Whether there is a post with this address or by this author, or whether it was forgotten before."""
        if self.collection:
            return self.collection.knows(address)
        corpus, asked = self.folder / "corpus", Forgotten()
        asked.add([address])
        if self.is_study:
            return any(Match(asked).hits({"item_id": item}) for item in pictures_in(self.folder))
        return read_forgotten(corpus).knows(address) or any(has_rows(file, asked) for file in corpus.rglob("*.parquet"))


def forget(
    folders: Iterable[Path], posts: Iterable[str], authors: Iterable[str], keep_models: bool = False
) -> list[Target]:
    """Take posts and authors out of collections and runs, and out of the collections that the runs read.

    Nothing is changed unless every name is known in one of them.

    Args:
        folders: collections, folders of runs, and folders of studies.
        posts: addresses of posts.
        authors: accounts, all of whose posts go.
        keep_models: whether the models of runs stay; no model can be made to unlearn a post.

    Returns:
        What was done in each.

    Raises:
        CorpusError: A folder is neither a collection nor a run's nor a study's, or is being written to, or a
            name is nowhere.
        RunError: A run is being executed.
    """
    post_names = [post_address(post) for post in posts]
    author_names = [author_address(author) for author in authors]
    with ExitStack() as opened:
        targets = open_targets(folders, opened)
        for name in (*post_names, *author_names):
            if not any(target.knows(name) for target in targets):
                raise CorpusError(not_found(name, name in author_names, targets))
        collections = [target.collection for target in targets if target.collection]
        runs = [target for target in targets if not target.collection and not target.is_study]
        # The runs' tables may lack the authors; the collections know all of their posts, until they forget them.
        theirs = {post for c in collections for author in author_names for post in c.posts_of(author)}
        addresses = {*post_names, *author_names, *theirs}
        touched = [run for run in runs if note_to_forget(run.folder, addresses)]
        for target in targets:
            if target.collection:
                target.pictures = target.collection.forget(post_names, author_names)
            elif target.is_study:
                forget_in_lone_study(target, addresses)
        for run in touched:
            forget_in_run(run, keep_models)
        return targets


def open_targets(folders: Iterable[Path], opened: ExitStack) -> list[Target]:
    """The runs, collections and studies of some folders, and the collections that the runs read, locked until ``opened`` closes.

    Raises:
        CorpusError: A folder is neither, or a collection is being written to.
        RunError: A run is being executed.
    """
    runs: dict[Path, Target] = {}
    studies: dict[Path, Target] = {}
    collections: dict[Path, Target] = {}
    for folder in folders:
        if is_collection(folder):
            collections[folder.resolve()] = Target(folder)
        elif (folder / "corpus").is_dir():
            parameters = read_json(folder / "parameters.json") if (folder / "parameters.json").is_file() else {}
            asked = parameters.get("collection", {})
            runs[folder.resolve()] = Target(folder, source=asked.get("source", ""))
            if read := collection_of(folder, asked):
                collections.setdefault(read.resolve(), Target(read))
        elif (folder / KEYS / INDEX).is_file():
            studies[folder.resolve()] = Target(folder, is_study=True)
        else:
            raise CorpusError(
                f"{folder} is neither a collection, which `altlib collect` makes, nor the folder of a run with a corpus, "
                "nor that of a study"
            )
    for run in runs.values():
        opened.enter_context(only_run(run.folder))
    for target in collections.values():
        target.collection = opened.enter_context(Collection(target.folder))
        target.source = target.collection.fact("source")
    return [*collections.values(), *runs.values(), *studies.values()]


def collection_of(run: Path, asked: dict[str, Any]) -> Path | None:
    """The folder of the collection that a run read; None if it read none or it is not there."""
    source = SOURCES.get(asked.get("source", ""))
    if source is None or not source.live:
        return None
    plan = run / "plan" / "plan.json"
    root = Path(read_json(plan)["root"]) if plan.is_file() else Path()
    folder = root / Path(asked.get("source_path", "")).expanduser()
    return folder if is_collection(folder) else None


def not_found(name: str, is_author: bool, targets: list[Target]) -> str:
    """The message for a name that is in none of the targets."""
    told = f"{', '.join(str(t.folder) for t in targets)}: no {'post by' if is_author else 'post'} {name!r} was found"
    sources = [SOURCES[name] for name in dict.fromkeys(t.source for t in targets) if name in SOURCES]
    forms = "".join(f". An author of {source.name} is written {source.author_is}" for source in sources)
    return f"{told}, so nothing was changed{forms if is_author else ''}"


def has_rows(file: Path, asked: Forgotten) -> bool:
    """Whether a table of posts has a row of a post or an author that is asked for."""
    hits, columns = Match(asked).hits, {"post_id", "item_id", "author"}
    with pq.ParquetFile(file) as table:
        there = [name for name in table.schema_arrow.names if name in columns]
        return bool(there) and any(hits(row) for b in table.iter_batches(4096, columns=there) for row in b.to_pylist())


def note_to_forget(run: Path, addresses: set[str]) -> bool:
    """Note posts and authors in a run that is to forget them; whether it has anything to forget."""
    corpus, asked = run / "corpus", Forgotten()
    asked.add(addresses)
    note = read_forgotten(corpus)
    unfinished = not note.finished or is_unfinished(corpus)
    if not unfinished and not any(has_rows(corpus / name, asked) for name in TABLES if (corpus / name).is_file()):
        return False
    note.add(addresses)
    note.finished = False
    write_forgotten(corpus, note)
    return True


def is_unfinished(corpus: Path) -> bool:
    """Whether chapter 01 was stopped before its corpus was complete."""
    return (corpus / "cleaning").exists() or not (corpus / "steps.json").is_file()


def forget_in_run(run: Target, keep_models: bool) -> None:
    """Take what is noted out of a run's corpus and delete what was derived from it, so that the next run makes it anew.

    A corpus that chapter 01 did not complete is deleted as a whole.
    """
    corpus = run.folder / "corpus"
    note = read_forgotten(corpus)
    studies = [] if is_unfinished(corpus) else forget_in_studies(run.folder, note)
    stays = (forgotten.FILE,) if is_unfinished(corpus) else (*CORPUS, "images")
    for path in [p for p in corpus.iterdir() if p.name not in stays]:
        delete(path)
    pictures: set[Path] = set()
    for name in TABLES:
        if (corpus / name).is_file():
            run.pictures += rewrite_table(corpus / name, note, pictures)
    if (corpus / "steps.json").is_file():
        forget_unreadable(corpus / "steps.json", note)
    for path in (corpus / "images").iterdir() if (corpus / "images").is_dir() else ():
        if path.resolve() not in pictures:
            delete(path)
    kept = (*KEPT, "corpus", *studies, *(MODELS if keep_models else ()))
    for path in [p for p in run.folder.iterdir() if p.name not in kept]:
        delete(path)
        run.deleted.append(path.name)
    note.pictures += run.pictures
    note.models_kept = note.models_kept or any((run.folder / name).exists() for name in MODELS)
    note.finished = True
    write_forgotten(corpus, note)


def forget_in_studies(run: Path, note: Forgotten) -> list[str]:
    """Take what is to be forgotten out of a run's studies, while its tables still tell whose posts they are.

    Returns:
        The names of the folders in which something is left.
    """
    match, corpus = Match(note), run / "corpus"
    items = {item for name in TABLES if (corpus / name).is_file() for item in hit_items(corpus / name, match.hits)}

    def gone(item: str) -> bool:
        return item in items or match.hits({"item_id": item})

    return [name for name in STUDIES if (run / name).is_dir() and forget_in_study(run / name, gone)]


def forget_in_lone_study(study: Target, addresses: set[str]) -> None:
    """Take posts out of a study that is in no run. Its items tell their posts, and only on Bluesky their authors, too."""
    asked = Forgotten()
    asked.add(addresses)
    match = Match(asked)
    hit = {item for item in pictures_in(study.folder) if match.hits({"item_id": item})}
    if hit:
        study.pictures = len(hit)
        forget_in_study(study.folder, hit.__contains__)


def hit_items(file: Path, hits: Callable[[dict[str, Any]], bool]) -> set[str]:
    """The item_id of the rows of a table of posts that ``hits`` tells."""
    with pq.ParquetFile(file) as table:
        there = [name for name in table.schema_arrow.names if name in ("post_id", "item_id", "author")]
        batches = (batch.to_pylist() for batch in table.iter_batches(4096, columns=there))
        return {str(row.get("item_id")) for rows in batches for row in rows if hits(row)}


def delete(path: Path) -> None:
    """Delete a file, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def rewrite_table(file: Path, note: Forgotten, pictures: set[Path]) -> int:
    """Rewrite a table of posts without those that are to be forgotten.

    Args:
        file: the Parquet file.
        note: what is to be forgotten.
        pictures: the paths of pictures of the posts that stay are added.

    Returns:
        The number of rows that were taken out.
    """
    hits, gone = Match(note).hits, 0
    with (
        pq.ParquetFile(file) as table,
        whole_file(file) as part,
        pq.ParquetWriter(part, table.schema_arrow) as writer,
    ):
        for batch in table.iter_batches(4096):
            rows = batch.to_pylist()
            stays = [not hits(row) for row in rows]
            gone += stays.count(False)
            left = [row["image"] for row, stay in zip(rows, stays, strict=True) if stay and row["image"]]
            pictures |= {(file.parent / image).resolve() for image in left}
            writer.write_batch(batch.filter(pa.array(stays)))
    return gone


def forget_unreadable(file: Path, note: Forgotten) -> None:
    """Take what is to be forgotten out of the records that could not be read, in a corpus' ``steps.json``."""
    steps, hits = read_json(file), Match(note).hits
    write_json(file, steps | {"unreadable": [row for row in steps["unreadable"] if not hits(row)]})
