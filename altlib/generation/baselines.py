"""Captions without training: those of the nearest neighbour, the post itself, and those of image-text-to-text models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from altlib.core.cache_keys import FileStamp, Key, file_stamp
from altlib.core.code_imports import code_fingerprint
from altlib.core.devices import BFLOAT16_FROM, attention_in_blocks, mixed_precision, precision_name
from altlib.core.errors import PictureError
from altlib.core.images import centre_crop, open_picture
from altlib.core.progress import progress_bar
from altlib.core.statistics import derangement
from altlib.models.image_text_model import (
    conversation,
    has_conversations,
    load_image_text_model,
    without_special_tokens,
)
from altlib.models.replies import Replies

CODE = code_fingerprint("generation.baselines")
LONGEST_SHAPE = 20.0  # how many times as long as wide a picture may be; of a longer one the middle is described
REQUEST = "Write alt text for this picture: one or two sentences that describe what it shows."


def nearest_neighbours(queries: Tensor, corpus: Tensor, rows: Tensor | None = None, block: int = 8192) -> Tensor:
    """For each query the corpus row with the largest dot product; ties go to the first row.

    The corpus may be a map of a file, because only one block of it is in memory at a time.

    Args:
        queries: Unit vectors, (n, d).
        corpus: Unit vectors, (m, d).
        rows: The numbers of the rows that are searched; None searches all.
        block: Corpus rows in memory at a time; their products are computed with 1,024 queries at a time.

    Returns:
        Row numbers, (n,).

    Raises:
        ValueError: There is nothing to search.
    """
    rows = torch.arange(len(corpus)) if rows is None else rows
    if not len(rows):
        raise ValueError("the nearest neighbour needs a training set; it is empty")
    best = torch.full((len(queries),), -torch.inf)
    found = torch.zeros(len(queries), dtype=torch.long)
    for chosen in rows.split(block):
        some = corpus[chosen].T
        for start in range(0, len(queries), 1024):
            part = slice(start, start + 1024)
            values, places = (queries[part] @ some).max(1)
            nearer = values > best[part]
            best[part] = torch.where(nearer, values, best[part])
            found[part] = torch.where(nearer, chosen[places], found[part])
    return found


def random_posts(posts: list[str], seed: int) -> list[str]:
    """Another picture's post for each picture: "Rand Text" (Twitter paper, section 5.1).

    Raises:
        ValueError: There are fewer than two posts.
    """
    order = torch.randperm(len(posts), generator=torch.Generator().manual_seed(seed))
    return [posts[i] for i in derangement(order.numpy())]


def vision_language_captions(
    model: str,
    paths: list[str],
    device: str,
    beams: int = 5,
    max_tokens: int = 60,
    batch_size: int = 8,
    requests: Sequence[str] | None = None,
    cache: Path | None = None,
) -> list[str]:
    """Captions by BLIP-2 or any other image-text-to-text model of transformers.

    A model that can hold conversations is asked for alt text (:data:`REQUEST`); other models continue an
    empty text, as in the paper. It computes in the number type of :func:`load_image_text_model`.

    Args:
        model: A hub name (the paper uses ``Salesforce/blip2-opt-2.7b``) or a folder.
        paths: n picture files.
        device: Where the model is put.
        beams: Of the beam search.
        max_tokens: Of a caption.
        batch_size: Pictures at a time.
        requests: What a model that holds conversations is asked about each picture, n; by default :data:`REQUEST`.
        cache: SQLite file in which captions are kept by what they follow from, so that no picture is described
            twice and stopped work goes on; the model is loaded only if a caption is missing. None keeps nothing.

    Returns:
        n captions.

    Raises:
        BackboneError: The model can be neither found nor downloaded.
        PictureError: A picture cannot be used.
    """
    asked = list(requests or [REQUEST] * len(paths))
    precision = precision_name(mixed_precision(device, BFLOAT16_FROM))
    settings = [model_files(model), beams, max_tokens, torch.device(device).type, precision]
    keys = [caption_key(settings, path, request) for path, request in zip(paths, asked, strict=True)]
    with Replies(cache or Path(":memory:")) as kept:
        missing = {key: row for row, key in enumerate(keys) if kept.get(key) is None}
        rows = list(missing.values())
        if rows:
            batches = described_batches(
                model, [(paths[row], asked[row]) for row in rows], device, beams, max_tokens, batch_size
            )
            for row, caption in zip(rows, (caption for batch in batches for caption in batch), strict=True):
                kept.put(keys[row], caption)
        return [kept.get(key) or "" for key in keys]


def model_files(model: str) -> str | list[FileStamp]:
    """What identifies a model: the files of a folder, or a name on the hub."""
    return [file_stamp(path) for path in sorted(Path(model).iterdir())] if Path(model).is_dir() else model


def caption_key(settings: list[Any], path: str, request: str) -> str:
    """The key of a caption; raises PictureError if the picture's file cannot be read."""
    try:
        picture = Path(path).read_bytes()
    except OSError as error:
        raise PictureError(path, "image file is missing") from error
    return str(Key(CODE, settings=settings, picture=picture, request=request))


@torch.inference_mode()
def described_batches(
    model: str, asked: Sequence[tuple[str, str]], device: str, beams: int, max_tokens: int, batch_size: int
) -> Iterator[list[str]]:
    """Captions of pictures, a batch at a time; see :func:`vision_language_captions`.

    Args:
        model: As there.
        asked: Each picture's file, and what is asked about it.
        device: As there.
        beams: As there.
        max_tokens: As there.
        batch_size: As there.
    """
    network, processor = load_image_text_model(model, device)
    for start in progress_bar(range(0, len(asked), batch_size), desc=f"captions by {model}", unit=" batches"):
        batch = asked[start : start + batch_size]
        pictures = [centre_crop(open_picture(path, longest=1024), LONGEST_SHAPE) for path, _ in batch]
        texts = [request_to(processor, request) for _, request in batch]
        said = {"text": texts, "padding": True} if all(texts) else {}
        inputs = processor(images=pictures, return_tensors="pt", **said).to(device, network.dtype)
        with attention_in_blocks():
            out = network.generate(**inputs, num_beams=beams, no_repeat_ngram_size=3, max_new_tokens=max_tokens)
        if said:
            out = out[:, inputs["input_ids"].shape[1] :]
        yield [caption.strip() for caption in processor.batch_decode(out, skip_special_tokens=True)]


def request_to(processor: Any, request: str = REQUEST) -> str:
    """A request with a picture in the form of a model's conversations; empty for a model that holds none."""
    if not has_conversations(processor):
        return ""
    processor.tokenizer.padding_side = "left"  # answers begin where the prompts end
    return conversation(processor, without_special_tokens(processor, request))
