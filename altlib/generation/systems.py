"""The systems of the Twitter paper's Table 1 that a captioner writes for: who writes, which post it reads, how it searches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from torch import Tensor

from altlib.generation.baselines import random_posts
from altlib.generation.decoding import Candidate, Decoding, decode_once
from altlib.models.captioner import PrefixCaptioner

TEXT_AND_IMAGE = "Ours (Text + Image), BS (NR)"
TEXT_AND_IMAGE_GREEDY = "Ours (Text + Image), Greedy"
FROM_SCRATCH = "ClipCap (From Scratch), BS (NR)"
RANDOM_TEXT = "Ours (Rand Text), BS (NR)"
NEAREST_NEIGHBOUR = "Nearest neighbor"
COPIED_POST = "Copy tweet text"
BLIP = "BLIP-2 (Frozen), BS"
SINGLE_SOURCES = ("Ours (Text Only), BS (NR)", FROM_SCRATCH, "ClipCap (Finetuned), BS (NR)")
OTHER_SEARCHES = (TEXT_AND_IMAGE_GREEDY, "Ours (Text + Image), Greedy (NR)", "Ours (Text + Image), BS")
GALLERY = (NEAREST_NEIGHBOUR, "ClipCap (Frozen), BS (NR)", FROM_SCRATCH, SINGLE_SOURCES[0], TEXT_AND_IMAGE)


@dataclass(frozen=True)
class System:
    """One row of the table.

    Attributes:
        captioner: Name of the run's captioner that writes.
        posts: The post that it is given with each picture.
        decoding: How it searches.
        reads: What ``posts`` are, as a reader is told.
    """

    captioner: str
    posts: Sequence[str]
    decoding: Decoding
    reads: str = "the picture's own post"


def table1_systems(captioners: Iterable[str], posts: list[str], beam: Decoding, seed: int) -> dict[str, System]:
    """The rows of Table 1 by their names in the paper, then the ablations of the run.

    Args:
        captioners: Names of the run's captioners; those that no row of the paper has are ablations.
        posts: The post of each picture.
        beam: Beam search with trigram blocking; the other searches are changes of it.
        seed: Seed of the random pairing of "Rand Text", which needs at least two pictures.
    """
    rows = {
        "ClipCap (Frozen), BS (NR)": System("clipcap-frozen", posts, beam),
        "ClipCap (Finetuned), BS (NR)": System("clipcap-finetuned", posts, beam),
        FROM_SCRATCH: System("clipcap-scratch", posts, beam),
        "Ours (Text Only), BS (NR)": System("text-only", posts, beam),
        TEXT_AND_IMAGE: System("text-image", posts, beam),
        TEXT_AND_IMAGE_GREEDY: System("text-image", posts, replace(beam, beams=1, block_trigrams=False)),
        "Ours (Text + Image), Greedy (NR)": System("text-image", posts, replace(beam, beams=1)),
        "Ours (Text + Image), BS": System("text-image", posts, replace(beam, block_trigrams=False)),
    }
    papers = {row.captioner for row in rows.values()}
    rows |= {f"{name}, BS (NR)": System(name, posts, beam) for name in captioners if name not in papers}
    if len(posts) > 1:
        rows[RANDOM_TEXT] = System("text-image", random_posts(posts, seed), beam, "another picture's post")
    return rows


def as_table(systems: Mapping[str, System], captioners: Mapping[str, PrefixCaptioner]) -> pd.DataFrame:
    """Who writes, what it sees and how it searches, one row per system."""
    rows = []
    for name, system in systems.items():
        config = captioners[system.captioner].config
        rows.append(
            {
                "system": name,
                "captioner": system.captioner,
                "sees the picture": config.uses_image,
                "reads": system.reads if config.uses_text else "no post",
                "beams": system.decoding.beams,
                "trigram blocking": system.decoding.block_trigrams,
            }
        )
    return pd.DataFrame(rows)


def decode_system(system: System, captioner: PrefixCaptioner, features: Tensor, folder: Path) -> list[list[Candidate]]:
    """The candidates of a system for every picture; what was decoded before is read back.

    Args:
        system: The system.
        captioner: The captioner that it names.
        features: CLIP features of the pictures, (n, width).
        folder: Where candidates are kept (:func:`altlib.generation.decoding.decode_once`).
    """
    name = f"{system.captioner} {system.decoding.label}"
    return decode_once(captioner, features, list(system.posts), system.decoding, folder, name)
