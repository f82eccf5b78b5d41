"""Posts from a CSV or Parquet file, or from a dataset of the Hugging Face hub.

Pictures are paths relative to the file, or bytes in a column as hub datasets hold them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from altlib.core.errors import CorpusError
from altlib.data.sources.records import as_record, choose_columns, parse_columns

Row = dict[str, Any]


def collect(path: str, folder: Path, unreadable: list[dict], limit: int = 0, columns: str = "") -> Iterator[Row]:
    """The posts of a ``.csv`` or ``.parquet`` file, or of all of a folder, at most ``limit`` (0: all).

    ``columns`` says which column is what (``"alt_text=description"``) where the names differ.
    Pictures in bytes are written to ``folder/images``. Rows that could not be read are appended
    to ``unreadable``. Raises :class:`CorpusError` if there is no such file, or it lacks columns.
    """
    from altlib.data.sources.registry import require_path

    where = require_path(path, "a .csv or .parquet file of posts or the folder that holds them")
    files = sorted(p for kind in ("*.parquet", "*.csv") for p in where.glob(kind)) if where.is_dir() else [where]
    if not files:
        raise CorpusError(f"{where} holds neither .csv nor .parquet files")

    def records() -> Iterator[Row]:
        for file in files:
            rows = parquet_rows(file) if file.suffix == ".parquet" else csv_rows(file)
            yield from posts_of(rows, unreadable, columns, file.name, file.parent.resolve(), folder / "images")

    yield from islice(records(), limit or None)


def collect_dataset(
    name: str, folder: Path, unreadable: list[dict], limit: int = 0, columns: str = ""
) -> Iterator[Row]:
    """The posts of a dataset of the hub by ``name`` (``owner/name``, ``owner/name:config`` or ``...@split``), or a folder of one.

    Rows are streamed, so no more is fetched than ``limit`` needs. Raises :class:`CorpusError`
    if it cannot be had, with what to do.
    """
    import datasets

    if not name:
        raise CorpusError("the source huggingface needs a dataset's name: set collection.source_path")
    name, _, split = name.partition("@")
    identifier, _, config = name.partition(":")
    try:
        data = datasets.load_dataset(identifier, config or None, split=split or "train", streaming=True)
        data = datasets.IterableDataset.cast(data, undecoded(data.features)) if data.features else data
        root = Path(identifier).expanduser() if Path(identifier).expanduser().is_dir() else folder
        records = posts_of(iter(data), unreadable, columns, name, root.resolve(), folder / "images")
        yield from islice(records, limit or None)
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, CorpusError):
            raise
        raise CorpusError(
            f"the dataset {name!r} cannot be read ({type(error).__name__}: {error}"[:300]
            + "). Check its name and split. On a "
            f"machine without internet, fetch it elsewhere by `huggingface-cli download --repo-type dataset {identifier}` and "
            "give the folder of its Parquet files with source=table"
        ) from error


def undecoded(features: Any) -> Any:
    """The features with pictures left as bytes: a broken one must not end the reading."""
    import datasets

    return datasets.Features(
        {n: datasets.Image(decode=False) if isinstance(f, datasets.Image) else f for n, f in features.items()}
    )


def posts_of(
    rows: Iterator[Row], unreadable: list[dict], columns: str, name: str, root: Path, images: Path
) -> Iterator[Row]:
    """Rows as posts; those that are none are appended to ``unreadable``."""
    chosen: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        chosen = chosen or choose_columns(parse_columns(columns), list(row), name)
        try:
            record = as_record(row, chosen, number, root, images)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"row lacks {error}" if isinstance(error, KeyError) else f"row is not a post: {error}"
            unreadable.append({"item_id": f"row {number} of {name}", "reason": reason})
        else:
            yield record


def csv_rows(file: Path) -> Iterator[Row]:
    """The rows of a CSV file with a heading."""
    csv.field_size_limit(10_000_000)
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        try:
            yield from csv.DictReader(line.replace("\0", "") for line in lines)
        except csv.Error as error:
            raise CorpusError(f"{file} is not a CSV file: {error}") from error


def parquet_rows(file: Path) -> Iterator[Row]:
    """The rows of a Parquet file, a batch of 256 in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(file).iter_batches(256):
            yield from batch.to_pylist()
    except (pa.ArrowInvalid, pa.ArrowIOError, OSError) as error:
        raise CorpusError(f"{file} is damaged or no Parquet file ({error}); fetch or write it again") from error
