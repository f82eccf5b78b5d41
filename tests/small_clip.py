"""A CLIP of random weights, texts for it and unit vectors in its space."""

import open_clip
import torch
from torch.nn import functional as F

TEXT = {"context_length": 12, "vocab_size": 50, "width": 32, "heads": 4, "layers": 3}
VISION = {"image_size": 32, "patch_size": 16, "width": 32, "layers": 2, "head_width": 16}

SMALL_TUNING = {
    "layer": 2,
    "subspace": 8,
    "rank": 4,
    "learning_rate": 1e-3,
    "steps": 6,
    "evaluations": 3,
    "batch_size": 5,
}


def small_clip(seed: int = 0):
    """An open_clip model of random weights that reads 12 tokens; the end of text is token 49."""
    torch.manual_seed(seed)
    model = open_clip.model.CLIP(embed_dim=16, vision_cfg=VISION, text_cfg=TEXT).eval()
    with torch.no_grad():  # random weights at open_clip's scale hardly react to their input
        for block in model.transformer.resblocks:
            block.attn.in_proj_weight.mul_(8)
            block.mlp.c_proj.weight.mul_(20)
    return model


def texts(lengths, seed: int = 0):
    """Random token ids of these lengths, each with its end of text, padded with zeros to 12."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.zeros(len(lengths), 12, dtype=torch.long)
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = torch.randint(1, 48, (length,), generator=generator)
        row[length] = 49
    return rows


def unit(n: int, seed: int = 5):
    return F.normalize(torch.randn(n, 16, generator=torch.Generator().manual_seed(seed)), dim=-1)
