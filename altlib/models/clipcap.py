"""ClipCap's checkpoints: the miniature one, those of the original code, and the book's own captioners.

A captioner may start from the mapping network of such a checkpoint, which has seen many more
pictures with captions than there are posts (Mokady et al. 2021; Twitter paper, section 5.1).
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from altlib.checkpoints.miniature import MINIATURE, miniature_folder
from altlib.core.errors import BackboneError
from altlib.models.captioner import PrefixCaptioner

Weights = dict[str, Tensor]  # by name

SCALE = ".scale"  # suffix of the name of a matrix's scales


def read_clipcap(source: str) -> tuple[Weights, Weights]:
    """The weights of a ClipCap's mapping network and of its language model.

    Args:
        source: ``miniature``, a ``.pt`` file of the original code, or the folder of a captioner of
            this book.

    Returns:
        Both by name; the language model's are empty if it was frozen.

    Raises:
        BackboneError: It is none of these, or cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = miniature_folder("clipcap") if source == MINIATURE else Path(source).expanduser()
    try:
        if path.is_dir():
            language_model = path / "language_model" / "model.safetensors"
            return (
                factors_multiplied(load_file(path / "mapper.safetensors")),
                load_file(language_model) if language_model.is_file() else {},
            )
        if path.is_file():
            return original_weights(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, SafetensorError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError) as error:
        raise BackboneError(f"{path} is not a ClipCap checkpoint that can be read: {error}"[:500]) from error
    raise BackboneError(
        f"there is no ClipCap checkpoint {path}: expected a .pt file of the original code (its README links them), or the "
        "folder of a captioner such as runs/workshop/captioners/clipcap-frozen"
    )


def eight_bits(weights: Weights) -> Weights:
    """Matrices as whole numbers of eight bits with one float16 scale per row, vectors in float16."""
    found: Weights = {}
    for name, value in weights.items():
        if value.ndim < 2:
            found[name] = value.half()
            continue
        scale = (value.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-6).half()
        found[name + SCALE] = scale
        found[name] = (value / scale.float()).round().clamp(-127, 127).to(torch.int8)
    return {name: value.contiguous() for name, value in found.items()}


def factors_multiplied(weights: Weights) -> Weights:
    """Weights in float32: those of :func:`eight_bits` scaled back, and the miniature's two factors multiplied."""
    scales = {name.removesuffix(SCALE): weights[name].float() for name in weights if name.endswith(SCALE)}
    weights = {n: v.float() * scales.get(n, torch.ones(())) for n, v in weights.items() if not n.endswith(SCALE)}
    if "model.2.0.weight" in weights:
        weights["model.2.weight"] = weights.pop("model.2.1.weight") @ weights.pop("model.2.0.weight")
        weights["model.2.bias"] = weights.pop("model.2.1.bias")
    return weights


def original_weights(state: Weights) -> tuple[Weights, Weights]:
    """A state dict of the original code under this book's names.

    Old buffers of attention masks are left out.

    Args:
        state: Names to weights.

    Returns:
        The weights of the mapping network and of the language model.

    Raises:
        ValueError: It holds no mapping network.
    """
    if not isinstance(state, dict) or not any(str(name).startswith("clip_project.") for name in state):
        raise ValueError("it holds no weights named clip_project")
    project = {n.removeprefix("clip_project."): v for n, v in state.items() if n.startswith("clip_project.")}
    language_model = {
        n.removeprefix("gpt."): v
        for n, v in state.items()
        if n.startswith("gpt.") and not n.endswith((".attn.bias", ".attn.masked_bias"))
    }
    return (transformer_weights(project) if "prefix_const" in project else project), language_model


def transformer_weights(project: Weights) -> Weights:
    """ClipCap's own transformer under the names of torch's: the same layers, with query, key and value in one matrix."""
    found = {
        "constants": project["prefix_const"],
        "linear.weight": project["linear.weight"],
        "linear.bias": project["linear.bias"],
    }
    layers = {int(name.split(".")[2]) for name in project if name.startswith("transformer.layers.")}
    for layer in sorted(layers):
        old, new = f"transformer.layers.{layer}.", f"transformer.layers.{layer}."
        queries, others = project[f"{old}attn.to_queries.weight"], project[f"{old}attn.to_keys_values.weight"]
        found[f"{new}self_attn.in_proj_weight"] = torch.cat([queries, others])
        found[f"{new}self_attn.in_proj_bias"] = queries.new_zeros(3 * len(queries))
        for theirs, ours in (
            ("attn.project", "self_attn.out_proj"),
            ("norm1", "norm1"),
            ("norm2", "norm2"),
            ("mlp.fc1", "linear1"),
            ("mlp.fc2", "linear2"),
        ):
            for part in ("weight", "bias"):
                found[f"{new}{ours}.{part}"] = project[f"{old}{theirs}.{part}"]
    return found


def start_from_clipcap(captioner: PrefixCaptioner, source: str, language_model: bool = False) -> bool:
    """Give a captioner the mapping network of a ClipCap and, if asked, its language model.

    Args:
        captioner: It is changed.
        source: As for :func:`read_clipcap`.
        language_model: Take the checkpoint's language model too, if it has one.

    Returns:
        Whether the checkpoint has a language model of its own.

    Raises:
        BackboneError: The shapes or the kinds of mapping network differ.
        ValueError: The captioner does not see the picture.
    """
    if captioner.mapper is None:
        raise ValueError("a captioner that does not see the picture has no mapping network to start")
    weights, own = read_clipcap(source)
    kind = "transformer" if "constants" in weights else "mlp"
    if kind != captioner.config.mapper:
        raise BackboneError(
            f"{source} holds a mapping network of the kind {kind}; set the parameter mapper to that, or clipcap to train"
        )
    load_weights(captioner.mapper, weights, source)
    if own and language_model:
        load_weights(captioner.language_model, own, source)
    return bool(own)


def load_weights(module: torch.nn.Module, weights: Weights, source: str) -> None:
    """Copy weights into a module that they must fit.

    Args:
        module: It is changed.
        weights: By name; weights tied to others may be missing.
        source: Where they come from, for the error.

    Raises:
        BackboneError: A weight is missing, unknown or of another shape.
    """
    expected = module.state_dict()
    wrong = [
        f"{name} is {tuple(weights[name].shape)} there and {tuple(expected[name].shape)} here"
        for name in weights.keys() & expected.keys()
        if weights[name].shape != expected[name].shape
    ]
    tied = {"lm_head.weight"}
    unknown, missing = weights.keys() - expected.keys() - tied, expected.keys() - weights.keys() - tied
    if wrong or unknown or missing:
        what = wrong or [f"it lacks {sorted(missing)[:3]}" if missing else f"it has {sorted(unknown)[:3]} besides"]
        raise BackboneError(
            f"the checkpoint {source} does not fit this captioner: {sorted(what)[0]}. It needs the CLIP, the language model, "
            "the prefix_length and the mapper that it was trained with; or set the parameter clipcap to train"
        )
    with torch.no_grad():
        for name, value in weights.items():
            if name in expected:
                expected[name].copy_(value)
