"""How much a captioner needs each position of its prefix: the loss with that position's vector taken away.

A vector is taken away by putting the mean over pictures in its place, which says nothing of the
picture. A position that names its picture and is not needed tells little; one that is needed and
names nothing carries what no single word says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from altlib.core.estimates import Estimate
from altlib.core.statistics import resample_counts
from altlib.models.captioner import Example, PrefixCaptioner


@torch.inference_mode()
def losses_without(
    captioner: PrefixCaptioner, features: Tensor, examples: Sequence[Example], positions: Sequence[int], batch: int = 64
) -> np.ndarray:
    """Loss of each example with some positions of its prefix replaced by their means, (n,) in nats.

    Args:
        captioner: It must see the picture.
        features: Of the pictures, (n, d_clip).
        examples: Their posts and alt texts.
        positions: From 0; none leaves the prefix as it is.
        batch: Examples at a time.
    """
    mapper = captioner.mapper
    assert mapper is not None, "a captioner without a mapping network has no prefix"
    mean = captioner.prefix(features).mean(0)  # (k, d)
    chosen = torch.zeros(len(mean), 1, dtype=torch.bool, device=mean.device)
    chosen[list(positions)] = True
    hook = mapper.register_forward_hook(lambda _module, _inputs, prefix: torch.where(chosen, mean, prefix))
    try:
        parts = [
            -captioner.log_likelihoods(features[i : i + batch], list(examples[i : i + batch])).double().cpu().numpy()
            for i in range(0, len(examples), batch)
        ]
    finally:
        hook.remove()
    return np.concatenate(parts)


def position_rises(
    captioner: PrefixCaptioner, features: Tensor, examples: Sequence[Example], seed: int
) -> tuple[list[Estimate], Estimate]:
    """By how much the loss per token rises without each position, and without all of them (nats).

    Args:
        captioner: It must see the picture.
        features: Of the pictures, (n, d_clip).
        examples: Their posts and alt texts.
        seed: Of the resamples over pictures.

    Returns:
        An estimate for each of the k positions, and one for the whole prefix.
    """
    k = captioner.prefix_length
    tokens = np.array([len(example.alt_text) + 1 for example in examples])
    counts = resample_counts(len(examples), seed)
    whole = losses_without(captioner, features, examples, [])

    def rise(positions: Sequence[int]) -> Estimate:
        more = losses_without(captioner, features, examples, positions) - whole
        return Estimate(float(more.sum() / tokens.sum()), (counts @ more) / (counts @ tokens))

    return [rise([position]) for position in range(k)], rise(range(k))


def needed_positions(rises: Sequence[Estimate]) -> list[int]:
    """The positions without which the loss clearly rises: the interval lies above 0."""
    return [position for position, rise in enumerate(rises) if rise.interval[0] > 0]
