"""Zero-shot classification: how much of what CLIP could do before it still can (CLIP paper, appendix C)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.core.files import whole_file
from altlib.miniworld.tasks import miniworld_classes
from altlib.models.clip import Clip
from altlib.models.description_clip import DescriptionClip
from altlib.models.features import picture_features, read_pictures
from altlib.models.text_tower import TextTower


def transfer_of(
    tuned: DescriptionClip, tasks: list[TransferTask], labels: dict[str, Tensor], reporting: bool
) -> dict[str, float]:
    """Macro-F1 of a tuned model by task; see :func:`altlib.evaluation.transfer.evaluate_tasks`."""
    images = tuned.encode_images if tuned.settings.towers == "both" else None
    return evaluate_tasks(tasks, labels, tuned.encode_texts, reporting, images)


CODE = code_fingerprint("evaluation.transfer")
PROMPT = "An image of {}"


@dataclass
class TransferTask:
    """Pictures of labelled classes.

    ``features`` (n, width) unit length; ``targets`` (n,) class numbers; ``reports`` (n,) whether
    a picture serves to report a result (True) or to choose a checkpoint (False); ``read`` gives
    the pixels of picture numbers, (B, 3, H, W), for a model whose vision tower changes.
    """

    name: str
    labels: list[str]
    features: Tensor
    targets: Tensor
    reports: Tensor
    read: Callable[[list[int]], Tensor]


def macro_f1(predicted: Tensor, targets: Tensor) -> float:
    """The mean of 2 TP / (2 TP + FP + FN) over the classes that occur in either, as scikit-learn's ``f1_score``.

    ``predicted`` and ``targets`` (n,) class numbers.
    """
    classes = int(max(predicted.max(), targets.max())) + 1
    hits = torch.bincount(targets[predicted == targets], minlength=classes)
    counted = torch.bincount(predicted, minlength=classes) + torch.bincount(targets, minlength=classes)
    return float((2 * hits / counted.clamp(min=1))[counted > 0].mean())


def zero_shot(task: TransferTask, label_features: Tensor, reporting: bool, features: Tensor | None = None) -> float:
    """Macro-F1 of choosing the label whose text is nearest to the picture.

    ``label_features`` (classes, width) unit length; ``reporting`` takes the pictures that report
    rather than those that choose checkpoints; ``features`` other image features than the task's.
    """
    chosen = task.reports == reporting
    images = (task.features if features is None else features)[chosen]
    return macro_f1((images @ label_features.T).argmax(1), task.targets[chosen])


def label_tokens(task: TransferTask, clip: Clip) -> Tensor:
    """The prompts of a task's labels, (classes, context)."""
    return clip.tokenize([PROMPT.format(label) for label in task.labels])


def evaluate_tasks(
    tasks: list[TransferTask],
    tokens: dict[str, Tensor],
    encode: Callable[[Tensor], Tensor],
    reporting: bool,
    encode_images: Callable[[Tensor], Tensor] | None = None,
) -> dict[str, float]:
    """Macro-F1 by task.

    ``tokens`` from :func:`label_tokens` by task; ``encode`` maps token ids to unit vectors;
    ``encode_images`` pixels to unit vectors, if the vision tower has changed.
    """
    texts = encode(torch.cat([tokens[t.name] for t in tasks])).split([len(t.labels) for t in tasks])
    scores = {}
    for task, labels in zip(tasks, texts, strict=True):
        features = None if encode_images is None else encode_task(task, encode_images)
        scores[task.name] = zero_shot(task, labels, reporting, features)
    return scores


@torch.inference_mode()
def encode_task(task: TransferTask, encode_images: Callable[[Tensor], Tensor], batch_size: int = 128) -> Tensor:
    """A task's image features by another encoder, (n, width) on the CPU."""
    numbers = list(range(len(task.targets)))
    return torch.cat(
        [encode_images(task.read(numbers[i : i + batch_size])).cpu() for i in range(0, len(numbers), batch_size)]
    )


def base_encoder(clip: Clip) -> Callable[[Tensor], Tensor]:
    """An ``encode`` of the model as it was pretrained."""
    tower = TextTower(clip.model)

    def encode(tokens: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.cat([tower(part) for part in tokens.split(256)])

    return encode


def miniworld_tasks(clip: Clip, folder: Path, per_class: int = 4, seed: int = 0) -> list[TransferTask]:
    """Draw and encode the three tasks of the miniature world, on scenes that no chapter uses.

    ``folder`` keeps the pictures and their features; ``per_class`` pictures a class, half of
    them to choose checkpoints. Raises ``ValueError`` for fewer than two.
    """
    from dataclasses import replace

    from altlib.miniworld.lexicon import topics
    from altlib.miniworld.render import render
    from altlib.miniworld.scene import sample_scene, sample_story

    if per_class < 2:
        raise ValueError("a transfer task needs at least two pictures a class: one half chooses, the other reports")
    tasks = []
    for name, classes in miniworld_classes().items():
        paths, targets = [], []
        for number, (change, label) in enumerate(classes):
            for copy in range(per_class):
                rng = Random(f"transfer/{seed}/{name}/{label}/{copy}")
                story = sample_story("transfer", rng)
                scene = sample_scene(topics()[rng.choice(list(topics()))], rng)
                scene = replace(scene, form="photo", count=1, detail="", **change)
                path = folder / "images" / f"{name.split()[0].lower()}-{seed}-{number}-{copy}.png"
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with whole_file(path) as part:
                        render(story, scene).save(part, format="PNG", compress_level=1)
                paths.append(str(path))
                targets.append((number, copy % 2 == 1))
        features = picture_features(paths, clip, folder / "features")
        tasks.append(
            TransferTask(
                name,
                [label for _, label in classes],
                features,
                torch.tensor([target for target, _ in targets]),
                torch.tensor([reports for _, reports in targets]),
                lambda chosen, paths=paths: read_pictures([paths[i] for i in chosen], clip),  # type: ignore[misc]
            )
        )
    return tasks


def torchvision_tasks(clip: Clip, root: Path, cache: Path, pictures: int = 0, seed: int = 0) -> list[TransferTask]:
    """CIFAR-100, Food101 and ImageNet (validation) from ``root``, as torchvision lays them out there; absent ones are skipped.

    ``pictures`` a random sample of that many a task (0: all), half of them to choose
    checkpoints; features are kept in ``cache``. Raises ``ValueError`` if ``root`` holds none.
    """
    from torchvision import datasets

    makers = {
        "CIFAR100": lambda: datasets.CIFAR100(str(root), train=False, download=False),
        "Food101": lambda: datasets.Food101(str(root), split="test", download=False),
        "ImageNet": lambda: datasets.ImageNet(str(root), split="val"),
    }
    kept_as = Key(CODE, weights=clip.fingerprint, root=str(root.resolve()), seed=seed, pictures=pictures)
    tasks, causes = [], []
    for name, make in makers.items():
        try:
            data = make()
        except (RuntimeError, OSError) as error:
            causes.append(f"{name}: {error}")
            continue
        labels = [(c[0] if isinstance(c, tuple) else c).replace("_", " ") for c in data.classes]
        order = np.random.default_rng(seed).permutation(len(data))[: pictures or None]
        tasks.append(dataset_task(name, labels, clip, data, order, cache / f"{name}-{kept_as}"))
    if not tasks:
        raise ValueError(
            f"{root} holds none of torchvision's {', '.join(makers)}; "
            "torchvision.datasets.CIFAR100(root, download=True) and its likes put them there. " + "; ".join(causes)
        )
    return tasks


def dataset_task(name: str, labels: list[str], clip: Clip, data: Any, order: np.ndarray, file: Path) -> TransferTask:
    """A task of a torchvision dataset's chosen pictures; their features are computed once and kept in ``file``."""
    from safetensors.torch import load_file, save_file

    def read(chosen: list[int]) -> Tensor:
        return torch.stack([clip.preprocess(data[int(order[i])][0].convert("RGB")) for i in chosen])

    task = TransferTask(name, labels, torch.zeros(0), torch.zeros(0), torch.arange(len(order)) % 2 == 1, read)
    file = file.with_suffix(".safetensors")
    if file.is_file():
        kept = load_file(file)
        task.features, task.targets = kept["features"], kept["targets"]
        return task
    task.targets = torch.tensor([int(data[int(i)][1]) for i in order])
    device = next(clip.model.parameters()).device
    task.features = encode_task(task, lambda x: clip.model.encode_image(x.to(device), normalize=True).float())
    with whole_file(file) as part:
        save_file({"features": task.features, "targets": task.targets}, part)
    return task


def as_table(tasks: list[TransferTask]) -> pd.DataFrame:
    """Size of each task as a table."""
    return pd.DataFrame(
        [
            {
                "task": t.name,
                "classes": len(t.labels),
                "pictures": len(t.targets),
                "of them reporting": int(t.reports.sum()),
            }
            for t in tasks
        ]
    )
