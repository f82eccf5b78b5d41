"""How well poor alt text is flagged: average precision against the best simple rule, over worlds drawn anew.

The models are those of one finished run; every seed draws other posts. The ways of combining the
signals were compared on the seeds 100 to 104 alone (``--seeds 100-104 --ways``); the default seeds
measure the way that was chosen there.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from altlib.data.sources import registry
from altlib.evaluation import flagging
from altlib.evaluation.flagging_models import run_flagger
from altlib.evaluation.poor_alt_text import RULES
from altlib.miniworld.planted import planted
from altlib.runs.seeds import parse_seeds

APART = 5_000_011  # between the seed of a run and that of new posts, as in chapter 05
NOTES = [rule.name for rule in RULES if rule.level == "note"]
NAMES = [rule.name for rule in RULES]


def fisher(p: pd.DataFrame, without=()) -> np.ndarray:
    """Minus the sum of the logarithms of the p-values."""
    return -np.log(p.drop(columns=list(without), errors="ignore").to_numpy(float)).sum(axis=1)


def one_rule(p: pd.DataFrame) -> pd.DataFrame:
    """The rules as one signal: the smallest p-value of any of them."""
    rules = [name for name in NAMES if name in p and name not in NOTES]
    return p.drop(columns=[name for name in NAMES if name in p]).assign(rules=p[rules].min(axis=1))


def stouffer(p: pd.DataFrame) -> np.ndarray:
    """The sum of the p-values' normal quantiles."""
    return -stats.norm.ppf(np.clip(one_rule(p).to_numpy(float), 1e-6, 1 - 1e-6)).sum(axis=1)


WAYS = {
    "Fisher, everything": fisher,
    "Fisher, no rules of form": lambda p: fisher(p, NOTES),
    "Fisher, no likelihood": lambda p: fisher(p, [flagging.LIKELIHOOD]),
    "Fisher, no rules of form, no likelihood": lambda p: fisher(p, [*NOTES, flagging.LIKELIHOOD]),
    "Fisher, no rules of form, no lift": lambda p: fisher(p, [*NOTES, flagging.LIFT]),
    "Fisher, rules as one signal": lambda p: fisher(one_rule(p)),
    "Fisher, rules as one signal, no likelihood": lambda p: fisher(one_rule(p), [flagging.LIKELIHOOD]),
    "Stouffer, rules as one signal": stouffer,
    "smallest p-value": lambda p: -p.drop(columns=NOTES, errors="ignore").min(axis=1).to_numpy(float),
    "CLIP that prefers descriptions and rules": lambda p: fisher(p, [*NOTES, flagging.LIKELIHOOD, flagging.LIFT]),
}


def measured(flagger, seed: int, posts: int, ways: bool) -> dict[str, float]:
    """Average precisions on the posts of one seed."""
    with tempfile.TemporaryDirectory() as folder:
        new, _ = registry.collect("miniworld", Path(folder), posts=posts, seed=seed + APART)
        texts = planted(new)
        p_values = flagger.p_values(texts)
    poor = (texts["poor"] != "").to_numpy()
    scores = flagging.detectors(p_values)
    found = {name: flagging.average_precision(poor, score) for name, score in scores.items()}
    rules = {name: found[name] for name in NAMES if name in found}
    best = max(rules, key=lambda name: rules[name])
    kept = {"best single rule": rules[best]} | {n: v for n, v in found.items() if n not in NAMES}
    kept |= {name: flagging.average_precision(poor, way(p_values)) for name, way in WAYS.items()} if ways else {}
    together = {name: kept[name] for name in (WAYS if ways else [flagging.ALL])}
    print(
        f"seed {seed}: {poor.sum()} of {len(poor)} texts are poor; best single rule “{best}” {rules[best]:.2f}; "
        f"{flagging.ALL} {found[flagging.ALL]:.2f}"
    )
    return kept | {f"{name}, times the best single rule": value / rules[best] for name, value in together.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/workshop"), help="a finished run of the miniature world")
    parser.add_argument("--seeds", default="0-4")
    parser.add_argument("--posts", type=int, default=500, help="stories of a seed")
    parser.add_argument("--ways", action="store_true", help="compare the ways of combining the signals")
    options = parser.parse_args()
    if not (options.run / "captioners" / "text-image").is_dir():
        print(f"{options.run} is no finished run: make it by `make book`, or name another by --run")
        return
    flagger = run_flagger(options.run)
    rows = pd.DataFrame([measured(flagger, seed, options.posts, options.ways) for seed in parse_seeds(options.seeds)])
    half = stats.t.ppf(0.975, max(1, len(rows) - 1)) * rows.std(ddof=1) / np.sqrt(len(rows))
    for name in rows:
        print(
            f"{name}: {rows[name].mean():.2f} [{rows[name].mean() - half[name]:.2f}, {rows[name].mean() + half[name]:.2f}]"
        )


if __name__ == "__main__":
    main()
