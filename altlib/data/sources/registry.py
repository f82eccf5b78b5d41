"""Where posts come from: one entry per source.

To add a source, write a module in this folder that yields records and add an entry here. A record
has the columns of :data:`altlib.data.posts.COLUMNS`, as far as the source knows them, and an
absolute image path. Importing this module loads none of the sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain, filterfalse, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altlib.core.errors import CorpusError

if TYPE_CHECKING:
    import pandas as pd

FRAME_ROWS = 4096  # posts in one frame of a stream


@dataclass
class Request:
    """What a run asks of a source.

    Attributes:
        folder: new pictures are written to ``folder/images``.
        path: the source's file, folder or dataset name; empty for its default.
        posts: most posts to take; 0 takes all.
        seed: seed of the miniature world.
        columns: which field is what in files whose names differ from ours (``"alt_text=description"``).
        forgotten: tells whether a record was to be forgotten. The registry passes such records over; a
            source that writes pictures asks before it does.
        unreadable: what could not be read, each ``{"item_id", "reason"}``; sources append to it.
    """

    folder: Path
    path: str = ""
    posts: int = 0
    seed: int = 0
    columns: str = ""
    forgotten: Callable[[dict[str, Any]], bool] = lambda record: False
    unreadable: list[dict] = field(default_factory=list)

    @property
    def where(self) -> Path:
        """The path, with the home directory filled in."""
        return Path(self.path).expanduser()


class Needs(Enum):
    """What the path of a source must be."""

    NOTHING = "nothing"
    EXISTING_PATH = "an existing file or folder"
    FOLDER = "a folder, which is made if it is missing"
    DATASET = "the name of a dataset of the Hugging Face hub, or its folder"


@dataclass(frozen=True)
class Source:
    """A source of posts.

    Attributes:
        name: the value of the parameter ``source``.
        records: yields the records that a request asks for.
        needs: what kind of path it needs.
        path_is: what the path should be, for error messages.
        origin: what the data card says about where the posts come from.
        live: whether ``altlib collect`` can collect from it (:mod:`altlib.data.collect.networks`).
        author_is: how ``altlib forget`` takes an author of it, for error messages.
    """

    name: str
    records: Callable[[Request], Iterator[dict[str, Any]]]
    needs: Needs
    path_is: str
    origin: str
    live: bool = False
    author_is: str = "as in the field author of its records"

    def path_problem(self, path: str) -> str:
        """What is wrong with a path for this source and what to do about it; empty if nothing is."""
        if self.needs is Needs.NOTHING:
            return ""
        if not path:
            return f"the source {self.name} needs {self.path_is}: set collection.source_path"
        if self.needs is Needs.EXISTING_PATH and not Path(path).expanduser().exists():
            return f"{path} does not exist; it should be {self.path_is}. Give the right path as collection.source_path"
        return ""


def miniworld_records(request: Request) -> Iterator[dict[str, Any]]:
    """Records of the miniature world."""
    from altlib.data.sources import miniworld

    return miniworld.records(request)


def concadia_records(request: Request) -> Iterator[dict[str, Any]]:
    """Records of Concadia."""
    from altlib.data.sources import concadia

    return concadia.records(request)


def jsonl_records(request: Request) -> Iterator[dict[str, Any]]:
    """Records of a JSON Lines file."""
    from altlib.data.sources import jsonl

    return jsonl.records(request)


def table_records(request: Request) -> Iterator[dict[str, Any]]:
    """Records of CSV and Parquet files."""
    from altlib.data.sources import tables

    return tables.records(request)


def dataset_records(request: Request) -> Iterator[dict[str, Any]]:
    """Records of a dataset of the Hugging Face hub."""
    from altlib.data.sources import tables

    return tables.dataset_records(request)


def mcm_dpo_records(request: Request) -> Iterator[dict[str, Any]]:
    """Records of MCM-DPO's data."""
    from altlib.data.sources import mcm_dpo

    return mcm_dpo.records(request)


def bluesky_records(request: Request) -> Iterator[dict[str, Any]]:
    """Records of a collection of Bluesky's posts; collects more first if there are fewer than asked for."""
    from altlib.data.collect import bluesky

    return bluesky.records(request.where, request.unreadable, request.posts)


def collected_records(request: Request) -> Iterator[dict[str, Any]]:
    """Records of a collection that ``altlib collect`` made."""
    from altlib.data.collect.reading import open_collection

    with open_collection(request.where) as collection:
        yield from collection.posts(request.unreadable, request.posts)


OWN_POSTS = "Posts from a file of one's own. Say here whose they are, how they were collected and under which licence."

NETWORK = (
    "Public posts of {network}, from {how}. The texts and pictures belong to those who posted them. Keep them private, "
    "publish addresses only (`altlib dehydrate`), and take out what is deleted ({deletions}`altlib forget` takes out "
    "what you are asked to)."
)

ENTRIES = (
    Source(
        "miniworld",
        miniworld_records,
        Needs.NOTHING,
        "",
        "Pictures drawn and texts written by the program of this book (the miniature world). No person posted any of "
        "it. The pictures contain OpenMoji glyphs, CC BY-SA 4.0, and are under that licence.",
    ),
    Source(
        "concadia",
        concadia_records,
        Needs.EXISTING_PATH,
        "Concadia's wiki_split.json or the folder that holds it",
        "Concadia (Kreiss et al. 2022): pictures of Wikipedia articles with description and caption. Each picture "
        "carries its own licence from Wikimedia; the corpus states none. Do not redistribute it.",
    ),
    Source(
        "jsonl",
        jsonl_records,
        Needs.EXISTING_PATH,
        "a .jsonl file of posts or the folder that holds it",
        OWN_POSTS,
    ),
    Source(
        "table",
        table_records,
        Needs.EXISTING_PATH,
        "a .csv or .parquet file of posts or the folder that holds them",
        OWN_POSTS,
    ),
    Source(
        "huggingface",
        dataset_records,
        Needs.DATASET,
        "a dataset of the Hugging Face hub, such as owner/name@split, or the folder of one",
        "A dataset of the Hugging Face hub. Say here whose posts it holds, how they were collected and under which licence.",
    ),
    Source(
        "mcm-dpo",
        mcm_dpo_records,
        Needs.EXISTING_PATH,
        "a clone of MCM-DPO's repository or one of its JSON files",
        "The data of MCM-DPO: posts of a social network as contexts, and the preferred responses as alt text. The "
        "repository is under the Apache licence 2.0; texts and pictures belong to those who posted them.",
    ),
    Source(
        "bluesky",
        bluesky_records,
        Needs.FOLDER,
        "a folder to collect into",
        NETWORK.format(
            network="Bluesky",
            how="its stream of events",
            deletions="`altlib collect` follows the stream's deletions, ",
        ),
        live=True,
        author_is="by its DID, such as did:plc:z72i7hdynmk6r22z27h6tvur, which the address of its page ends in or "
        "`https://bsky.social/xrpc/com.atproto.identity.resolveHandle?handle=NAME` tells",
    ),
    Source(
        "mastodon",
        collected_records,
        Needs.EXISTING_PATH,
        "a folder that `altlib collect mastodon` made",
        NETWORK.format(
            network="Mastodon",
            how="the public timeline and stream of an instance",
            deletions="`altlib collect` follows the stream's deletions, ",
        ),
        live=True,
        author_is="acct:name@instance, such as acct:ada@mastodon.social, or by the address of its page",
    ),
    Source(
        "x",
        collected_records,
        Needs.EXISTING_PATH,
        "a folder that `altlib collect x` made",
        NETWORK.format(network="X", how="its API, which was asked for them by their ids", deletions=""),
        live=True,
        author_is="x:number, with the number of the account, such as x:783214 (a handle may change, so it is not kept)",
    ),
)

SOURCES = {source.name: source for source in ENTRIES}


def source_named(name: str) -> Source:
    """The source of that name.

    Raises:
        CorpusError: There is none; the message lists those that there are.
    """
    if name not in SOURCES:
        raise CorpusError(f"unknown source {name!r}; known: {', '.join(SOURCES)}")
    return SOURCES[name]


def stream(
    source: str,
    folder: Path,
    unreadable: list[dict],
    path: str = "",
    posts: int = 0,
    seed: int = 0,
    columns: str = "",
) -> Iterator[pd.DataFrame]:
    """Raw posts of a source, at most :data:`FRAME_ROWS` of them in memory at a time.

    Args:
        source: name of the source.
        unreadable: records that could not be read are appended, each ``{"item_id", "reason"}``.
        folder: what its ``forgotten.json`` lists is passed over.
        path: where it is, as for what follows see :class:`Request`.
        posts: how many at most; 0 for all.
        seed: of a source that draws.
        columns: how a file names what a post has.

    Raises:
        CorpusError: The source is unknown, missing or empty.
    """
    from altlib.data.forgotten import Match, read_forgotten
    from altlib.data.posts import as_posts

    chosen = source_named(source)
    if problem := chosen.path_problem(path):
        raise CorpusError(problem)
    match = Match(read_forgotten(folder))
    request = Request(folder, path, posts, seed, columns, match.hits, unreadable)
    found: Iterator[dict[str, Any]] = filterfalse(match.hits, chosen.records(request))
    first = next(found, None)
    if first is None:
        raise CorpusError(f"the source {source} at {path or 'its default place'} holds no posts")
    found = chain([first], found)
    while rows := list(islice(found, FRAME_ROWS)):
        yield as_posts(rows)


def collect(
    source: str, folder: Path, path: str = "", posts: int = 0, seed: int = 0, columns: str = ""
) -> tuple[pd.DataFrame, list[dict]]:
    """All of :func:`stream` in one frame, and the records that could not be read."""
    import pandas as pd

    unreadable: list[dict] = []
    frames = list(stream(source, folder, unreadable, path, posts, seed, columns))
    return pd.concat(frames, ignore_index=True), unreadable
