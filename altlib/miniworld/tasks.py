"""Zero-shot classification tasks drawn by the miniature world, on scenes that no chapter uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from altlib.core.code_imports import code_fingerprint
from altlib.core.files import whole_file
from altlib.miniworld.lexicon import lexicon, things, topics
from altlib.miniworld.render import render
from altlib.miniworld.scene import Scene, Story, sample_scene, sample_story

CODE = code_fingerprint("miniworld.tasks")


@dataclass(frozen=True)
class DrawnTask:
    """Drawn pictures of labelled classes.

    Attributes:
        name: Of the task.
        labels: One per class.
        paths: The n picture files.
        targets: The class number of each picture, n.
        reports: Whether each picture serves to report a result (True) or to choose a checkpoint (False), n.
    """

    name: str
    labels: list[str]
    paths: list[str]
    targets: list[int]
    reports: list[bool]


def miniworld_classes() -> dict[str, list[tuple[dict[str, Any], str]]]:
    """Three sets of classes of the miniature world, by name of the task.

    They differ as CIFAR-100 (coarse everyday categories), Food101 (fine differences within one
    domain) and ImageNet (many categories of all sorts) do: the 15 settings; 62 foods beside the
    main thing; and the main thing, with one name for each of its glyphs.

    Returns:
        For each class, the facts that a scene is given, and the label.
    """
    kinds: dict[str, str] = {}
    for topic in topics().values():
        for glyph, kind in topic.kinds.items():
            kinds.setdefault(glyph, kind)
    return {
        "Settings": [({"setting": setting}, setting) for setting in lexicon()["settings"]],
        "Food": [({"beside": thing}, thing.names[0]) for thing in things() if thing.group == "food"],
        "Main things": [({"glyph": glyph, "kind": kind}, kind) for glyph, kind in kinds.items()],
    }


def draw_tasks(folder: Path, per_class: int, seed: int) -> list[DrawnTask]:
    """Draw the pictures of all tasks that are not there yet.

    Args:
        folder: Where the picture files are kept, in a folder of their own for each version of the code that
            draws them.
        per_class: Pictures per class; half of them choose checkpoints.
        seed: Another seed draws other scenes.

    Raises:
        ValueError: There are fewer than two pictures per class.
    """
    if per_class < 2:
        raise ValueError("a transfer task needs at least two pictures per class: one half chooses, the other reports")
    tasks = []
    for name, classes in miniworld_classes().items():
        task = DrawnTask(name, [label for _, label in classes], [], [], [])
        for number, (change, label) in enumerate(classes):
            for copy in range(per_class):
                path = folder / CODE[:12] / f"{name.split()[0].lower()}-{seed}-{number}-{copy}.png"
                if not path.exists():
                    story, scene = scene_of_class(change, f"transfer/{seed}/{name}/{label}/{copy}")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with whole_file(path) as part:
                        render(story, scene).save(part, format="PNG", compress_level=1)
                task.paths.append(str(path))
                task.targets.append(number)
                task.reports.append(copy % 2 == 1)
        tasks.append(task)
    return tasks


def scene_of_class(change: dict[str, Any], seed: str) -> tuple[Story, Scene]:
    """A photograph of one thing with the facts of a class; the same seed gives the same scene.

    Args:
        change: The facts, from :func:`miniworld_classes`.
        seed: A text.
    """
    rng = Random(seed)
    story = sample_story("transfer", rng)
    scene = sample_scene(topics()[rng.choice(list(topics()))], rng)
    return story, replace(scene, form="photo", count=1, detail="", **change)
