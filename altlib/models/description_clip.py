"""A CLIP that is being, or has been, fine-tuned to prefer descriptions, full or with LoRA (CLIP paper, section 3)."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from altlib.core.files import read_json, whole_file, write_json
from altlib.models.clip import Clip
from altlib.models.features import read_pictures
from altlib.models.interventions import RotatedSubspace, Site
from altlib.models.text_tower import TextTower, split_attention

LORA_TARGETS = {
    "all-linear": ["q_proj", "k_proj", "v_proj", "out_proj", "c_fc", "c_proj"],
    "attention": ["q_proj", "k_proj", "v_proj", "out_proj"],
    "query-value": ["q_proj", "v_proj"],
}
TUNINGS = ("full", "lora")
TOWERS = ("text", "both")


@dataclass(frozen=True)
class TuningSettings:
    """How CLIP is fine-tuned; the defaults are the paper's for LoRA with the behavioural objective (appendix B).

    Attributes:
        objective: behavioural, iit-das or joint.
        tuning: full or lora.
        towers: What learns: text or both.
        alpha: Weight of the IIT-DAS loss in the joint objective.
        layer: Block of the text encoder after which the intervention takes place, from 0.
        subspace: Dimensions of the subspace.
        rank: Of LoRA's updates.
        dropout: Of LoRA's inputs.
        targets: LoRA's layers: all-linear, attention or query-value.
        learning_rate: Of Adam.
        weight_decay: L2 factor.
        batch_size: Triplets per update.
        steps: Most updates.
        evaluations: Points of the run at which the model is evaluated.
        trade_off: Weight of accuracy against transfer when a checkpoint is chosen.
        patience: Evaluations without a better trade-off before the run stops; 0 never stops it.
        seed: Of new weights and of the order of batches.
    """

    objective: str = "behavioural"
    tuning: str = "lora"
    towers: str = "text"
    alpha: float = 0.5
    layer: int = 10
    subspace: int = 256
    rank: int = 64
    dropout: float = 0.0
    targets: str = "attention"
    learning_rate: float = 0.5e-6
    weight_decay: float = 0.0
    batch_size: int = 12
    steps: int = 1000
    evaluations: int = 10
    trade_off: float = 0.9
    patience: int = 0
    seed: int = 0

    @property
    def name(self) -> str:
        """Such as ``iit-das-lora-0``."""
        return f"{self.objective}-{self.tuning}-{self.seed}"


class DescriptionClip(nn.Module):
    """A CLIP that is being, or has been, fine-tuned, with its subspace where the objective has one.

    Args:
        base: The model that it starts from; it stays as it is. The new model is on the same device.
        settings: How it is fine-tuned.

    Raises:
        ValueError: A setting is unknown, or the model does not have what it asks for.
    """

    def __init__(self, base: Clip, settings: TuningSettings):
        super().__init__()
        if settings.tuning not in TUNINGS:
            raise ValueError(f"unknown fine-tuning {settings.tuning!r}; known: {', '.join(TUNINGS)}")
        if settings.towers not in TOWERS:
            raise ValueError(f"unknown towers {settings.towers!r}; known: {', '.join(TOWERS)}")
        if settings.targets not in LORA_TARGETS:
            raise ValueError(f"unknown LoRA targets {settings.targets!r}; known: {', '.join(LORA_TARGETS)}")
        self.settings = settings
        self.base_fingerprint = base.fingerprint
        self.model = copy.deepcopy(base.model).float()
        self.model.requires_grad_(False)
        self.tower = TextTower(self.model)
        self.site = Site(settings.layer, settings.subspace)
        self.subspace: RotatedSubspace | None = None
        if settings.objective != "behavioural":
            self.site.check(self.tower)
            self.subspace = RotatedSubspace(self.tower.width, settings.subspace, settings.seed)
        parts = [self.tower.text.transformer]
        if settings.towers == "both" and hasattr(self.model.visual, "transformer"):
            parts.append(self.model.visual.transformer)
        elif settings.towers == "both" and settings.tuning == "lora":
            raise ValueError(
                "LoRA on both towers needs a vision transformer; this model's vision tower is a "
                f"{type(self.model.visual).__name__}: tune the text tower alone, or fully"
            )
        for part in parts:
            split_attention(part)
        if settings.tuning == "lora":
            self.add_lora(parts)
        else:
            self.unfreeze()
        self.to(base.device)  # what is new, too

    def add_lora(self, parts: list[nn.Module]) -> None:
        """Low-rank updates on the chosen linear layers, through peft."""
        from peft import LoraConfig, inject_adapter_in_model

        config = LoraConfig(
            r=self.settings.rank,
            lora_alpha=self.settings.rank,
            lora_dropout=self.settings.dropout,
            target_modules=LORA_TARGETS[self.settings.targets],
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            for part in parts:
                inject_adapter_in_model(config, part)

    def unfreeze(self) -> None:
        """Let every parameter of the chosen towers learn; the logit scale belongs to both."""
        if self.settings.towers == "both":
            self.model.requires_grad_(True)
        else:
            text = self.tower.text
            for name, parameter in text.named_parameters():
                parameter.requires_grad_(not name.startswith("visual.") and name not in ("logit_scale", "logit_bias"))

    def learned(self) -> dict[str, nn.Parameter]:
        """The parameters that learn, by name."""
        return {n: p for n, p in self.named_parameters() if p.requires_grad}

    def state(self) -> dict[str, Tensor]:
        """Copies of what has been learned, on the CPU."""
        return {n: p.detach().cpu().clone() for n, p in self.learned().items()}

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Put :meth:`state` back.

        Raises:
            ValueError: It belongs to a model of another shape.
        """
        own = self.learned()
        if set(own) != set(state) or any(own[n].shape != state[n].shape for n in own):
            raise ValueError("the saved parameters do not fit this CLIP model")
        for name, value in state.items():
            own[name].copy_(value)

    @torch.inference_mode()
    def encode_texts(self, tokens: Tensor, batch_size: int = 256) -> Tensor:
        """Unit-length text embeddings of token ids, (n, context) -> (n, width) on the CPU; order kept, lengths bucketed."""
        self.eval()
        device = self.model.logit_scale.device
        order = self.tower.pooled(tokens).argsort()
        parts = [self.tower(tokens[rows].to(device)).float().cpu() for rows in order.split(batch_size)]
        out = torch.empty(len(tokens), parts[0].shape[1] if parts else 0)
        if parts:
            out[order] = torch.cat(parts)
        return out

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Unit-length image embeddings, (B, 3, H, W) -> (B, width)."""
        return self.model.encode_image(pixels.to(self.model.logit_scale.device), normalize=True).float()

    def scale(self) -> Tensor:
        """The logit scale, ()."""
        return self.model.logit_scale.exp()

    def save(self, folder: Path, chosen: dict[str, Any]) -> None:
        """Write ``tuned.safetensors`` and ``tuned.json``, each whole or not at all.

        Args:
            folder: Where.
            chosen: What the evaluation found that chose this state.
        """
        with whole_file(folder / "tuned.safetensors") as part:
            save_file({n: v.contiguous() for n, v in self.state().items()}, part)
        write_json(
            folder / "tuned.json",
            {"settings": asdict(self.settings), "base": self.base_fingerprint, "chosen": chosen},
        )


def tuned_record(folder: Path) -> dict:
    """The record that :meth:`DescriptionClip.save` wrote into a folder: ``settings``, ``base`` and ``chosen``.

    Raises:
        FileNotFoundError: There is none.
    """
    if not (folder / "tuned.json").is_file():
        raise FileNotFoundError(f"there is no fine-tuned CLIP in {folder}: run 06-clip-prefers-descriptions first")
    return read_json(folder / "tuned.json")


def settings_of(folder: Path) -> TuningSettings:
    """How the model in a folder was tuned; raises as :func:`tuned_record`."""
    return TuningSettings(**tuned_record(folder)["settings"])


def load_tuned(folder: Path, base: Clip) -> tuple[DescriptionClip, dict]:
    """Read what :meth:`DescriptionClip.save` wrote.

    Args:
        folder: Where it was written.
        base: The model that it was tuned from.

    Returns:
        The model on the device of ``base``, and its record: ``settings``, ``base`` and ``chosen``.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It was tuned from other weights.
    """
    record = tuned_record(folder)
    if record["base"] != base.fingerprint:
        raise ValueError(f"{folder} was tuned from other CLIP weights than {base.name} has now; run the chapter again")
    tuned = DescriptionClip(base, TuningSettings(**record["settings"]))
    tuned.restore(load_file(folder / "tuned.safetensors"))
    return tuned.eval(), record


@torch.inference_mode()
def picture_embeddings(tuned: DescriptionClip, paths: list[str], clip: Clip, batch_size: int = 64) -> Tensor:
    """Image embeddings of a model whose vision tower learned too, (n, width) on the CPU."""
    return torch.cat(
        [
            tuned.encode_images(read_pictures(paths[i : i + batch_size], clip)).cpu()
            for i in range(0, len(paths), batch_size)
        ]
    )
