"""Zero-shot classification tasks drawn by the miniature world, on scenes that no chapter uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

from altlib.core.code_imports import code_fingerprint
from altlib.core.files import whole_file
from altlib.miniworld.lexicon import Setup, places, setups, things
from altlib.miniworld.names import place_name
from altlib.miniworld.render import render
from altlib.miniworld.scene import Scene, sample_photo, weather_of

CODE = code_fingerprint("miniworld.tasks")
FOOD = ("fruit", "vegetables", "bakes", "dishes")  # groups of things that are eaten
PER_GROUP = 2  # main things of each other group


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


@cache
def main_things() -> dict[str, list[Setup]]:
    """Kinds of photographs with each main thing, by glyph, in the lexicon's order."""
    photographs = [setup for setup in setups().values() if setup.form == "photo"]
    found = {glyph: [setup for setup in photographs if glyph in setup.main] for glyph in things()}
    return {glyph: kinds for glyph, kinds in found.items() if kinds}


def miniworld_classes() -> dict[str, dict[str, str]]:
    """Three sets of classes of the miniature world, by name of the task.

    They differ as CIFAR-100 (coarse everyday categories), Food101 (fine differences within one
    domain) and ImageNet (categories of all sorts) do: the kinds of places; the foods that are main
    things; and the first main things of every other group of things.

    Returns:
        For each task, the label of each class and the place or glyph that it stands for.
    """
    food, others, of_group = {}, {}, dict[str, int]()
    for glyph in main_things():
        thing = things()[glyph]
        if thing.group in FOOD:
            food[thing.nouns[0]] = glyph
        elif of_group.setdefault(thing.group, 0) < PER_GROUP:
            of_group[thing.group] += 1
            others[thing.nouns[0]] = glyph
    return {
        "Places": {place.nouns[0]: kind for kind, place in places().items()},
        "Food": food,
        "Main things": others,
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
        task = DrawnTask(name, list(classes), [], [], [])
        for number, (label, shown) in enumerate(classes.items()):
            for copy in range(per_class):
                path = folder / CODE[:12] / f"{name.split()[0].lower()}-{seed}-{number}-{copy}.png"
                if not path.exists():
                    scene = scene_of_class(name, shown, f"transfer/{seed}/{name}/{label}/{copy}")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with whole_file(path) as part:
                        render(scene).save(part, format="PNG", compress_level=1)
                task.paths.append(str(path))
                task.targets.append(number)
                task.reports.append(copy % 2 == 1)
        tasks.append(task)
    return tasks


def scene_of_class(task: str, shown: str, seed: str) -> Scene:
    """A photograph of a class; the same seed gives the same scene.

    Args:
        task: Name of the task.
        shown: The place or main thing, from :func:`miniworld_classes`.
        seed: A text.
    """
    rng = Random(seed)
    if task == "Places":
        setup = rng.choice([s for s in setups().values() if s.form == "photo" and shown in s.places])
        place = shown
    else:
        setup = rng.choice(main_things()[shown])
        setup = replace(setup, main={shown: setup.main[shown]})
        place = rng.choice(setup.places)
    return sample_photo(setup, place, weather_of(setup, place, rng), place_name(rng), rng)
