"""The prefix captioner: a mapping network puts CLIP's picture into a language model's embedding space.

The language model reads ``prefix ++ post ++ newline ++ alt text ++ <end>``: k vectors from the
mapping network, the tokens of the post, a line break as the border, then the alt text and the end
of text (Twitter paper, section 3.1). Without the post this is ClipCap; without the prefix it is the
text-only system.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from altlib.core.devices import mixed_precision, precision_name
from altlib.core.errors import BackboneError
from altlib.core.files import read_json, whole_file, write_json
from altlib.core.provenance import TYPE, note
from altlib.models.language import load_language_model
from altlib.models.last_block import hidden_states_at

MAPPERS = ("mlp", "transformer")


@dataclass(frozen=True)
class CaptionerConfig:
    """What a captioner is built from.

    Attributes:
        language_model: A name for :func:`altlib.models.language.load_language_model`.
        clip_width: Size of CLIP's embedding.
        clip_fingerprint: Of CLIP's weights.
        prefix_length: k, the number of prefix vectors.
        mapper: The mapping network, ``mlp`` or ``transformer``.
        uses_image: Whether it sees the picture.
        uses_text: Whether it reads the post.
        trains_lm: Whether the language model learns too.
        max_tokens: Where post and alt text are cropped, in tokens.
        clip_name: The CLIP model whose features it reads.
        clip_pretrained: The tag of that model's weights.
    """

    language_model: str
    clip_width: int
    clip_fingerprint: str = ""
    prefix_length: int = 10
    mapper: str = "mlp"
    uses_image: bool = True
    uses_text: bool = True
    trains_lm: bool = True
    max_tokens: int = 150
    clip_name: str = "miniature"
    clip_pretrained: str = ""


class MlpMapper(nn.Module):
    """ClipCap's MLP: d_clip -> k d_lm / 2 -> tanh -> k d_lm."""

    def __init__(self, clip_width: int, lm_width: int, prefix_length: int):
        super().__init__()
        hidden = prefix_length * lm_width // 2
        self.prefix_length = prefix_length
        self.model = nn.Sequential(
            nn.Linear(clip_width, hidden), nn.Tanh(), nn.Linear(hidden, prefix_length * lm_width)
        )

    def forward(self, features: Tensor) -> Tensor:
        """The prefix of each picture, (B, d_clip) -> (B, k, d_lm)."""
        return self.model(features).unflatten(1, (self.prefix_length, -1))


class TransformerMapper(nn.Module):
    """ClipCap's transformer: k vectors of the picture beside k learned constants, whose outputs are the prefix.

    Args:
        clip_width: Size of CLIP's embedding.
        lm_width: Size of the language model's embedding.
        prefix_length: k.
        layers: Pre-norm blocks (8 in ClipCap).
        heads: Attention heads per block (8 in ClipCap).
    """

    def __init__(self, clip_width: int, lm_width: int, prefix_length: int, layers: int = 8, heads: int = 8):
        super().__init__()
        self.prefix_length = prefix_length
        self.linear = nn.Linear(clip_width, prefix_length * lm_width)
        self.constants = nn.Parameter(torch.randn(prefix_length, lm_width))
        block = nn.TransformerEncoderLayer(
            lm_width, heads, 2 * lm_width, dropout=0.0, activation="relu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)

    def forward(self, features: Tensor) -> Tensor:
        """The prefix of each picture, (B, d_clip) -> (B, k, d_lm)."""
        picture = self.linear(features).unflatten(1, (self.prefix_length, -1))  # (B, k, d)
        constants = self.constants.expand(len(features), -1, -1)  # (B, k, d)
        return self.transformer(torch.cat([picture, constants], dim=1))[:, self.prefix_length :]


def build_mapper(config: CaptionerConfig, lm_width: int) -> nn.Module:
    """The mapping network that ``config`` names, into an embedding of size ``lm_width``.

    Raises:
        ValueError: There is no such mapping network.
    """
    if config.mapper == "mlp":
        return MlpMapper(config.clip_width, lm_width, config.prefix_length)
    if config.mapper == "transformer":
        heads = next(h for h in (8, 6, 4, 3, 2, 1) if lm_width % h == 0)
        return TransformerMapper(config.clip_width, lm_width, config.prefix_length, heads=heads)
    raise ValueError(f"unknown mapper {config.mapper!r}; known: {', '.join(MAPPERS)}")


@dataclass(frozen=True)
class Example:
    """Token ids of one picture's post and alt text, cropped, without the border and the end."""

    text: list[int]
    alt_text: list[int]


class PrefixCaptioner(nn.Module):
    """A language model that continues a picture's prefix and a post with alt text.

    Raises:
        ValueError: It uses neither picture nor post, or prefix and texts exceed the language model's positions.
    """

    def __init__(self, config: CaptionerConfig, tokenizer: Any, language_model: Any):
        super().__init__()
        if not (config.uses_image or config.uses_text):
            raise ValueError("a captioner must use the image, the text or both")
        self.config = config
        self.tokenizer = tokenizer
        self.language_model: Any = language_model
        self.embedding: nn.Embedding = language_model.get_input_embeddings()
        self.mapper: nn.Module | None = (
            build_mapper(config, self.embedding.embedding_dim) if config.uses_image else None
        )
        self.end = int(tokenizer.eos_token_id)
        # Not the end of text: in pretraining, what stands before it has nothing to do with what follows.
        self.border = int(tokenizer("\n", add_special_tokens=False).input_ids[-1])
        language_model.requires_grad_(config.trains_lm)
        limit = getattr(language_model.config, "max_position_embeddings", None)
        needed = self.prefix_length + 2 * config.max_tokens + 2
        if limit is not None and needed > limit:
            raise ValueError(
                f"the language model has {limit} positions but a prefix of {self.prefix_length} with two texts of "
                f"{config.max_tokens} tokens needs {needed}; lower max_tokens or prefix_length"
            )

    @property
    def prefix_length(self) -> int:
        """k, or 0 for a captioner that does not see the picture."""
        return self.config.prefix_length if self.config.uses_image else 0

    @property
    def precision(self) -> torch.dtype:
        """The number type in which it trains and decodes on its device (:func:`altlib.core.devices.mixed_precision`)."""
        size = sum(p.numel() for p in self.language_model.parameters())
        return mixed_precision(str(self.embedding.weight.device), size)

    def train(self, mode: bool = True) -> PrefixCaptioner:
        """Set the training mode; a frozen language model stays in evaluation mode, so that its dropout is off."""
        super().train(mode)
        if not self.config.trains_lm:
            self.language_model.eval()
        return self

    def encode(self, text: str, alt_text: str = "") -> Example:
        """Token ids of a post and its alt text, each cropped to ``max_tokens``."""

        def ids(value: str) -> list[int]:
            # Cropping the characters first keeps a megabyte of text from being tokenised.
            value = value[: 40 * self.config.max_tokens]
            return self.tokenizer(value, add_special_tokens=False).input_ids[: self.config.max_tokens]

        return Example(ids(text) if self.config.uses_text else [], ids(alt_text))

    def prefix(self, features: Tensor) -> Tensor:
        """Prefix vectors in the language model's embedding space and on its device, (B, d_clip) -> (B, k, d_lm)."""
        if self.mapper is None:
            return self.embedding.weight.new_zeros(len(features), 0, self.embedding.embedding_dim)
        return self.mapper(features.to(self.embedding.weight.device))

    def inputs(self, features: Tensor, ids: Tensor) -> Tensor:
        """Prefix and embedded tokens, (B, d_clip), (B, T) -> (B, k + T, d_lm)."""
        return torch.cat([self.prefix(features).to(self.embedding.weight.dtype), self.embedding(ids)], dim=1)

    def token_losses(self, features: Tensor, examples: list[Example]) -> tuple[Tensor, Tensor]:
        """Negative log-likelihood of every alt-text token and of the end, and which example each belongs to.

        The last block and the logits are computed at these positions only. Rows are padded at the end,
        where causal attention never looks.

        Args:
            features: Of the pictures, (B, d_clip).
            examples: B posts with their alt texts.

        Returns:
            The losses in nats and the numbers of their examples, both (number of alt-text tokens + B,).
        """
        device = self.embedding.weight.device
        rows = [[*e.text, self.border, *e.alt_text, self.end] for e in examples]
        longest = max(map(len, rows))
        ids = torch.tensor([row + [self.end] * (longest - len(row)) for row in rows], device=device)  # (B, T)
        first = torch.tensor([len(e.text) for e in examples], device=device)[:, None]
        last = torch.tensor([len(row) - 1 for row in rows], device=device)[:, None]
        where = torch.arange(longest, device=device)[None]
        predicts = (where >= first) & (where < last)  # (B, T) positions whose next token counts
        wanted = F.pad(predicts, (self.prefix_length, 0))  # (B, k + T)
        hidden = hidden_states_at(self.language_model.base_model, self.inputs(features, ids), wanted)  # (M, d)
        logits = self.language_model.get_output_embeddings()(hidden)  # (M, V)
        targets = ids.roll(-1, dims=1)[predicts]
        owners = torch.arange(len(rows), device=device)[:, None].expand_as(ids)[predicts]
        return F.cross_entropy(logits.float(), targets, reduction="none"), owners

    def forward(self, features: Tensor, examples: list[Example]) -> Tensor:
        """Sum of the negative log-likelihoods of all alt-text tokens of the batch, in nats."""
        return self.token_losses(features, examples)[0].sum()

    @torch.inference_mode()
    def log_likelihoods(self, features: Tensor, examples: list[Example]) -> Tensor:
        """log p(alt text | picture, post) of each example, (B,) in nats; by it the model flags poor alt text."""
        losses, owners = self.token_losses(features, examples)
        return -torch.zeros(len(examples), device=losses.device).index_add_(0, owners, losses)

    def save(self, folder: Path) -> None:
        """Write ``captioner.json``, ``mapper.safetensors`` and the language model if it was trained."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        if self.mapper is not None:
            with whole_file(folder / "mapper.safetensors") as part:
                save_file({k: v.contiguous() for k, v in self.mapper.state_dict().items()}, part)
        if self.config.trains_lm:
            self.language_model.save_pretrained(folder / "language_model", safe_serialization=True)
            self.tokenizer.save_pretrained(folder / "language_model")
        write_json(folder / "captioner.json", dataclasses.asdict(self.config))


def build_captioner(config: CaptionerConfig, seed: int, device: str = "cpu") -> PrefixCaptioner:
    """A captioner with a new mapping network; the same seed gives the same weights."""
    tokenizer, language_model = load_language_model(config.language_model)
    torch.manual_seed(seed)
    return PrefixCaptioner(config, tokenizer, language_model).to(device)


def load_captioner(folder: Path | str, device: str = "cpu") -> PrefixCaptioner:
    """Read a captioner that :meth:`PrefixCaptioner.save` wrote, in evaluation mode.

    Args:
        folder: Where it was written.
        device: Where the captioner is put.

    Raises:
        BackboneError: There is none, or its files do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(folder)
    if not (folder / "captioner.json").is_file():
        raise BackboneError(f"there is no trained captioner in {folder}: run 02-training first")
    config = CaptionerConfig(**read_json(folder / "captioner.json"))
    source = str(folder / "language_model") if config.trains_lm else config.language_model
    tokenizer, language_model = load_language_model(source)
    captioner = PrefixCaptioner(config, tokenizer, language_model)
    if captioner.mapper is not None:
        try:
            captioner.mapper.load_state_dict(load_file(folder / "mapper.safetensors"))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise BackboneError(f"{folder / 'mapper.safetensors'} does not fit its captioner.json: {error}") from error
    captioner = captioner.to(device).eval()
    note(TYPE, f"{precision_name(captioner.precision)} on {torch.device(device).type}")
    return captioner
