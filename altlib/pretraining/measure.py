"""The numbers on the model cards: how good the miniature models are on held-out pictures and texts."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from torch import Tensor

from altlib.core.statistics import proportion_interval
from altlib.evaluation.transfer import base_encoder, evaluate_tasks, label_tokens, miniworld_tasks
from altlib.generation.decoding import Decoding, best_texts, decode
from altlib.miniworld.stated_facts import stated_facts
from altlib.models.clip import Clip
from altlib.pretraining.clip import description_preference, retrieval_accuracy
from altlib.pretraining.clipcap import build_captioner_on
from altlib.pretraining.language import names_copied, packed_rows, perplexity
from altlib.pretraining.world import HELD_OUT_SEED, drawn_features, first_pictures, text_documents

PER_CLASS = 8  # pictures of each class of a transfer task; half of them report


def transfer_scores(clip: Clip) -> dict[str, dict[str, float]]:
    """Macro-F1 of naming classes without training, on the transfer tasks of the miniature world.

    Args:
        clip: The miniature CLIP.

    Returns:
        By name of the task: ``f1`` from 0 to 1, and the number of ``classes``.
    """
    with TemporaryDirectory() as folder:
        tasks = miniworld_tasks(clip, Path(folder), PER_CLASS)
        tokens = {task.name: label_tokens(task, clip) for task in tasks}
        scores = evaluate_tasks(tasks, tokens, base_encoder(clip), reporting=True)
    return {task.name: {"f1": scores[task.name], "classes": len(task.labels)} for task in tasks}


def measure(
    clip: Clip, tokenizer: Any, language_model: Any, mapping: dict[str, Tensor], pictures: int
) -> dict[str, Any]:
    """The model cards' numbers on held-out pictures and texts.

    Args:
        clip: The miniature CLIP.
        tokenizer: Of the language model.
        language_model: The miniature GPT-2.
        mapping: Weights of ClipCap's mapping network (:func:`altlib.models.clipcap.read_clipcap`).
        pictures: How many held-out pictures.

    Returns:
        By name: preference, retrieval, transfer, perplexity, copying, and facts stated.
    """
    held_out = first_pictures(HELD_OUT_SEED, pictures)
    retrieved = held_out[:256]
    rows = packed_rows(tokenizer, text_documents(200, HELD_OUT_SEED), 192)
    captioner = build_captioner_on(clip, tokenizer, language_model, 0).eval()
    assert captioner.mapper is not None
    captioner.mapper.load_state_dict(mapping)
    texts = best_texts(
        decode(captioner, drawn_features(clip.model, held_out), [""] * len(held_out), Decoding(beams=1, max_tokens=60))
    )
    stated = stated_facts({"ClipCap": texts}, [p.facts for p in held_out]).drop(columns="system")
    return {
        "pictures": pictures,
        "description_preference": description_preference(clip.model, clip.tokenize, held_out),
        "retrieval_256": retrieval_accuracy(clip.model, clip.tokenize, retrieved),
        "retrieval_pictures": len(retrieved),
        "transfer": transfer_scores(clip),
        "perplexity": perplexity(language_model, rows),
        "names_copied": names_copied(language_model, tokenizer),
        "clipcap_states": {fact: float(share) for fact, share in stated.iloc[0].items()},
    }


def as_table(measured: dict[str, Any]) -> pd.DataFrame:
    """The numbers of :func:`measure`, with 95% intervals where they are shares of pictures."""

    def share(what: str, value: float, pictures: int) -> tuple[str, float, float | None, float | None]:
        low, high = proportion_interval(round(value * pictures), pictures)
        return what, 100 * value, 100 * low, 100 * high

    retrieved, names = measured["retrieval_pictures"], measured["names_copied"]
    rows: list[tuple[str, float, float | None, float | None]] = [
        share(
            "CLIP prefers the description to the caption (%)", measured["description_preference"], measured["pictures"]
        ),
        share(f"CLIP ranks the own caption first of {retrieved} (%)", measured["retrieval_256"], retrieved),
        *(
            (
                f"CLIP's zero-shot macro-F1: {task.lower()}, {score['classes']} classes (%)",
                100 * score["f1"],
                None,
                None,
            )
            for task, score in measured["transfer"].items()
        ),
        ("GPT-2's perplexity on unseen accounts, threads, captions and alt text", measured["perplexity"], None, None),
        ("GPT-2 says a name of the post where an account does (% of first tokens)", 100 * names["first"], None, None),
        ("GPT-2 goes on copying the name (% of later tokens)", 100 * names["later"], None, None),
        *(
            (f"frozen ClipCap states the {fact} rightly (%, greedy)", value, None, None)
            for fact, value in measured["clipcap_states"].items()
        ),
    ]
    return pd.DataFrame(rows, columns=["what", "value", "95% low", "95% high"])
