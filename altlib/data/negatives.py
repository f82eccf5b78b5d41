"""Worse inputs for a preference pair: a spoilt picture, or another example's post (MCM-DPO, section on cross-modal preferences).

A response that fits a picture should be less likely beside the spoilt picture. How the picture is
spoilt is a choice: noise on its normalised pixels, a black picture, a random crop, a rotation, or
the picture of another example.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from random import Random

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from altlib.core.statistics import derangement

NEGATIVES = ("diffusion", "black", "crop", "rotation", "other")
STEPS = 1000  # of the whole diffusion
CROPPED_SIDES = (0.2, 0.5)  # a crop's sides as shares of the picture's
ANGLES = (10.0, 80.0)  # of a rotation, in degrees


def kept_signal(step: int) -> float:
    """How much of a picture's variance is left after ``step`` of the diffusion's 1,000 steps.

    This is the product of ``1 - b_t`` with ``b_t = sigmoid(linspace(-6, 6, 1000)) (0.005 - 1e-5) + 1e-5``;
    0.351 at step 700.

    Raises:
        ValueError: There is no such step.
    """
    if not 0 <= step < STEPS:
        raise ValueError(f"the diffusion has steps from 0 to {STEPS - 1}; {step} is none of them")
    noise = 1 / (1 + np.exp(-np.linspace(-6, 6, STEPS))) * (0.005 - 1e-5) + 1e-5
    return float(np.prod(1 - noise[: step + 1]))


def diffuse(pixels: Tensor, step: int, seeds: list[int]) -> Tensor:
    """Pictures after some steps of forward diffusion, ``sqrt(a) m + sqrt(1 - a) noise``.

    Args:
        pixels: Normalised pixels, one picture per row, (B, ...).
        step: Number of steps, see :func:`kept_signal`.
        seeds: One per picture, so that a picture has the same noise in whichever batch it comes.

    Returns:
        (B, ...).
    """
    kept = kept_signal(step)
    noise = torch.stack(
        [torch.randn(pixels.shape[1:], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    )
    return kept**0.5 * pixels + (1 - kept) ** 0.5 * noise.to(pixels)


def spoil_picture(image: Image.Image, negative: str, seed: int) -> Image.Image:
    """A picture made black, cropped or rotated; unchanged for those of :data:`NEGATIVES` that spoil no single picture.

    Args:
        image: RGB.
        negative: One of :data:`NEGATIVES`.
        seed: Chooses the part that is cropped, or the angle.

    Raises:
        ValueError: ``negative`` is unknown.
    """
    if negative not in NEGATIVES:
        raise ValueError(f"unknown negative picture {negative!r}; known: {', '.join(NEGATIVES)}")
    rng = Random(f"negative/{seed}")
    if negative == "black":
        return Image.new("RGB", image.size)
    if negative == "crop":
        width, height = (max(1, round(side * rng.uniform(*CROPPED_SIDES))) for side in image.size)
        left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
        return image.crop((left, top, left + width, top + height)).resize(image.size, Image.Resampling.BICUBIC)
    if negative == "rotation":
        return image.rotate(rng.choice([-1, 1]) * rng.uniform(*ANGLES), Image.Resampling.BICUBIC)
    return image


def partners(examples: Sequence[Hashable], seed: int) -> list[int]:
    """For each of n examples another one, whose post or picture is its negative; the same in every epoch.

    Args:
        examples: Their posts or pictures; the partner's differs wherever they are not all the same.
        seed: Of the choice.

    Raises:
        ValueError: There are fewer than two examples.
    """
    order = np.random.default_rng((seed, len(examples))).permutation(len(examples))
    other = derangement(order)
    changes = [place for place, row in enumerate(order) if examples[row] != examples[other[row]]]
    if changes:  # from one on, each row's partner is the last row before it that differs
        order = np.roll(order, -changes[0])
        for row in order:
            if examples[row] == examples[other[row]]:
                other[row] = other[other[row]]
    return other.tolist()
