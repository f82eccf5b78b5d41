"""The first stage of the miniature CLIP: its vision tower learns to name what pictures show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.miniworld.render import render
from altlib.miniworld.scene import Scene, sample_story
from altlib.pretraining.checkpoint import Stage, descend, fast_arithmetic

VISION_SEED = 7_000_005  # pictures on which the vision tower learns to name facts
FACTS = (  # what it learns to name
    "form",
    "thing",
    "count",
    "colour",
    "coloured",
    "person_kind",
    "person_relation",
    "companion",
    "relation",
    "support",
    "place",
    "weather",
    "detail",
    "trend",
)
IN_PHOTOGRAPHS = ("person_kind", "companion", "support")  # facts whose absence can be seen, too


@dataclass(frozen=True)
class Naming:
    """What names the facts of a picture from its embedding.

    Attributes:
        heads: A linear classifier per fact.
        classes: The number of each value of each fact.
    """

    heads: torch.nn.ModuleDict
    classes: dict[str, dict[str, int]]

    def targets(self, scenes: list[Scene]) -> dict[str, Tensor]:
        """The class of each fact of each scene, (n,) by fact; -100 where it has none."""
        return {
            fact: torch.tensor([self.classes[fact].get(v, -100) for v in values])
            for fact, values in fact_values(scenes).items()
        }


def vision_scenes(batch: int, step: int) -> list[Scene]:
    """The scenes of one update: a function of the step alone."""
    numbers = range(step * batch, (step + 1) * batch)
    return [sample_story(str(i), Random(f"vision/{VISION_SEED}/{i}")).scenes[0] for i in numbers]


def scene_pixels(scenes: list[Scene]) -> Tensor:
    """Pictures as CLIP's preprocessing gives them at their own size, (n, 3, 96, 96)."""
    pixels = np.stack([np.asarray(render(scene)) for scene in scenes])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def fact_values(scenes: list[Scene]) -> dict[str, list[str]]:
    """What each picture shows, by fact; empty where it does not have the fact."""

    def value(scene: Scene, fact: str) -> str:
        if fact == "count":
            return str(scene.count) if scene.form in ("photo", "artwork") else ""
        shown = str(getattr(scene, fact))
        return "none" if not shown and fact in IN_PHOTOGRAPHS and scene.form == "photo" else shown

    return {fact: [value(scene, fact) for scene in scenes] for fact in FACTS}


def fact_classes() -> dict[str, dict[str, int]]:
    """The number of each value of each fact among many scenes."""
    vocabulary = fact_values(vision_scenes(20_000, 50))
    return {fact: {v: i for i, v in enumerate(sorted(set(values) - {""}))} for fact, values in vocabulary.items()}


def pretrain_vision(
    visual: Any,
    steps: int,
    batch: int = 64,
    learning_rate: float = 2e-3,
    seed: int = 0,
    report: Callable[[dict], None] = lambda row: None,
    file: Path | None = None,
) -> Naming:
    """Teach the vision tower to name what pictures show, before it meets any text.

    One linear classifier per fact reads the image embedding. Contrastive learning alone, on as few
    pictures as a laptop can process, sees places and colours and hardly any of the things, because
    those two are enough to tell the pictures of a batch apart.

    Args:
        visual: The vision tower; it is changed.
        steps: Updates.
        batch: Pictures per update.
        learning_rate: The highest one.
        seed: Of the classifiers.
        report: Called with a row of measurements every 100 updates.
        file: Of the checkpoint.

    Returns:
        The classifiers.
    """
    classes = fact_classes()
    torch.manual_seed(seed)
    heads = torch.nn.ModuleDict({f: torch.nn.Linear(visual.output_dim, len(c)) for f, c in classes.items()})
    naming = Naming(heads, classes)
    optimiser = torch.optim.AdamW([*visual.parameters(), *heads.parameters()], lr=learning_rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.05)
    parts = {"visual": visual, "heads": heads, "optimiser": optimiser, "schedule": schedule}
    key = str(Key(code_fingerprint("pretraining.vision"), steps=steps, batch=batch, rate=learning_rate, seed=seed))
    stage = Stage("vision", parts, file, key)
    stage.restore()
    for row in stage.rows:
        report(row)
    visual.to(memory_format=torch.channels_last)
    visual.train()
    hits: dict[str, list[int]] = {fact: [0, 0] for fact in FACTS}
    while stage.step < steps:
        scenes = vision_scenes(batch, stage.step)
        pixels = scene_pixels(scenes).contiguous(memory_format=torch.channels_last)
        with fast_arithmetic():
            embedded = visual(pixels).float()
        loss = naming_loss(embedded, naming.targets(scenes), heads, hits)
        descend(loss, optimiser, schedule)
        stage.step += 1
        if stage.step % 100 == 0 or stage.step == steps:
            named = {f"names_{f}": right / max(1, seen) for f, (right, seen) in hits.items()}
            stage.rows.append({"step": stage.step, "loss": loss.item(), "seconds": stage.elapsed(), **named})
            report(stage.rows[-1])
            hits = {fact: [0, 0] for fact in FACTS}
        stage.save()
    stage.save(at_once=True)
    return naming


def naming_loss(
    embedded: Tensor, targets: dict[str, Tensor], heads: Any, hits: dict[str, list[int]] | None = None
) -> Tensor:
    """The sum over the facts of the mean cross-entropy of naming them.

    Args:
        embedded: Of the pictures, (n, width).
        targets: From :meth:`Naming.targets`.
        heads: A classifier per fact.
        hits: How many were named rightly, and how many there were, by fact; it is added to.
    """
    loss = torch.zeros(())
    for fact, target in targets.items():
        if (target < 0).all():
            continue
        logits = heads[fact](embedded)
        loss = loss + F.cross_entropy(logits, target)
        if hits is not None:
            hits[fact][0] += int((logits.argmax(1) == target).sum())
            hits[fact][1] += int((target >= 0).sum())
    return loss
