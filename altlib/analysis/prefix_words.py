"""What the words near a prefix say of its picture: tables and sentences for :mod:`altlib.analysis.deembedding` (chapter 04)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from altlib.analysis.deembedding import NearestTokens, content_words
from altlib.analysis.position_use import needed_positions
from altlib.core.estimates import Estimate
from altlib.core.measured import Results, of_estimate

AMONG_WORDS = 1.5  # a prefix vector lies among the words up to this many times the tokens' own distance

ABOUT_THE_PICTURE = ("form", "coloured")  # facts whose values are no words for what is shown

Rates = Mapping[str, np.ndarray]  # as from altlib.analysis.deembedding.naming_rates


def nearest_words(nearest: NearestTokens, vocabulary: Sequence[str], picture: int) -> str:
    """The nearest word of each prefix position of a picture, in order, as text."""
    return " · ".join(vocabulary[position[0]] for position in nearest.ids[picture].tolist())


def picture_words(alt_text: str, facts: str) -> set[str]:
    """Content words of a picture's alt text and, where they are known, of the facts that it shows and of its name.

    Args:
        alt_text: The alt text.
        facts: The picture's facts as JSON (:func:`altlib.miniworld.scene.scene_facts`), or an empty text.
    """
    shown = [
        fact["value"]
        for fact in json.loads(facts or "[]")
        if (fact["visible"] and fact["fact"] not in ABOUT_THE_PICTURE) or fact["fact"] == "name"
    ]
    return content_words(" ".join([alt_text, *shown]))


def above_chance(rate: Rates) -> int:
    """At how many prefix positions the rate lies above the 95% range of chance."""
    return int((rate["observed"] > rate["chance_high"]).sum())


def naming_table(rates: Mapping[str, Rates]) -> pd.DataFrame:
    """How often prefix positions name their picture, against chance, one row per similarity."""
    rows = []
    for measure, rate in rates.items():
        own, chance = float(rate["observed"].mean()), float(rate["chance"].mean())
        rows.append(
            {
                "similarity": measure,
                "own picture (%)": 100 * own,
                "chance (%)": 100 * chance,
                "ratio": own / chance if chance else float("nan"),
                "positions above chance": f"{above_chance(rate)} of {len(rate['observed'])}",
            }
        )
    return pd.DataFrame(rows)


def naming_verdicts(rates: Mapping[str, Rates]) -> list[str]:
    """Whether prefix vectors lie near words for their picture more often than chance, one sentence per similarity."""
    said = []
    for measure, rate in rates.items():
        above, positions = above_chance(rate), len(rate["observed"])
        holds = "holds" if above > positions / 2 else "does not hold at most positions"
        said.append(
            f"By {measure}, prefix vectors lie near words for their picture more often than chance at {above} of {positions} "
            f"positions: the finding {holds} in this run."
        )
    return said


def cloud_verdict(distances: Mapping[str, np.ndarray]) -> str:
    """Whether prefix vectors lie among the words, as a sentence.

    Args:
        distances: As from :func:`altlib.analysis.deembedding.cloud_distances`.
    """
    ratio = float(np.median(distances["prefix"])) / float(np.median(distances["tokens"]))
    where = (
        "it lies among the words"
        if ratio < AMONG_WORDS
        else "it lies outside the cloud of words, though its direction may still point to some"
    )
    return f"The median prefix vector is {ratio:.1f} times as far from its nearest token as tokens are from each other: {where}."


def position_table(distances: Mapping[str, np.ndarray], rate: Rates, rises: Sequence[Estimate]) -> pd.DataFrame:
    """Median distance, norm, naming rate, and how much each position is needed, one row per position.

    Args:
        distances: As from :func:`altlib.analysis.deembedding.cloud_distances`.
        rate: The naming rates by cosine.
        rises: Of the loss without each position, from :func:`altlib.analysis.position_use.position_rises`.
    """
    return pd.DataFrame(
        {
            "position": np.arange(1, len(rate["observed"]) + 1),
            "distance to the nearest token": np.median(distances["prefix"], 0),
            "norm": np.median(distances["prefix_norm"], 0),
            "names the picture, cosine (%)": 100 * rate["observed"],
            "chance (%)": 100 * rate["chance"],
            "loss rises without it (nats per token) [95%]": [rise.text(3) for rise in rises],
        }
    )


def need_verdict(rises: Sequence[Estimate], all_rise: Estimate, rate: Rates) -> str:
    """Whether the positions that the captioner needs are those that name the picture, as a sentence.

    Args:
        rises: Of the loss without each position.
        all_rise: Of the loss without the prefix.
        rate: The naming rates by cosine.
    """
    needed = needed_positions(rises)
    naming = [position for position in needed if rate["observed"][position] > rate["chance_high"][position]]
    alone = sum(rise.value for rise in rises)
    return (
        f"Without the whole prefix the loss rises by {all_rise.text(3)} nats per token, without single positions by "
        f"{alone:.3f} in all. It clearly rises without {len(needed)} of {len(rises)} positions; {len(naming)} of these "
        f"name their picture above chance, so {len(needed) - len(naming)} carry what no single near word says."
    )


def naming_measures(rates: Mapping[str, Rates]) -> Results:
    """By how much prefix positions name their picture more often than another one, in percent, for the living index."""
    return {
        (f"prefix positions, {similarity}", "names the picture, minus chance (%)"): of_estimate(
            Estimate(100 * float(rate["lead"].mean()), 100 * rate["lead"]), "random pairings", len(rate["lead"])
        )
        for similarity, rate in rates.items()
    }
