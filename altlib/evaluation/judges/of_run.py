"""The judges that a run has: its CLIPs, the facts of drawn pictures, a language model if an endpoint is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from altlib.core.files import read_json
from altlib.evaluation.judges.clip import clip_judge, description_judge
from altlib.evaluation.judges.facts import FactsJudge
from altlib.evaluation.judges.interface import EQUAL, FIRST, SECOND, Judge, JudgedText, ScoreJudge
from altlib.evaluation.judges.language_model import LanguageModelJudge, read_rating_prompt
from altlib.evaluation.second_captions import open_tuned
from altlib.miniworld.network import network
from altlib.miniworld.same_facts import SameFacts, same_facts
from altlib.models.clip import load_clip
from altlib.models.endpoint import Endpoint


def longer_text(texts: Sequence[JudgedText]) -> np.ndarray:
    """The number of characters, a baseline that any judge should beat, (n,)."""
    return np.array([len(t.text) for t in texts], dtype=float)


def judges_of_run(run: Path, facts: bool, language_model: Judge | None = None) -> list[Judge]:
    """The judges of a run.

    Args:
        run: Its folder.
        facts: Whether the facts of the pictures are known.
        language_model: One that judges as well.
    """
    base, tuned = open_tuned(run)
    cache = run / "features"
    judges: list[Judge] = [FactsJudge()] if facts else []
    judges += [clip_judge(base, cache), description_judge(tuned, base, cache), ScoreJudge("longer text", longer_text)]
    return [*judges, language_model] if language_model else judges


def language_model_judge(
    url: str,
    model: str,
    key_variable: str,
    dollars: tuple[float, float],
    prompt: str,
    cache: Path,
    limits: tuple[int, int] = (32, 0),
) -> LanguageModelJudge | None:
    """A language model as judge; None without an address.

    Args:
        url: Base address of the endpoint.
        model: The model's name there.
        key_variable: Environment variable with the key.
        dollars: Price of a million tokens that are read, and of a million that are written.
        prompt: Path of a prompt file; empty for the blog's prompt.
        cache: SQLite file of answers and costs.
        limits: Most requests in flight, and most requests begun in a minute; 0 sets no limit to the latter.
    """
    if not url:
        return None
    endpoint = Endpoint(url, model, key_variable, *dollars, at_once=limits[0], per_minute=limits[1])
    return LanguageModelJudge(model, endpoint, cache, read_rating_prompt(prompt))


def judged_texts(posts: pd.DataFrame, texts: Sequence[str]) -> list[JudgedText]:
    """Texts with all that is known of their pictures.

    Args:
        posts: n pictures with the columns image, text, alt_text and facts.
        texts: n texts.
    """
    return [
        JudgedText(text, str(p.image), str(p.text), str(p.alt_text), str(p.facts))
        for p, text in zip(posts.itertuples(), texts, strict=True)
    ]


def people_verdicts(named: pd.DataFrame, key: pd.DataFrame, question: str) -> np.ndarray:
    """What the raters of each comparison prefer by one question; equal if no answer has the majority of votes.

    Args:
        named: From :func:`altlib.evaluation.study.analysis.named_answers`.
        key: Of n comparisons.
        question: Its key.

    Returns:
        first, second, equal, or empty where nobody was asked, (n,).
    """
    votes = named[named["question"] == question].groupby("item_id")["answer"].value_counts().unstack(fill_value=0)
    counts = votes.reindex(index=key["item_id"], columns=[FIRST, SECOND, EQUAL]).fillna(0).to_numpy()
    winner = np.array([FIRST, SECOND, EQUAL])[counts.argmax(1)]
    unique = (counts == counts.max(1, keepdims=True)).sum(1) == 1
    return np.where(counts.sum(1) == 0, "", np.where(unique, winner, EQUAL)).astype(object)


def texts_of_key(key: pd.DataFrame, posts: pd.DataFrame) -> tuple[list[JudgedText], list[JudgedText]]:
    """Both texts of each comparison, with all that is known of their pictures.

    Args:
        key: Of the comparisons.
        posts: Their pictures, with the columns item_id, image, text, alt_text and facts.
    """
    rows = posts.assign(item_id=posts["item_id"].astype(str)).set_index("item_id").loc[key["source_item"]]
    return judged_texts(rows, key["first_text"].tolist()), judged_texts(rows, key["second_text"].tolist())


def facts_verdicts(first: Sequence[JudgedText], second: Sequence[JudgedText]) -> np.ndarray:
    """Which of two texts the facts of their picture prefer, (n,); empty where the facts are not known.

    Returns nothing at all, (0,), if no picture has facts.
    """
    found = FactsJudge().compare(first, second).preferred
    return found if (found != "").any() else found[:0]


def same_facts_texts(posts: pd.DataFrame, seed: int, stories: int) -> tuple[list[JudgedText], list[JudgedText]]:
    """Pictures of the miniature world, each described with the same facts by a formal and by an informal writer.

    Args:
        posts: As the source gives them.
        seed: Of the network that they come from.
        stories: How many posts of the network they are.
    """
    images = dict(zip(posts["item_id"], posts["image"], strict=True))
    found = same_facts((p for p in network(seed, stories) if p.item_id in images and p.language == "en"), seed)

    def judged(pair: SameFacts, text: str) -> JudgedText:
        post = pair.post
        return JudgedText(text, images[post.item_id], post.text, post.alt_text, post.facts)

    return [judged(pair, pair.formal) for pair in found], [judged(pair, pair.informal) for pair in found]


def plain_judge(facts: bool, run: Path, device: str = "cpu") -> Judge:
    """A judge that needs no endpoint: the facts where they are known, otherwise CLIPScore.

    Args:
        facts: Whether the facts of the pictures are known.
        run: The run's folder.
        device: Where CLIP computes.
    """
    if facts:
        return FactsJudge()
    config = read_json(run / "captioners" / "text-image" / "captioner.json")
    return clip_judge(load_clip(config["clip_name"], config["clip_pretrained"], device), run / "features")
