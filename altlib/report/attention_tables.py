"""Whether models look at the picture and read the post, as a table that stands in every chapter that trains."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from altlib.evaluation.attention_to_inputs import SwappedInputs

SWAPPED = ("picture", "post", "both")


def attention_table(models: Mapping[str, SwappedInputs]) -> pd.DataFrame:
    """The loss of the alt texts beside their own inputs, and what other examples' inputs cost, one row per model.

    Intervals are 95%, over pictures.

    Args:
        models: Name of each model -> its likelihoods.
    """
    rows = []
    for name, found in models.items():
        row = {"model": name, "own inputs (nats per token)": found.loss("nothing").text()}
        row |= {f"{what} swapped": found.cost(what).text(sign="+") for what in SWAPPED}
        own = found.prefers_own("picture")
        row["own picture likelier (%)"] = (
            f"{100 * own.value:.0f} [{100 * own.interval[0]:.0f}, {100 * own.interval[1]:.0f}]"
        )
        rows.append(row)
    return pd.DataFrame(rows)


def sentence_start(name: str) -> str:
    """A name as a sentence begins with it."""
    return name[:1].upper() + name[1:]


def attention_verdicts(models: Mapping[str, SwappedInputs]) -> list[str]:
    """A sentence per model: which of its inputs it uses."""
    said = []
    for name, found in models.items():
        uses = {what: found.cost(what).interval[0] > 0 for what in ("picture", "post")}
        words = [f"{'uses' if used else 'does not measurably use'} the {what}" for what, used in uses.items()]
        costs = ", ".join(f"{what} {found.cost(what).value:+.2f}" for what in uses)
        said.append(f"{sentence_start(name)} {' and '.join(words)} (nats per token when swapped: {costs}).")
    return said


def looks_more(models: Mapping[str, SwappedInputs], one: str, other: str) -> str:
    """Whether a model loses more than another when the picture is swapped, with the paired interval."""
    difference = models[one].cost("picture") - models[other].cost("picture")
    low, high = difference.interval
    outcome = "more than" if low > 0 else "less than" if high < 0 else "neither more nor less than"
    return (
        f"{sentence_start(one)} looks at the picture {outcome} {other}: swapping it costs {difference.value:+.3f} nats per token "
        f"[{low:.3f}, {high:.3f}] in comparison."
    )
