"""Captions without training: the nearest neighbour's, the post itself, and BLIP-2's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from .backbones import Clip, offline_hint
from .images import open_picture
from .progress import progress_bar

Similarity = Callable[[int, str], float]  # of a candidate with the post of picture i


def nearest_neighbours(queries: Tensor, corpus: Tensor, rows: Tensor | None = None, block: int = 8192) -> Tensor:
    """For each query the corpus row with the largest dot product, (n,) indices.

    ``queries`` (n, d), ``corpus`` (m, d) as unit vectors, of which ``rows`` are searched (all by
    default). ``block`` rows are in memory at a time, so the corpus may be a map of a file; the
    products of a block with all queries are computed 1,024 queries at a time. Ties go to the
    first row. Raises ``ValueError`` if there is nothing to search.
    """
    rows = torch.arange(len(corpus)) if rows is None else rows
    if not len(rows):
        raise ValueError("the nearest neighbour needs a training set; it is empty")
    best = torch.full((len(queries),), -torch.inf)
    found = torch.zeros(len(queries), dtype=torch.long)
    for chosen in rows.split(block):
        some = corpus[chosen].T
        for start in range(0, len(queries), 1024):
            part = slice(start, start + 1024)
            values, places = (queries[part] @ some).max(1)
            nearer = values > best[part]
            best[part] = torch.where(nearer, values, best[part])
            found[part] = torch.where(nearer, chosen[places], found[part])
    return found


def random_other(n: int, seed: int) -> list[int]:
    """For each of n rows the index of another one: the "Rand Text" pairing (section 5.1)."""
    if n < 2:
        raise ValueError("a random other post needs at least two posts")
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(n, generator=generator)
    other = torch.empty(n, dtype=torch.long)
    other[order] = order.roll(1)
    return other.tolist()


def rouge_similarity(posts: list[str]) -> Similarity:
    """ROUGE-L F1 of a candidate with the post of a picture, for :func:`altlib.decoding.rerank`."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    return lambda i, text: scorer.score(posts[i], text)["rougeL"].fmeasure


def bleu_similarity(posts: list[str]) -> Similarity:
    """Smoothed sentence BLEU@4 of a candidate with the post (add one to the n-gram counts above 1)."""
    import numpy as np

    from .metrics import bleu_statistics

    def similarity(i: int, text: str) -> float:
        def words(value: str) -> str:
            return " ".join(re.findall(r"\w+", value.lower())) or "-"

        row = bleu_statistics([words(text)], [words(posts[i])])[0]
        correct, guess = row[:4] + [0, 1, 1, 1], row[4:8] + [0, 1, 1, 1]
        if not correct[0]:
            return 0.0
        return float(np.exp(np.log(correct / guess).mean() + min(0.0, 1 - row[9] / max(row[8], 1))))

    return similarity


def clip_text_similarity(posts: list[str], candidates: list[list[str]], clip: Clip) -> Similarity:
    """Cosine of CLIP's text embeddings of candidate and post; all are embedded at once."""
    texts = sorted({*posts, *(c for options in candidates for c in options)})
    row = {text: i for i, text in enumerate(texts)}
    embeddings = clip.encode_texts(texts)
    return lambda i, text: float(embeddings[row[text]] @ embeddings[row[posts[i]]])


@torch.inference_mode()
def vision_language_captions(
    model: str, paths: list[str], device: str, beams: int = 5, max_tokens: int = 60, batch_size: int = 8
) -> list[str]:
    """Captions by BLIP-2 or any other image-text-to-text model of transformers.

    ``model`` is a hub name (the paper uses ``Salesforce/blip2-opt-2.7b``) or a folder. A model
    that holds conversations is asked for alt text (:data:`REQUEST`), others go on from nothing, as in
    the paper. Raises :class:`altlib.availability.BackboneError` if it can be neither found nor fetched.
    """
    from transformers import AutoModelForImageTextToText, AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(model)
        network: Any = AutoModelForImageTextToText.from_pretrained(model, use_safetensors=True)
        network.to(device).eval()
    except (OSError, ValueError) as error:
        raise offline_hint("image-to-text", model, error) from error
    prompt = request_to(processor)
    captions = []
    for start in progress_bar(range(0, len(paths), batch_size), desc=f"captions by {model}", unit=" batches"):
        pictures = [open_picture(p, longest=1024) for p in paths[start : start + batch_size]]
        asked = {"text": [prompt] * len(pictures), "padding": True} if prompt else {}
        inputs = processor(images=pictures, return_tensors="pt", **asked).to(device)
        out = network.generate(**inputs, num_beams=beams, no_repeat_ngram_size=3, max_new_tokens=max_tokens)
        if prompt:
            out = out[:, inputs["input_ids"].shape[1] :]
        captions += [c.strip() for c in processor.batch_decode(out, skip_special_tokens=True)]
    return captions


REQUEST = "Write alt text for this picture: one or two sentences that describe what it shows."


def request_to(processor: Any) -> str:
    """:data:`REQUEST` with a picture as a model's conversations have it; empty for a model that holds none."""
    if not getattr(processor, "chat_template", None):
        return ""
    processor.tokenizer.padding_side = "left"  # answers begin where the prompts end
    content = [{"type": "image"}, {"type": "text", "text": REQUEST}]
    return processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)


def stated_facts(systems: dict[str, list[str]], facts: list[str]) -> pd.DataFrame:
    """How often each system's texts state the facts of drawn pictures rightly (%); empty where no facts are known.

    ``facts`` is the JSON of each picture (:func:`altlib.miniworld.scene.scene_facts`). One row a
    system and one column a fact; ``place`` and ``quality`` are known from the post alone.
    """
    from .miniworld.judges import JUDGED, statements, true_facts

    known = [true_facts(value) for value in facts]
    if not any(known):
        return pd.DataFrame()
    rows = []
    for system, texts in systems.items():
        hits: dict[str, list[bool]] = {name: [] for name in (*JUDGED, "place", "quality")}
        for text, truth in zip(texts, known, strict=True):
            said = statements(text, truth)
            for name in said.asked:
                hits[name].append(name in said.right)
            for name in ("place", "quality"):
                if name in truth:
                    hits[name].append(truth[name].lower() in text.lower())
        rows.append({"system": system, **{n: 100 * sum(h) / len(h) for n, h in hits.items() if h}})
    return pd.DataFrame(rows)
