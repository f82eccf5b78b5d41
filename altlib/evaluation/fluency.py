"""How a text reads, whatever it says: a frozen language model's perplexity, repetition and length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F


@torch.inference_mode()
def token_log_likelihoods(texts: Sequence[str], tokenizer: Any, model: Any, batch_size: int = 64) -> np.ndarray:
    """log p of each text by a language model, after the end of text and with the end, and its tokens.

    Args:
        texts: n texts.
        tokenizer: The model's.
        model: A causal language model that nothing here has trained.
        batch_size: Texts at a time.

    Returns:
        (n, 2): nats, and tokens with the end.
    """
    end = int(tokenizer.eos_token_id)
    limit = getattr(model.config, "max_position_embeddings", None) or 10**9
    rows = [[end, *tokenizer(text, add_special_tokens=False).input_ids[: limit - 2], end] for text in texts]
    found = np.zeros((len(rows), 2))
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        longest = max(len(rows[i]) for i in chosen)
        ids = torch.tensor([rows[i] + [end] * (longest - len(rows[i])) for i in chosen], device=model.device)
        logits = model(input_ids=ids[:, :-1]).logits.float()
        said = -F.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none").cpu().double().numpy()
        for row, i in zip(said, chosen, strict=True):
            count = len(rows[i]) - 1
            found[i] = row[:count].sum(), count
    return found


def perplexity(texts: Sequence[str], tokenizer: Any, model: Any) -> float:
    """Perplexity of texts by a frozen language model; every token counts alike.

    Raises:
        ValueError: There is no text.
    """
    if not len(texts):
        raise ValueError("there is no text whose perplexity could be taken")
    nats, tokens = token_log_likelihoods(texts, tokenizer, model).sum(0)
    return float(np.exp(-nats / tokens))


def repeated_share(text: str) -> float:
    """Share of a text's word pairs that have occurred in it before; 0 for a text of fewer than two words."""
    words = text.lower().split()
    pairs = list(pairwise(words))
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0
