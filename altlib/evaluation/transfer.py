"""Zero-shot classification: how much of what CLIP could do before it still can (CLIP paper, appendix C)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.core.files import whole_file
from altlib.core.provenance import COMPUTED, READ_BACK, note
from altlib.miniworld.tasks import draw_tasks
from altlib.models.clip import Clip
from altlib.models.description_clip import DescriptionClip
from altlib.models.features import picture_features, read_pictures
from altlib.models.text_tower import TextTower

CODE = code_fingerprint("evaluation.transfer")
PROMPT = "An image of {}"


@dataclass(frozen=True)
class TransferTask:
    """Pictures of labelled classes.

    Attributes:
        name: Of the task.
        labels: One per class.
        features: Unit-length image features, (n, width).
        targets: Class numbers, (n,).
        reports: Whether a picture serves to report a result (True) or to choose a checkpoint (False), (n,) bool.
        read: From picture numbers to pixels, (B, 3, H, W), for a model whose vision tower changes.
    """

    name: str
    labels: list[str]
    features: Tensor
    targets: Tensor
    reports: Tensor
    read: Callable[[list[int]], Tensor]


def macro_f1(predicted: Tensor, targets: Tensor) -> float:
    """The mean of 2 TP / (2 TP + FP + FN) over the classes that occur in either, as scikit-learn's ``f1_score``.

    Args:
        predicted: Class numbers, (n,).
        targets: Class numbers, (n,).
    """
    classes = int(max(predicted.max(), targets.max())) + 1
    hits = torch.bincount(targets[predicted == targets], minlength=classes)
    counted = torch.bincount(predicted, minlength=classes) + torch.bincount(targets, minlength=classes)
    return float((2 * hits / counted.clamp(min=1))[counted > 0].mean())


def zero_shot(task: TransferTask, label_features: Tensor, reporting: bool, features: Tensor | None = None) -> float:
    """Macro-F1 of choosing the label whose text is nearest to the picture.

    Args:
        task: The task.
        label_features: Unit-length text embeddings of the labels, (classes, width).
        reporting: Use the pictures that report a result; otherwise those that choose checkpoints.
        features: Image features in the place of the task's, (n, width).
    """
    chosen = task.reports == reporting
    images = (task.features if features is None else features)[chosen]
    return macro_f1((images @ label_features.T).argmax(1), task.targets[chosen])


def label_tokens(task: TransferTask, clip: Clip) -> Tensor:
    """The prompts of a task's labels as token ids, (classes, context)."""
    return clip.tokenize([PROMPT.format(label) for label in task.labels])


def evaluate_tasks(
    tasks: list[TransferTask],
    tokens: dict[str, Tensor],
    encode: Callable[[Tensor], Tensor],
    reporting: bool,
    encode_images: Callable[[Tensor], Tensor] | None = None,
) -> dict[str, float]:
    """Macro-F1 by name of the task.

    Args:
        tasks: The tasks.
        tokens: From :func:`label_tokens`, by name of the task.
        encode: From token ids to unit vectors, (n, context) -> (n, width).
        reporting: Use the pictures that report a result; otherwise those that choose checkpoints.
        encode_images: From pixels to unit vectors, (B, 3, H, W) -> (B, width), if the vision tower has changed.
    """
    texts = encode(torch.cat([tokens[t.name] for t in tasks])).split([len(t.labels) for t in tasks])
    scores = {}
    for task, labels in zip(tasks, texts, strict=True):
        features = None if encode_images is None else encode_pictures(task.read, len(task.targets), encode_images)
        scores[task.name] = zero_shot(task, labels, reporting, features)
    return scores


@torch.inference_mode()
def encode_pictures(
    read: Callable[[list[int]], Tensor], pictures: int, encode: Callable[[Tensor], Tensor], batch_size: int = 128
) -> Tensor:
    """Image features of a task's pictures.

    Args:
        read: From picture numbers to pixels, (B, 3, H, W).
        pictures: How many there are.
        encode: From pixels to features, (B, width).
        batch_size: Pictures at a time.

    Returns:
        (pictures, width) on the CPU.
    """
    numbers = list(range(pictures))
    return torch.cat([encode(read(numbers[i : i + batch_size])).cpu() for i in range(0, pictures, batch_size)])


def transfer_of(
    tuned: DescriptionClip, tasks: list[TransferTask], labels: dict[str, Tensor], reporting: bool
) -> dict[str, float]:
    """Macro-F1 of a tuned model by task; the arguments are those of :func:`evaluate_tasks`."""
    images = tuned.encode_images if tuned.settings.towers == "both" else None
    return evaluate_tasks(tasks, labels, tuned.encode_texts, reporting, images)


def base_encoder(clip: Clip) -> Callable[[Tensor], Tensor]:
    """The ``encode`` of :func:`evaluate_tasks` for the model as it was pretrained; what it returns is on the CPU."""
    tower = TextTower(clip.model)

    def encode(tokens: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.cat([tower(part.to(clip.device)).float().cpu() for part in tokens.split(256)])

    return encode


def miniworld_tasks(clip: Clip, folder: Path, per_class: int = 4, seed: int = 0) -> list[TransferTask]:
    """Draw and encode the three tasks of the miniature world (:func:`altlib.miniworld.tasks.draw_tasks`).

    Args:
        clip: The encoder.
        folder: Where the pictures and their features are kept.
        per_class: Pictures per class; half of them choose checkpoints.
        seed: Another seed draws other scenes.

    Raises:
        ValueError: There are fewer than two pictures per class.
    """
    return [
        TransferTask(
            task.name,
            task.labels,
            picture_features(task.paths, clip, folder / "features"),
            torch.tensor(task.targets),
            torch.tensor(task.reports),
            lambda chosen, paths=task.paths: read_pictures([paths[i] for i in chosen], clip),  # type: ignore[misc]
        )
        for task in draw_tasks(folder / "images", per_class, seed)
    ]


def torchvision_tasks(clip: Clip, root: Path, cache: Path, pictures: int = 0, seed: int = 0) -> list[TransferTask]:
    """CIFAR-100, Food101 and ImageNet (validation), those of them that are there.

    Args:
        clip: The encoder.
        root: Folder that holds them as torchvision lays them out.
        cache: Folder in which features are kept.
        pictures: Size of a random sample of each task, half of which chooses checkpoints; 0 takes all pictures.
        seed: Of the sample.

    Raises:
        ValueError: ``root`` holds none of them.
    """
    from torchvision import datasets

    makers = {
        "CIFAR100": lambda: datasets.CIFAR100(str(root), train=False, download=False),
        "Food101": lambda: datasets.Food101(str(root), split="test", download=False),
        "ImageNet": lambda: datasets.ImageNet(str(root), split="val"),
    }
    tasks, causes = [], []
    for name, make in makers.items():
        try:
            data = make()
        except (RuntimeError, OSError) as error:
            causes.append(f"{name}: {error}")
            continue
        labels = [(c[0] if isinstance(c, tuple) else c).replace("_", " ") for c in data.classes]
        order = np.random.default_rng(seed).permutation(len(data))[: pictures or None]
        kept_as = dataset_key(clip, root, name, labels, order)
        tasks.append(dataset_task(name, labels, clip, data, order, cache / f"{name}-{kept_as}.safetensors"))
    if not tasks:
        raise ValueError(
            f"{root} holds none of torchvision's {', '.join(makers)}; "
            "torchvision.datasets.CIFAR100(root, download=True) and its likes put them there. " + "; ".join(causes)
        )
    return tasks


def dataset_key(clip: Clip, root: Path, name: str, labels: list[str], order: np.ndarray) -> Key:
    """What the features of a torchvision dataset's pictures follow from.

    Args:
        clip: The encoder.
        root: Folder of the datasets.
        name: Of the dataset.
        labels: One per class.
        order: Numbers of the chosen pictures, (n,).
    """
    key = Key(CODE, weights=clip.fingerprint, reading=clip.reading, root=str(root.resolve()))
    return key.add(dataset=name, labels=labels, order=order)


def dataset_task(name: str, labels: list[str], clip: Clip, data: Any, order: np.ndarray, file: Path) -> TransferTask:
    """A task of a torchvision dataset; every other picture reports.

    Args:
        name: Of the task.
        labels: One per class.
        clip: The encoder.
        data: The dataset.
        order: Numbers of the chosen pictures, (n,).
        file: Where their features and targets are kept, as safetensors; read back if it is there.
    """
    from safetensors.torch import load_file, save_file

    def read(chosen: list[int]) -> Tensor:
        return torch.stack([clip.preprocess(data[int(order[i])][0].convert("RGB")) for i in chosen])

    note(READ_BACK if file.is_file() else COMPUTED, f"features of the task {name}", file.name)
    if file.is_file():
        kept = load_file(file)
    else:
        kept = {
            "features": encode_pictures(
                read, len(order), lambda x: clip.model.encode_image(x.to(clip.device), normalize=True).float()
            ),
            "targets": torch.tensor([int(data[int(i)][1]) for i in order]),
        }
        with whole_file(file) as part:
            save_file(kept, part)
    return TransferTask(name, labels, kept["features"], kept["targets"], torch.arange(len(order)) % 2 == 1, read)


def as_table(tasks: list[TransferTask]) -> pd.DataFrame:
    """Size of each task, one row per task."""
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
