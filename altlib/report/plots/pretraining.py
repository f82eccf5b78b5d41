"""Plots of the pretraining of the miniature models (appendix on pretraining)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes

from altlib.report import figures

MODELS = ("clip", "gpt2", "clipcap")
FACTS = {"thing": "main thing", "companion": "other thing", "place": "place", "count": "number"}


def read_history(folder: Path) -> dict[str, pd.DataFrame]:
    """The measurements that each model's pretraining left in its folder, by stage, one row per measurement.

    Returns:
        Frames ``vision`` and ``contrastive`` (CLIP), ``text`` (GPT-2), and ``clipcap``.
    """
    lines = {model: (folder / model / "measurements.jsonl").read_text("utf-8").splitlines() for model in MODELS}
    measured = {model: pd.DataFrame([json.loads(line) for line in found]) for model, found in lines.items()}
    stages = {"vision": "clip", "contrastive": "clip", "text": "gpt2"}
    by_stage = {stage: measured[model][measured[model]["stage"] == stage] for stage, model in stages.items()}
    return by_stage | {"clipcap": measured["clipcap"]}


def draw_facts(axis: Axes, vision: pd.DataFrame) -> str:
    """Draw the share of pictures whose facts the vision tower names; returns the alt text."""
    axis.set(title="Vision tower: facts named rightly", xlabel="update", ylabel="pictures (%)", ylim=(0, 100))
    if vision.empty:
        return ""
    last = {}
    for number, (fact, label) in enumerate(FACTS.items()):
        axis.plot(vision["step"], 100 * vision[f"names_{fact}"], label=label, **figures.series(number))
        last[label] = 100 * vision[f"names_{fact}"].iloc[-1]
    axis.legend(fontsize=10)
    return "At the end, the vision tower names " + ", ".join(
        f"the {label} on {share:.0f}% of pictures" for label, share in last.items()
    )


def draw_retrieval(axis: Axes, contrastive: pd.DataFrame) -> str:
    """Draw how often CLIP ranks the own caption first; returns the alt text."""
    draw_line(
        axis,
        contrastive["step"],
        100 * contrastive["retrieval_256"],
        2,
        title="CLIP: own caption first of 256",
        xlabel="update",
        ylabel="pictures (%)",
        ylim=(0, 100),
    )
    return f"CLIP ranks the own caption first of 256 for {100 * contrastive['retrieval_256'].iloc[-1]:.0f}% of pictures"


def draw_preference(axis: Axes, contrastive: pd.DataFrame) -> str:
    """Draw how often CLIP prefers descriptions, and their share of its texts; returns the alt text."""
    preference, share = 100 * contrastive["preference"], 100 * contrastive["description_share"]
    axis.plot(contrastive["step"], preference, label="prefers the description", **figures.series(0))
    axis.plot(contrastive["step"], share, label="descriptions among the texts", **figures.series(1))
    axis.axhline(50, color="black", linewidth=1)
    axis.set(title="CLIP: descriptions", xlabel="update", ylabel="share (%)", ylim=(0, 100))
    axis.legend(fontsize=10)
    return (
        f"It prefers the description to the caption on {preference.iloc[-1]:.0f}% of pictures; {share.iloc[-1]:.1f}% of "
        "its texts were descriptions"
    )


def draw_line(axis: Axes, x: pd.Series, y: pd.Series, number: int, **labels: Any) -> None:
    """Draw a single line, with the titles and labels that ``Axes.set`` takes."""
    axis.plot(x, y, **figures.series(number) | {"linestyle": "-"})
    axis.set(**labels)


def pretraining_curves(history: dict[str, pd.DataFrame]) -> HTML:
    """How the pretraining of CLIP, GPT-2 and ClipCap's mapping network went, in six panels.

    Args:
        history: As from :func:`read_history`.
    """
    figure, axes = plt.subplots(3, 2, figsize=(11, 12))
    spoken = [
        draw_facts(axes[0, 0], history["vision"]),
        draw_retrieval(axes[0, 1], history["contrastive"]),
        draw_preference(axes[1, 0], history["contrastive"]),
    ]
    text, clipcap = history["text"], history["clipcap"]
    draw_line(
        axes[1, 1],
        text["tokens"] / 1e6,
        text["held_out_perplexity"],
        3,
        title="GPT-2: held-out perplexity",
        xlabel="tokens read (millions)",
        ylabel="perplexity",
    )
    spoken.append(f"GPT-2's held-out perplexity ends at {text['held_out_perplexity'].iloc[-1]:.1f}")
    draw_line(
        axes[2, 0],
        clipcap["pictures"] / 1e3,
        clipcap["held_out_loss"],
        4,
        title="ClipCap: held-out loss",
        xlabel="pictures seen (thousands)",
        ylabel="negative log-likelihood (nats per token)",
    )
    copied = 100 * text["names_later"]
    draw_line(
        axes[2, 1],
        text["tokens"] / 1e6,
        copied,
        5,
        title="GPT-2: copies a name of the post",
        xlabel="tokens read (millions)",
        ylabel="tokens (%)",
        ylim=(0, 100),
    )
    spoken.append(f"It predicts {copied.iloc[-1]:.0f}% of the tokens of a name that the post has told, after its first")
    spoken.append(f"ClipCap's held-out loss ends at {clipcap['held_out_loss'].iloc[-1]:.2f} nats per token")
    return figures.show(
        figure,
        f"Six line charts. {'. '.join(part for part in spoken if part)}.",
        "Pretraining of the three models.",
    )
