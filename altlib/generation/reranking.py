"""Choose among a picture's candidates the one that is most similar to its post (Twitter paper, section 3.3)."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from altlib.evaluation.caption_metrics import bleu_statistics
from altlib.generation.decoding import Candidate
from altlib.models.clip import Clip

Similarity = Callable[[int, str], float]  # of picture i's post with a candidate's text


def rouge_similarity(posts: list[str]) -> Similarity:
    """ROUGE-L F1 of a candidate with the post of a picture."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    return lambda i, text: scorer.score(posts[i], text)["rougeL"].fmeasure


def bleu_similarity(posts: list[str]) -> Similarity:
    """Smoothed sentence BLEU@4 of a candidate with the post of a picture; counts of 2- to 4-grams get one added."""

    def similarity(i: int, text: str) -> float:
        def words(value: str) -> str:
            return " ".join(re.findall(r"\w+", value.lower())) or "-"

        row = bleu_statistics([words(text)], [[words(posts[i])]])[0]
        correct, guess = row[:4] + [0, 1, 1, 1], row[4:8] + [0, 1, 1, 1]
        if not correct[0]:
            return 0.0
        return float(np.exp(np.log(correct / guess).mean() + min(0.0, 1 - row[9] / max(row[8], 1))))

    return similarity


def clip_text_similarity(posts: list[str], candidates: list[list[str]], clip: Clip) -> Similarity:
    """Cosine of CLIP's text embeddings of a candidate and the post of a picture.

    Args:
        posts: One per picture.
        candidates: Those of each picture; all texts are embedded at once.
        clip: The model.
    """
    texts = sorted({*posts, *(c for options in candidates for c in options)})
    row = {text: i for i, text in enumerate(texts)}
    embeddings = clip.encode_texts(texts)
    return lambda i, text: float(embeddings[row[text]] @ embeddings[row[posts[i]]])


def rerank(candidates: list[list[Candidate]], similarity: Similarity) -> list[str]:
    """For each picture the candidate that is most similar to its post; ties go to the likelier one (section 3.3).

    Args:
        candidates: Those of each picture, best first.
        similarity: Of a candidate with the post of a picture.
    """
    chosen = []
    for i, options in enumerate(candidates):
        ranked = sorted(range(len(options)), key=lambda j: (-similarity(i, options[j].text), j))
        chosen.append(options[ranked[0]].text if ranked else "")
    return chosen
