r"""DPO and MCM-DPO: losses on how much likelier than the reference each combination has become (MCM-DPO, arXiv 2510.00647).

.. math::

   D = \log p(y | c, m) - \log p_{\mathrm{ref}}(y | c, m), \qquad
   \mathcal{L} = -\log \sigma \Big( \beta \sum_k w_k \big( D_{\mathrm{best}} - D_k \big) \Big)

D is summed over the tokens of the response, and the weights of the comparisons k add up to 1: one sigmoid
over the combined margin. With the response alone it is DPO.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from altlib.data.comparisons import used_comparisons

FORMS = ("sigmoid", "ipo")


@dataclass(frozen=True)
class PreferenceLoss:
    """The loss of a preference objective.

    Attributes:
        weights: Of the comparisons, by name (:data:`altlib.data.comparisons.COMPARISONS`).
        beta: How strongly the model is held to the reference; smaller lets it go further.
        form: sigmoid (DPO), or ipo, the squared distance of the margin from 1 / (2 beta) (arXiv 2310.12036).
        anchor: Weight of mDPO's term -log sigmoid(beta D(best)), which keeps the chosen response from
            becoming less likely (arXiv 2406.11839).

    Raises:
        ValueError: A value is impossible.
    """

    weights: Mapping[str, float]
    beta: float = 0.1
    form: str = "sigmoid"
    anchor: float = 0.0

    def __post_init__(self) -> None:
        used_comparisons(self.weights)
        if not 0 < self.beta < math.inf:
            raise ValueError(
                f"beta is {self.beta:g}; it must be above 0, as with 0 every response is as good as any other"
            )
        if self.form not in FORMS:
            raise ValueError(f"unknown form of the loss {self.form!r}; known: {', '.join(FORMS)}")
        if not 0 <= self.anchor < math.inf:
            raise ValueError(f"the weight of the anchor is {self.anchor:g}; it must be 0 or more")

    def margins(self, log_ratios: Tensor) -> Tensor:
        """The combined margin of each pair, (B, 1 + comparisons) -> (B,) in nats."""
        weights = log_ratios.new_tensor(list(used_comparisons(self.weights).values()))
        return (weights * (log_ratios[:, :1] - log_ratios[:, 1:])).sum(1)

    def __call__(self, log_ratios: Tensor) -> Tensor:
        """The loss of each pair.

        Args:
            log_ratios: D of the combinations in the order of :func:`altlib.data.comparisons.combinations`,
                (B, 1 + comparisons).

        Returns:
            (B,).
        """
        margin = self.margins(log_ratios)
        loss = (margin - 1 / (2 * self.beta)) ** 2 if self.form == "ipo" else -F.logsigmoid(self.beta * margin)
        if self.anchor:
            loss = loss - self.anchor * F.logsigmoid(self.beta * log_ratios[:, 0])
        return loss


def reward_summary(log_ratios: Tensor, names: list[str], beta: float) -> dict[str, float]:
    """How rewards, ``beta D``, stand on some pairs.

    Args:
        log_ratios: D of the best combination and of the worse one of each comparison, (n, 1 + comparisons).
        names: Of the comparisons.
        beta: As in the loss.

    Returns:
        ``best reward``, and for each comparison ``accuracy: NAME`` (share of pairs whose best
        combination has the higher reward) and ``margin: NAME`` (mean difference of rewards).
    """
    gaps = beta * (log_ratios[:, :1] - log_ratios[:, 1:])
    found = {"best reward": float(beta * log_ratios[:, 0].mean())}
    for column, name in enumerate(names):
        found[f"accuracy: {name}"] = float((gaps[:, column] > 0).float().mean())
        found[f"margin: {name}"] = float(gaps[:, column].mean())
    return found
