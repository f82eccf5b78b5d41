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
from altlib.data.sources.fields import as_record, choose_columns, parse_columns, told_by
from altlib.data.sources.registry import Request

Row = dict[str, Any]


def records(request: Request) -> Iterator[Row]:
    """The records of a ``.csv`` or ``.parquet`` file, or of all of a folder.

    Pictures in bytes are written to the request's folder.

    Raises:
        CorpusError: The folder holds no such file, or a file is damaged or lacks columns.
    """
    where = request.where
    files = sorted(p for kind in ("*.parquet", "*.csv") for p in where.glob(kind)) if where.is_dir() else [where]
    if not files:
        raise CorpusError(f"{where} holds neither .csv nor .parquet files")

    def found() -> Iterator[Row]:
        for file in files:
            rows = parquet_rows(file) if file.suffix == ".parquet" else csv_rows(file)
            yield from records_of(rows, request, file.name, file.parent.resolve())

    yield from islice(found(), request.posts or None)


def dataset_records(request: Request) -> Iterator[Row]:
    """The records of a dataset of the hub, or of a folder of one.

    The path is ``owner/name``, ``owner/name:config`` or ``...@split``. Rows are streamed, so no
    more is fetched than the request needs.

    Raises:
        CorpusError: The dataset cannot be read; the message says how to get it.
    """
    import datasets

    name, _, split = request.path.partition("@")
    identifier, _, config = name.partition(":")
    local = Path(identifier).expanduser()
    try:
        data = datasets.load_dataset(identifier, config or None, split=split or "train", streaming=True)
        data = datasets.IterableDataset.cast(data, undecoded(data.features)) if data.features else data
        root = (local if local.is_dir() else request.folder).resolve()
        yield from islice(records_of(iter(data), request, name, root), request.posts or None)
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, CorpusError):
            raise
        cause = f"{type(error).__name__}: {error}"[:250]
        raise CorpusError(
            f"the dataset {name!r} cannot be read ({cause}). Check its name and split. On a machine without internet, "
            f"fetch it elsewhere by `huggingface-cli download --repo-type dataset {identifier}` and give the folder of "
            "its Parquet files with source=table"
        ) from error


def undecoded(features: Any) -> Any:
    """The features with pictures left as bytes: a broken one must not end the reading."""
    import datasets

    return datasets.Features(
        {n: datasets.Image(decode=False) if isinstance(f, datasets.Image) else f for n, f in features.items()}
    )


def records_of(rows: Iterator[Row], request: Request, name: str, root: Path) -> Iterator[Row]:
    """Rows of the table ``name`` as records; image paths are relative to ``root``.

    Raises:
        CorpusError: The table lacks a column.
    """
    columns: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        columns = columns or choose_columns(parse_columns(request.columns), list(row), name)
        if request.forgotten(told_by(row, columns, number)):
            continue
        try:
            record = as_record(row, columns, number, root, request.folder / "images")
        except (KeyError, TypeError, ValueError) as error:
            reason = f"row lacks {error}" if isinstance(error, KeyError) else f"row is not a post: {error}"
            request.unreadable.append({"item_id": f"row {number} of {name}", "reason": reason})
        else:
            yield record


def csv_rows(file: Path) -> Iterator[Row]:
    """The rows of a CSV file with a heading.

    Raises:
        CorpusError: The file is not CSV.
    """
    csv.field_size_limit(10_000_000)
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        try:
            yield from csv.DictReader(line.replace("\0", "") for line in lines)
        except csv.Error as error:
            raise CorpusError(f"{file} is not a CSV file: {error}") from error


def parquet_rows(file: Path) -> Iterator[Row]:
    """The rows of a Parquet file, 256 of them in memory at a time.

    Raises:
        CorpusError: The file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(file).iter_batches(256):
            yield from batch.to_pylist()
    except (pa.ArrowInvalid, pa.ArrowIOError, OSError) as error:
        raise CorpusError(f"{file} is damaged or no Parquet file ({error}); fetch or write it again") from error
