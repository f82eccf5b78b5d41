r"""What makes CLIP prefer descriptions: the behavioural, the IIT-DAS and the joint objective (CLIP paper, section 3).

A score is CLIP's logit, the cosine of image and text times the logit scale. The behavioural objective is

.. math::

   \mathcal{L}_B = \mathrm{CE} \big( [C(x_{\mathrm{im}}, x_{\mathrm{cap}}), C(x_{\mathrm{im}}, x_{\mathrm{des}})], [0, 1] \big)

The IIT-DAS objective has the same form, with the score of a text beside that of the same text with the
other kind's part in the subspace Z; the joint one is :math:`\alpha \mathcal{L}_{\mathrm{IIT}} + (1 - \alpha) \mathcal{L}_B`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from altlib.models.interventions import RotatedSubspace, Site, write
from altlib.models.text_tower import TextTower, read

OBJECTIVES = ("behavioural", "iit-das", "joint")


@dataclass(frozen=True)
class TripletBatch:
    """Pictures with their captions and descriptions, one row per picture.

    Attributes:
        images: Unit-length image features, (B, width).
        captions: Token ids, (B, context).
        descriptions: Token ids, (B, context).
        source_images: Features of other pictures, from whose descriptions the intervention takes its values, (B, width).
        source_descriptions: Token ids of these descriptions, (B, context).
    """

    images: Tensor
    captions: Tensor
    descriptions: Tensor
    source_images: Tensor
    source_descriptions: Tensor


def preference_loss(preferred: Tensor, other: Tensor) -> Tensor:
    r"""The mean of :math:`-\log \sigma(a - b)` over preferred scores a and other scores b, (B,), (B,) -> ()."""
    return F.softplus(other - preferred).mean()


def logits(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    """CLIP's logit of each pair of unit vectors, (B, width), (B, width) -> (B,)."""
    return scale * (images * texts).sum(-1)


def behavioural_loss(tower: TextTower, batch: TripletBatch, scale: Tensor) -> Tensor:
    """The description should outscore the caption of the same picture."""
    both = tower(torch.cat([batch.captions, batch.descriptions]))
    captions, descriptions = both.chunk(2)
    return preference_loss(logits(batch.images, descriptions, scale), logits(batch.images, captions, scale))


def iit_das_loss(tower: TextTower, batch: TripletBatch, scale: Tensor, site: Site, subspace: RotatedSubspace) -> Tensor:
    """A caption with a description's part in Z should outscore the caption; a description with a caption's, fall below.

    The two texts of a pair may belong to different pictures; each is scored against its own.
    Gradients flow through both runs and the rotation.
    """
    tokens = tower.crop(torch.cat([batch.captions, batch.source_descriptions]))
    positions = tower.pooled(tokens)
    images = torch.cat([batch.images, batch.source_images])
    stream = tower.upto(tower.embed(tokens), site.layer)  # (2B, T, d)
    found = read(stream, positions)
    source = found.roll(len(batch.captions), 0)  # each text's partner of the other kind
    swapped = write(stream, positions, subspace(found, source))
    texts = tower.onwards(torch.cat([stream, swapped]), site.layer, positions.repeat(2))
    plain, changed = logits(images.repeat(2, 1), texts, scale).chunk(2)
    caption, description = plain.chunk(2)
    caption_as_description, description_as_caption = changed.chunk(2)
    return (preference_loss(caption_as_description, caption) + preference_loss(description, description_as_caption)) / 2


def objective_loss(
    objective: str,
    tower: TextTower,
    batch: TripletBatch,
    scale: Tensor,
    site: Site,
    subspace: RotatedSubspace | None,
    alpha: float,
) -> Tensor:
    """The loss that ``objective`` names; joint is alpha IIT-DAS + (1 - alpha) behavioural (appendix B).

    Args:
        objective: behavioural, iit-das or joint.
        tower: The text encoder.
        batch: On the encoder's device.
        scale: The logit scale, ().
        site: Where to intervene.
        subspace: What is exchanged there; only the behavioural objective goes without.
        alpha: Weight of the joint objective.

    Raises:
        ValueError: The objective is unknown, or lacks its subspace.
    """
    if objective == "behavioural":
        return behavioural_loss(tower, batch, scale)
    if subspace is None:
        raise ValueError(f"the objective {objective} needs a subspace")
    if objective == "iit-das":
        return iit_das_loss(tower, batch, scale, site, subspace)
    if objective == "joint":
        intervention = iit_das_loss(tower, batch, scale, site, subspace)
        return alpha * intervention + (1 - alpha) * behavioural_loss(tower, batch, scale)
    raise ValueError(f"unknown objective {objective!r}; known: {', '.join(OBJECTIVES)}")
