"""Second captions among alt texts, found by a CLIP that prefers descriptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from altlib.core.files import read_json
from altlib.data.described import sample_rows, triplet_posts
from altlib.evaluation.clip_scores import tuned_scores
from altlib.models.clip import Clip, load_clip
from altlib.models.description_clip import DescriptionClip, load_tuned


def tuned_runs(run: Path) -> list[str]:
    """Names of the models that a run's chapter 06 fine-tuned last; what earlier parameters left behind does not count."""
    try:
        names = read_json(run / "tuned-clip" / "models.json")["models"]
    except FileNotFoundError:
        return []
    return sorted(name for name in names if (run / "tuned-clip" / name / "tuned.json").is_file())


def open_tuned(run: Path, name: str = "") -> tuple[Clip, DescriptionClip]:
    """The base model of a run and one of its fine-tuned models.

    Args:
        run: The run's folder.
        name: Of the fine-tuned model; empty for the one with the best trade-off.

    Raises:
        ValueError: The run has no fine-tuned model, or not that one.
    """
    known = tuned_runs(run)
    if not known or (name and name not in known):
        raise ValueError(
            f"{run} has no fine-tuned CLIP{f' {name!r}' if name else ''}; it has "
            f"{', '.join(known) or 'none: run the book, or chapter 06, first'}"
        )

    def quality(candidate: str) -> float:
        return read_json(run / "tuned-clip" / candidate / "tuned.json")["chosen"]["trade_off"]

    models = read_json(run / "tuned-clip" / "models.json")
    base = load_clip(models["clip_model"], models["clip_pretrained"])
    tuned, _ = load_tuned(run / "tuned-clip" / (name or max(known, key=quality)), base)
    return base, tuned


@dataclass(frozen=True)
class CaptionJudge:
    """Tells descriptions from second captions: texts that talk about a picture instead of describing it.

    Attributes:
        base: The pretrained model.
        tuned: The fine-tuned model.
        threshold: A text with a lower score counts as a second caption.
        missed: Share of held-out descriptions below the threshold.
        caught: Share of held-out captions below the threshold.
        pictures: How many pictures these shares come from.
    """

    base: Clip
    tuned: DescriptionClip
    threshold: float
    missed: float
    caught: float
    pictures: int

    def second_captions(self, pictures: list[str], texts: list[str], cache: Path | None = None) -> np.ndarray:
        """Which of the texts of n pictures are second captions, (n,) bool.

        Args:
            pictures: n picture files.
            texts: n texts.
            cache: Folder with image features of the base model.
        """
        return (tuned_scores(self.tuned, self.base, pictures, texts, cache) < self.threshold).numpy()

    def judge_frames(self, frames: Iterable[pd.DataFrame]) -> pd.Series:
        """Which alt texts of a corpus that streams by are second captions, bool by the frames' own index.

        Args:
            frames: Posts with the columns image and alt_text.
        """
        found = [
            pd.Series(self.second_captions(posts["image"].tolist(), posts["alt_text"].tolist()), index=posts.index)
            for posts in frames
        ]
        return pd.concat(found).sort_index()

    def report(self, run: str, share: float) -> str:
        """What was found, in sentences: ``share`` of a corpus judged with the CLIP of ``run``."""
        said = (
            f"Of {self.pictures} held-out pictures of {run}, {100 * self.missed:.0f}% of the descriptions and "
            f"{100 * self.caught:.0f}% of the captions lie below the threshold; of these alt texts, {100 * share:.0f}%."
        )
        if share > 0.5:
            said += " That is more than half of them: the CLIP of that run may never have seen pictures of this kind."
        return said


def caption_judge(
    run: Path, folder: Path, name: str = "", missed: float = 0.05, pictures: int = 500, seed: int = 0
) -> CaptionJudge:
    """A judge from a run's fine-tuned CLIP, set on the run's own validation pictures.

    These are the pictures that chose the checkpoint: those of the seed with which the run tuned. The
    run's folder is only read.

    Args:
        run: The run's folder.
        folder: Where pictures that must be drawn again, and features, are kept.
        name: Of the fine-tuned model; empty for the one with the best trade-off.
        missed: At most this share of the validation descriptions may lie below the threshold.
        pictures: At most so many validation pictures are used.
        seed: Of their sample.

    Raises:
        ValueError: The run has no fine-tuned CLIP, or no validation pictures with caption and description.
    """
    base, tuned = open_tuned(run, name)
    tuned_on = read_json(run / "tuned-clip" / "models.json")
    posts, _ = triplet_posts(run, tuned_on["concadia_path"], seed=tuned_on["seed"], drawn=folder)
    held_out = sample_rows(posts[(posts["caption"] != "") & (posts["alt_text"] != "")], "val", pictures, seed)
    if held_out.empty:
        raise ValueError(f"{run} has no validation pictures with a caption and a description")
    paths = held_out["image"].tolist()
    of = {
        kind: tuned_scores(tuned, base, paths, held_out[kind].tolist(), folder / "features").numpy()
        for kind in ("alt_text", "caption")
    }
    threshold = float(np.quantile(of["alt_text"], missed, method="lower"))
    below = {kind: float((scores < threshold).mean()) for kind, scores in of.items()}
    return CaptionJudge(base, tuned, threshold, below["alt_text"], below["caption"], len(held_out))
