"""Does a model look at the picture, and does it read the post? Its own inputs against those of another example.

Plain DPO can gain as much when the pictures are taken away (mDPO, arXiv 2406.11839): a better score does
not mean that a model looks. So the alt text's likelihood is computed again with another example's
picture, another's post, and both. A model that ignores an input loses nothing when it is swapped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from altlib.core.estimates import Estimate
from altlib.core.statistics import derangement, resample_counts
from altlib.models.captioner import PrefixCaptioner

# log p(alt text i | picture p[i], post q[i]) in nats for rows p and q, (n,), (n,) -> (n,)
LogLikelihoods = Callable[[np.ndarray, np.ndarray], np.ndarray]

# What is swapped: name -> (picture, post).
SWAPS = {"nothing": (False, False), "picture": (True, False), "post": (False, True), "both": (True, True)}


@dataclass(frozen=True)
class SwappedInputs:
    """Likelihoods of alt texts beside their own and beside other inputs.

    Attributes:
        log_likelihoods: By what is swapped (:data:`SWAPS`), (n,) each, in nats.
        tokens: Of each alt text, with the end, (n,).
        seed: Of the resamples.
    """

    log_likelihoods: dict[str, np.ndarray]
    tokens: np.ndarray
    seed: int = 0

    def loss(self, swapped: str) -> Estimate:
        """Mean negative log-likelihood per token (nats) with inputs swapped."""
        counts = resample_counts(len(self.tokens), self.seed)
        losses = -self.log_likelihoods[swapped]
        return Estimate(float(losses.sum() / self.tokens.sum()), counts @ losses / (counts @ self.tokens))

    def cost(self, swapped: str) -> Estimate:
        """How much the loss per token rises when inputs are swapped; near 0 for an input that is ignored."""
        return self.loss(swapped) - self.loss("nothing")

    def prefers_own(self, swapped: str) -> Estimate:
        """Share of the alt texts that are likelier beside their own inputs; a half is chance, ties count half."""
        own, other = self.log_likelihoods["nothing"], self.log_likelihoods[swapped]
        each = (own > other) + 0.5 * (own == other)
        counts = resample_counts(len(each), self.seed)
        return Estimate(float(each.mean()), counts @ each / len(each))


def swap_inputs(log_likelihoods: LogLikelihoods, tokens: Sequence[int], seed: int = 0) -> SwappedInputs:
    """Score alt texts beside their own inputs and beside those of other examples.

    Picture and post are swapped for the same other example, so that with both swapped they still belong together.

    Args:
        log_likelihoods: Scores each alt text beside the pictures and the posts of given rows.
        tokens: Of each alt text, with the end, n.
        seed: Chooses the other examples.

    Raises:
        ValueError: There are fewer than two examples.
    """
    own = np.arange(len(tokens))
    other = derangement(np.random.default_rng(seed).permutation(len(tokens)))
    found = {
        name: log_likelihoods(other if picture else own, other if post else own)
        for name, (picture, post) in SWAPS.items()
    }
    return SwappedInputs(found, np.asarray(tokens, dtype=float), seed)


def captioner_attention(
    captioner: PrefixCaptioner,
    features: Tensor,
    posts: Sequence[str],
    alt_texts: Sequence[str],
    seed: int = 0,
    batch_size: int = 64,
) -> SwappedInputs:
    """:func:`swap_inputs` for a captioner.

    Args:
        captioner: The captioner.
        features: Of the pictures, (n, d_clip).
        posts: n posts.
        alt_texts: n alt texts whose likelihood counts.
        seed: Chooses the other examples.
        batch_size: Examples at a time.

    Raises:
        ValueError: There are fewer than two examples.
    """
    device = captioner.embedding.weight.device
    lengths = [len(captioner.encode("", alt_text).alt_text) + 1 for alt_text in alt_texts]

    def log_likelihoods(pictures: np.ndarray, contexts: np.ndarray) -> np.ndarray:
        examples = [captioner.encode(posts[j], alt_texts[i]) for i, j in enumerate(contexts)]
        order = sorted(range(len(examples)), key=lambda i: len(examples[i].text) + lengths[i])
        found = torch.zeros(len(examples), dtype=torch.float64)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            seen = features[pictures[rows].tolist()].to(device)
            found[rows] = captioner.log_likelihoods(seen, [examples[i] for i in rows]).double().cpu()
        return found.numpy()

    return swap_inputs(log_likelihoods, lengths, seed)
