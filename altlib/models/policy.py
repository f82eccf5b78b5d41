"""What preference optimisation needs of a model, whichever kind it is: log-probabilities of responses and parts that learn.

There are two kinds: the prefix captioner (:mod:`altlib.models.captioner_policy`) and image-text-to-text
models of transformers (:mod:`altlib.models.image_text_policy`). The first and LLaVA lay out the
combinations of an example as trees (:mod:`altlib.models.response_trees`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from altlib.core.devices import compute_in, mixed_precision
from altlib.core.files import first_copies
from altlib.core.images import centre_crop, open_picture
from altlib.data.comparisons import Combination
from altlib.data.negatives import NEGATIVES, diffuse, partners, spoil_picture
from altlib.models.response_trees import Branch, Tree

LARGEST_SEED = 2**31
Texts = tuple[Sequence[int], Sequence[int], Sequence[int]]  # of a pair: its post, the chosen and the rejected response


@dataclass(frozen=True)
class NegativeSettings:
    """How the worse pictures and posts of an example are made.

    Attributes:
        picture: One of :data:`altlib.data.negatives.NEGATIVES`.
        step: Of the diffusion.
        seed: Of the noise, the crops, the angles and the partners.
    """

    picture: str = "diffusion"
    step: int = 700
    seed: int = 0


class PairPictures:
    """The own and the worse pictures of some pairs.

    Args:
        paths: n picture files.
        settings: How the worse ones are made.

    Raises:
        ValueError: There are fewer than two pairs, or the kind of negative is unknown.
    """

    def __init__(self, paths: Sequence[str], settings: NegativeSettings):
        if settings.picture not in NEGATIVES:
            raise ValueError(f"unknown negative picture {settings.picture!r}; known: {', '.join(NEGATIVES)}")
        self.paths, self.settings = list(paths), settings
        first = first_copies(self.paths)
        self.distinct = [first[path] for path in self.paths]  # copies of a picture are one
        self.partner = partners(self.distinct, settings.seed)

    def open(self, row: int, better: bool) -> Image.Image:
        """A picture before its pixels are normalised, RGB; noise is added afterwards (:meth:`noisy`)."""
        other = not better and self.settings.picture == "other"
        image = centre_crop(open_picture(self.paths[self.partner[row] if other else row], longest=4096))
        return image if better else spoil_picture(image, self.settings.picture, self.seed(row))

    def seed(self, row: int) -> int:
        """Of what is random in the worse picture of a pair, the same in every epoch."""
        return (self.settings.seed * 1_000_003 + row) % LARGEST_SEED

    def noisy(self, pixels: Tensor, rows: Sequence[int]) -> Tensor:
        """Normalised pixels of worse pictures, with noise if the negative is diffusion, (B, ...) -> (B, ...)."""
        if self.settings.picture != "diffusion":
            return pixels
        return diffuse(pixels, self.settings.step, [self.seed(row) for row in rows])


class PreparedPairs(Protocol):
    """Pairs as a policy reads them: tokens, pictures, and which other pair lends its post."""

    @property
    def pictures(self) -> PairPictures:
        """The own and the worse pictures."""

    @property
    def partner(self) -> list[int]:
        """The pair whose post is the worse one, for each pair."""

    @property
    def posts(self) -> Sequence[Sequence[Any]]:
        """The post of each pair, in whatever form the model reads it."""

    @property
    def reads(self) -> Any:
        """The texts, and how pictures become pixels: what a reference has to read alike."""

    @property
    def texts(self) -> list[Texts]:
        """Token ids of the post and of both responses of each pair."""

    def __len__(self) -> int: ...

    def stamp(self) -> Iterator[Any]:
        """Everything about the pairs that a result follows from, for a cache key."""


class Policy(Protocol):
    """A model that writes for a picture and a post, and may learn from preference pairs.

    Attributes:
        sees_pictures: Whether it sees the picture.
        trains_vision: Whether its vision encoder learns. If so, pictures are encoded again in every
            step; otherwise once.
    """

    sees_pictures: bool
    trains_vision: bool

    @property
    def tokenizer(self) -> Any:
        """Of its texts."""

    @property
    def device(self) -> torch.device:
        """Where it is."""

    def prepare(self, pairs: pd.DataFrame, negatives: NegativeSettings) -> Any:
        """Pairs (columns image, text, chosen, rejected) as :meth:`log_probabilities` takes them."""

    def log_probabilities(self, prepared: Any, rows: Sequence[int], wanted: Sequence[Combination]) -> Tensor:
        """log p(response | post, picture) of pairs in several combinations, (B, number of combinations) in nats.

        For a model in half precision, to be called within :func:`autocast`.
        """

    def save(self, folder: Path) -> None:
        """Write what has been learned."""


def precision_of(policy: Any) -> torch.dtype:
    """The number type that pays for a policy of this size on its device."""
    return mixed_precision(str(policy.device), sum(p.numel() for p in policy.parameters()))


def autocast(policy: Policy) -> torch.autocast:
    """The number type in which a policy computes."""
    return compute_in(policy.device, precision_of(policy))


def silence_dropout(model: nn.Module) -> None:
    """Switch dropout off for good: a policy is compared with its reference, and noise would hide the difference."""
    for module in model.modules():
        if isinstance(module, _DropoutNd):
            module.p = 0.0
        for name, value in vars(module).items():
            if "drop" in name and isinstance(value, float):  # some models keep a share and call the function
                setattr(module, name, 0.0)


def combination_trees(
    rows: Sequence[int],
    wanted: Sequence[Combination],
    trunk: Callable[[int, bool], Tensor],
    context: Callable[[int, bool], list[int]],
    response: Callable[[int, bool], list[int]],
) -> tuple[list[Tree], list[int]]:
    """Trees of the combinations of some pairs, two per pair if both pictures are wanted.

    Args:
        rows: Numbers of the pairs.
        wanted: The combinations, without repetition.
        trunk: Embeddings of the better or worse picture of a pair, (k, d).
        context: Token ids of its better or worse post.
        response: Token ids of its better or worse response, with the end.

    Returns:
        The trees, and for each wanted combination its place among a pair's responses in the trees.
    """
    nested: dict[bool, dict[bool, list[bool]]] = {}
    for c in wanted:
        nested.setdefault(c.picture, {}).setdefault(c.context, []).append(c.response)
    laid = [Combination(c, p, r) for p, posts in nested.items() for c, answers in posts.items() for r in answers]
    trees = [
        Tree(
            trunk(row, picture),
            [Branch(context(row, c), [response(row, r) for r in answers]) for c, answers in posts.items()],
        )
        for row in rows
        for picture, posts in nested.items()
    ]
    return trees, [laid.index(c) for c in wanted]


def pair_lengths(prepared: PreparedPairs) -> list[int]:
    """Tokens of post and both responses of each pair."""
    return [sum(map(len, texts)) for texts in prepared.texts]


@torch.no_grad()
def reference_log_probabilities(
    policy: Policy, prepared: PreparedPairs, wanted: Sequence[Combination], batch_size: int
) -> Tensor:
    """What the policy says before it learns, of all pairs, (n, number of combinations) on the CPU."""
    found = torch.zeros(len(prepared), len(wanted))
    lengths = pair_lengths(prepared)
    order = sorted(range(len(prepared)), key=lambda row: lengths[row])
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        found[rows] = policy.log_probabilities(prepared, rows, wanted).float().cpu()
    return found


def without_effect(policy: Policy, prepared: PreparedPairs) -> dict[str, str]:
    """What a worse input changes nothing of, ``picture`` or ``context``, with the reason."""
    found = {}
    if not policy.sees_pictures:
        found["picture"] = "this model does not see the picture"
    elif prepared.pictures.settings.picture == "other" and len(set(prepared.pictures.distinct)) < 2:
        found["picture"] = "all pairs have the same picture"
    if len({tuple(post) for post in prepared.posts}) < 2:
        found["context"] = "all pairs have the same post as the model reads it"
    return found


def check_combinations(wanted: Sequence[Combination], useless: Mapping[str, str]) -> None:
    """Refuse comparisons with inputs that are no worse.

    Args:
        wanted: What the loss compares.
        useless: From :func:`without_effect`.

    Raises:
        ValueError: A comparison spoils what changes nothing.
    """
    for part, reason in useless.items():
        if any(not getattr(c, part) for c in wanted):
            raise ValueError(
                f"{reason}, so a worse {part} changes nothing; give the comparisons with a worse {part} the weight 0"
            )


def copied_state(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of parameters on the CPU, contiguous, as safetensors writes them."""
    return {name: p.detach().cpu().clone().contiguous() for name, p in named.items()}
