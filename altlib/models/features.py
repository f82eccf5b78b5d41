"""CLIP features of pictures, computed once and cached in shards that survive a killed process.

What is read back is a map of one file, so memory does not grow with the number of pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from altlib.core.cache_keys import Key, file_stamp
from altlib.core.code_imports import code_fingerprint
from altlib.core.devices import distributed, wait_for_everyone
from altlib.core.files import only_one, whole_file
from altlib.core.images import centre_crop, open_picture
from altlib.core.progress import progress_bar
from altlib.core.provenance import COMPUTED, READ_BACK, note
from altlib.models.clip import Clip

CODE = code_fingerprint("models.features")
SHARD = 1024  # pictures per cached file
FEATURES = "CLIP features of pictures"


def shard_key(clip: Clip, paths: list[str]) -> Key:
    """What a shard's features follow from: the code, the encoder, and the files' names, sizes and times."""
    return Key(CODE, weights=clip.fingerprint, reading=clip.reading, pictures=map(file_stamp, paths))


def picture_features(
    paths: list[str], clip: Clip, cache: Path | None = None, batch_size: int = 128, workers: int = 2
) -> Tensor:
    """Unit-length CLIP embeddings of picture files.

    Args:
        paths: n picture files.
        clip: The encoder.
        cache: Folder in which every shard of 1,024 pictures is kept as safetensors. What is there
            already is not computed again, and under ``accelerate launch`` each process computes
            its share.
        batch_size: Pictures at a time.
        workers: Threads that read pictures.

    Returns:
        (n, width) float32 on the CPU; several shards are a map of one file of the cache.

    Raises:
        PictureError: A picture cannot be read.
    """
    shards = [paths[i : i + SHARD] for i in range(0, len(paths), SHARD)]
    number, processes = distributed()
    if cache and processes > 1:
        for shard in shards[number::processes]:
            shard_features(shard, clip, cache, batch_size, workers)
        wait_for_everyone()  # now all of them are in the cache
    with progress_bar(total=len(paths), desc="CLIP features", unit=" pictures") as bar:
        found = (shard_features(shard, clip, cache, batch_size, workers, bar) for shard in shards)
        if cache is None or len(shards) < 2:
            return torch.cat([torch.zeros(0, clip.width), *found])
        key = Key(CODE, shards=[str(shard_key(clip, shard)) for shard in shards])
        return gathered(found, cache / f"{key}.npy", (len(paths), clip.width))


def gathered(shards: Iterable[Tensor], file: Path, shape: tuple[int, int]) -> Tensor:
    """The rows of all shards as a map of one file.

    Its pages are read when they are used, and given back when memory is short. Writing into the
    tensor does not change the file.

    Args:
        shards: Tensors of rows in order; they are asked for only if the file is not there yet.
        file: In NumPy's format, float32; written if it is not there.
        shape: (n, width) of all rows together.
    """
    with only_one(file.with_suffix(".lock")):
        if not file.is_file():
            with whole_file(file) as part, part.open("wb") as out:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(out, header)
                for shard in shards:
                    out.write(shard.numpy().data)  # not through a map: a full disk is an error here
    return torch.from_numpy(np.load(file, mmap_mode="c", allow_pickle=False))


def shard_features(
    paths: list[str], clip: Clip, cache: Path | None, batch_size: int, workers: int, bar: Any = None
) -> Tensor:
    """One shard's features, from the cache or computed and put there.

    Two processes that want the same shard wait for one another. A damaged file is computed again.

    Args:
        paths: The shard's picture files.
        clip: The encoder.
        cache: Folder of the cache, or None to compute the features anyway.
        batch_size: Pictures at a time.
        workers: Threads that read pictures.
        bar: A progress bar in pictures.

    Returns:
        (n, width) float32 on the CPU.
    """
    if cache is None:
        return encode_pictures(paths, clip, batch_size, workers, bar)
    file = cache / f"{shard_key(clip, paths)}.safetensors"
    with only_one(file.with_suffix(".lock")):
        if file.is_file():
            try:
                features = load_file(file)["features"]
                if features.shape == (len(paths), clip.width):
                    note(READ_BACK, FEATURES, file.name)
                    if bar is not None:
                        bar.update(len(paths))
                    return features
            except (SafetensorError, KeyError, OSError):
                file.unlink(missing_ok=True)
        features = encode_pictures(paths, clip, batch_size, workers, bar)
        note(COMPUTED, FEATURES, file.name)
        with whole_file(file) as part:
            save_file({"features": features}, part)
    return features


def read_pictures(paths: list[str], clip: Clip, workers: int = 2) -> Tensor:
    """Picture files as CLIP's preprocessing gives them, (n, 3, H, W), read by ``workers`` threads."""

    def read(path: str) -> Tensor:
        return clip.preprocess(centre_crop(open_picture(path, longest=4096)))

    with ThreadPoolExecutor(workers) as pool:
        return torch.stack(list(pool.map(read, paths)))


@torch.inference_mode()
def encode_pictures(paths: list[str], clip: Clip, batch_size: int, workers: int, bar: Any = None) -> Tensor:
    """Features of picture files without any cache; see :func:`shard_features` for the arguments.

    Returns:
        (n, width) float32 on the CPU.
    """
    out = []
    for start in range(0, len(paths), batch_size):
        batch = read_pictures(paths[start : start + batch_size], clip, workers)
        out.append(clip.model.encode_image(batch.to(clip.device), normalize=True).float().cpu())
        if bar is not None:
            bar.update(len(batch))
    return torch.cat(out)
