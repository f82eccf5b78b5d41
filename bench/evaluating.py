"""How long 100,000 captions take to be scored with intervals, the share of each metric, and how memory grows.

    python bench/evaluating.py [captions] [references of each] [lines]

Captions and references are sentences of the miniature world, cut and shuffled, so that they differ.
The last number is of lines that are read, of which 1,000 captions are sampled.

Measured on two quiet cores: 100,000 captions with 5 references of each take 58 s by the clock, 96 s of a core and
1.3 GiB. 10,000 of them take 17 s of a core for METEOR, 1.7 s for tokenising, 1.2 s for ROUGE-L, 1.1 s for BLEU and
0.5 s for CIDEr. A sample of 10 million lines takes 137 s and 0.7 GiB.
"""

import itertools
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import numpy as np

from altlib.core.statistics import resample_counts
from altlib.data.caption_files import read_captions
from altlib.evaluation import caption_metrics
from altlib.evaluation.caption_metrics import (
    COCO_METRICS,
    Meteor,
    bleu_statistics,
    meteor,
    rouge_l,
    score_systems,
    tokenise_all,
)
from altlib.evaluation.cider import cider
from altlib.miniworld.network import network

SHARES = 0.1  # of the captions that each metric scores alone


def sentences(count: int, seed: int) -> list[str]:
    """Different sentences of about ten words."""
    rng = Random(seed)
    texts = [p.alt_text.split() for p in itertools.islice(network(seed, 6000), 4000) if p.alt_text]

    def one() -> str:
        words = rng.choice(texts)
        return " ".join(rng.sample(words, len(words) * 2 // 3) if rng.random() < 0.3 else words[: rng.randint(6, 14)])

    return [one() for _ in range(count)]


def peak() -> float:
    """Most memory that this process has held, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def now() -> tuple[float, float]:
    """Seconds of the clock, and of the processor for this process and those that it started and that have ended."""
    times = os.times()
    return time.perf_counter(), times.user + times.system + times.children_user + times.children_system


def show(what: str, began: tuple[float, float]) -> None:
    """Print the seconds since ``began``, which is from :func:`now`."""
    seconds, busy = (after - before for after, before in zip(now(), began, strict=True))
    print(f"{what:42} {seconds:8.1f} s, {busy:8.1f} s of a core, {peak():5.2f} GiB at most", flush=True)


def shares(captions: list[str], references: list[list[str]]) -> None:
    """Seconds of each metric alone."""
    began = now()
    texts, gold = tokenise_all({"ours": captions}, references)
    show("  tokenising", began)
    for name, score in {"BLEU": bleu_statistics, "ROUGE-L": rouge_l, "CIDEr": cider}.items():
        began = now()
        score(texts["ours"], gold)
        show(f"  {name}", began)
    began = now()
    with Meteor() as aligner:
        statistics = aligner.statistics(texts["ours"], gold)
        meteor(resample_counts(len(captions), 0) @ statistics)
    show("  METEOR with its resamples", began)


def reading(lines: int) -> None:
    """Seconds and memory of a sample from a file of many lines."""
    texts = sentences(1000, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "captions.jsonl"
        with path.open("w") as file:
            for number in range(lines):
                row = {"id": f"picture-{number:09}", "caption": texts[number % 1000], "references": texts[:2]}
                file.write(json.dumps(row) + "\n")
        before, began = peak(), now()
        found = read_captions([path], sample=1000)
        show(f"{len(found.ids):,} sampled of {lines:,} lines", began)
        print(
            f"  memory that reading adds: {1024 * (peak() - before):.0f} MiB, of a file of {path.stat().st_size / 2**20:.0f} MiB"
        )


def main() -> None:
    count, several, lines = (int(n) for n in (sys.argv[1:] + ["100000", "1", "1000000"][len(sys.argv) - 1 :]))
    reading(lines)
    texts = sentences(count * (1 + several), 0)
    captions, flat = texts[:count], texts[count:]
    references = [flat[i : i + several] for i in range(0, len(flat), several)]
    few = max(1, min(int(count * SHARES), caption_metrics.MOST_DRAWN))
    print(f"each metric alone, {few:,} captions, {several} references of each:")
    shares(captions[:few], references[:few])
    began = now()
    scores = score_systems({"ours": captions}, references, metrics=COCO_METRICS)["ours"]
    show(f"{count:,} captions, all metrics, intervals", began)
    print("  " + ", ".join(f"{m} {e.text()}" for m, e in scores.items()))
    assert all(np.isfinite(e.interval).all() for e in scores.values())


if __name__ == "__main__":
    main()
