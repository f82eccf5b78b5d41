"""What attributions through and around the subspace say, over several models and seeds (CLIP paper, section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from torch import Tensor

from altlib.analysis.attribution import Attribution, WordAttribution, attributed_words, mediated_attributions
from altlib.analysis.norms import norm_correlation, norm_of
from altlib.core.errors import CorpusError
from altlib.core.progress import progress_bar
from altlib.core.statistics import plus_minus, seed_interval
from altlib.models.clip import Clip
from altlib.models.description_clip import load_tuned, settings_of
from altlib.models.interventions import PATHS
from altlib.models.text_tower import TextTower

# By training and seed: the attributions by path of the same texts, captions first and then their descriptions.
Found = Mapping[tuple[str, int], dict[str, Attribution]]
# By training, seed and path: the words of each text with their attributions.
Words = Mapping[tuple[str, int, str], list[list[WordAttribution]]]


def choose_pairs(posts: pd.DataFrame, norms: dict[str, pd.Series], count: int, seed: int) -> pd.DataFrame:
    """Random test pictures whose caption and description have a word with a rating in every collection.

    Args:
        posts: The corpus.
        norms: Ratings by word, by name of the collection.
        count: At most so many.
        seed: Of the sample.

    Raises:
        CorpusError: There is none.
    """

    def rated(text: str) -> bool:
        return all(any(norm_of(word, ratings) is not None for word in text.split()) for ratings in norms.values())

    test = posts[(posts["split"] == "test") & (posts["caption"] != "") & (posts["alt_text"] != "")]
    usable = test[test["caption"].map(rated) & test["alt_text"].map(rated)].reset_index(drop=True)
    if not len(usable):
        raise CorpusError(
            "no test picture has a caption and a description with rated words; lower the demands or use more posts"
        )
    return usable.sample(min(count, len(usable)), random_state=seed).sort_index().reset_index(drop=True)


def attribute_runs(
    folder: Path, names: Sequence[str], tuning: str, base: Clip, tokens: Tensor, images: Tensor, steps: int
) -> dict[tuple[str, int], dict[str, Attribution]]:
    """Attributions with the base model and with every fine-tuned one.

    They pass the subspace of the IIT-DAS model of the same seed, because the base and the behavioural
    model have learned no subspace of their own.

    Args:
        folder: Holds chapter 06's runs.
        names: Which of them to use.
        tuning: ``full`` or ``lora``.
        base: The pretrained model.
        tokens: Token ids, (n, context).
        images: Unit vectors, (n, width).
        steps: Points of the integral.

    Raises:
        ValueError: There is no IIT-DAS model.
    """
    tuned = {
        (s.objective, s.seed): folder / name for name in names if (s := settings_of(folder / name)).tuning == tuning
    }
    seeds = sorted(seed for objective, seed in tuned if objective == "iit-das")
    if not seeds:
        raise ValueError(
            f"chapter 06 trained no IIT-DAS model with {tuning} fine-tuning; set its objectives and tunings"
        )
    padding = int(base.tokenize([""])[0, -1])
    found: dict[tuple[str, int], dict[str, Attribution]] = {}
    with progress_bar(total=(1 + 5 * len(seeds)) * len(tokens), desc="attributions", unit=" texts") as bar:
        for seed in seeds:
            iit, _ = load_tuned(tuned["iit-das", seed], base)
            assert iit.subspace is not None
            towers = {"base": TextTower(base.model)}
            if behavioural := tuned.get(("behavioural", seed)):
                towers["behavioural"] = load_tuned(behavioural, base)[0].tower
            towers["iit-das"] = iit.tower
            for training, tower in towers.items():
                known = found[training, seeds[0]]["none"] if training == "base" and seed != seeds[0] else None
                found[training, seed] = mediated_attributions(
                    tower, tokens, images, padding, iit.site, iit.subspace, steps, whole=known, progress=bar.update
                )
    return found


def trainings_of(found: Found) -> list[str]:
    """The trainings, each once, in order."""
    return list(dict.fromkeys(training for training, _ in found))


def completeness(found: Found) -> pd.DataFrame:
    """By how much attributions of all paths miss the score difference (%), one row per training.

    Returns:
        The error of all texts together (the sum of their errors by that of their differences), of the
        median text, and of the worst of twenty.
    """
    rows = []
    for training in trainings_of(found):
        whole = [by_path["none"] for (name, _), by_path in found.items() if name == training]
        errors = np.concatenate([a.completeness_error().numpy() for a in whole])
        missed = sum(float((a.values.sum(1) - a.difference).abs().sum()) for a in whole)
        rows.append(
            {
                "training": training,
                "error of all texts together (%)": 100 * missed / sum(float(a.difference.abs().sum()) for a in whole),
                "median text (%)": 100 * np.median(errors),
                "worst of 20 (%)": 100 * np.quantile(errors, 0.95),
            }
        )
    return pd.DataFrame(rows)


def all_words(found: Found, tokenizer: Any) -> dict[tuple[str, int, str], list[list[WordAttribution]]]:
    """The words of every text with their attributions."""
    return {
        (training, seed, path): [attributed_words(a, tokenizer, row) for row in range(len(a.tokens))]
        for (training, seed), by_path in found.items()
        for path, a in by_path.items()
    }


def norm_correlations(words: Words, norms: dict[str, pd.Series]) -> pd.DataFrame:
    """Pearson's r of attributions and ratings of words, one row per training, seed, path and collection of ratings."""
    rows = []
    for (training, seed, path), texts in words.items():
        flat = [word for text in texts for word in text]
        for name, ratings in norms.items():
            key = {"training": training, "seed": seed, "path": path, "norm": name}
            rows.append(key | norm_correlation(flat, ratings))
    return pd.DataFrame(rows)


def correlations_of(correlation: pd.DataFrame, training: str, path: str, norm: str) -> list[float]:
    """The correlations of one training, path and collection of ratings, one per seed."""
    chosen = (correlation["training"] == training) & (correlation["path"] == path) & (correlation["norm"] == norm)
    return correlation[chosen]["r"].tolist()


def beside_paper(correlation: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """Correlations over seeds beside those of the paper's Figure 2a, one row per training and path."""
    rows = []
    for training in correlation["training"].unique():
        label = "none" if training == "base" else training
        for path in PATHS:
            published = paper[(paper["training"] == label) & (paper["path"] == path)]
            ours = {
                n: plus_minus(correlations_of(correlation, training, path, n)) for n in correlation["norm"].unique()
            }
            theirs = {
                f"paper: {n}": str(published[n].iloc[0]) if len(published) else "–"
                for n in ("concreteness", "imageability")
            }
            rows.append({"training": label, "path": path} | ours | theirs)
    return pd.DataFrame(rows)


def compare_paths(correlation: pd.DataFrame) -> list[dict[str, Any]]:
    """Correlation through the subspace minus around it, paired over seeds.

    Returns:
        For each training and collection of ratings the mean, its 95% interval, and the p of a paired t-test.
    """
    rows = []
    for training in correlation["training"].unique():
        for norm in correlation["norm"].unique():
            through, around = (np.array(correlations_of(correlation, training, p, norm)) for p in ("through", "around"))
            difference = (through - around)[~np.isnan(through - around)]
            mean, half = seed_interval(difference.tolist())
            rows.append(
                {
                    "training": training,
                    "norm": norm,
                    "through minus around": mean,
                    "95% low": mean - half,
                    "95% high": mean + half,
                    "p (paired t)": float(stats.ttest_rel(through, around).pvalue)
                    if len(difference) > 1
                    else float("nan"),
                    "seeds": len(difference),
                }
            )
    return rows


def verdict(test: Mapping[str, Any]) -> str:
    """How a row of :func:`compare_paths` agrees with the paper.

    In the paper the correlation is higher through the subspace with IIT-DAS, and does not differ without.
    """
    low, high = test["95% low"], test["95% high"]
    if test["training"] == "base":
        return "the paper has no such row"
    if not np.isfinite(low):
        return "one seed gives no interval"
    if test["training"] != "iit-das":
        return "unlike the paper" if low > 0 or high < 0 else "as in the paper"
    return "as in the paper" if low > 0 else "the other way round than in the paper" if high < 0 else "unlike the paper"


def path_verdicts(tests: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each row of :func:`compare_paths` says, and how it agrees with the paper, as sentences."""
    sentences = []
    for test in tests:
        low, high = test["95% low"], test["95% high"]
        sentences.append(
            f"{test['training']}, {test['norm']}: through minus around is {test['through minus around']:+.2f} "
            f"[{low:+.2f}, {high:+.2f}]; the interval {'excludes' if low > 0 or high < 0 else 'includes'} 0: "
            f"{verdict(test)}."
        )
    return sentences


def heard_words(words: Words, times: int = 3, count: int = 10) -> pd.DataFrame:
    """The words that raise and lower the score of IIT-DAS most through the subspace, by their mean attribution (x1000).

    Args:
        words: Of all trainings and seeds; those of all seeds are taken together.
        times: A word must occur at least so often in the texts.
        count: At most so many words on each side.
    """
    runs = [texts for (training, _, path), texts in words.items() if (training, path) == ("iit-das", "through")]
    values: dict[str, list[float]] = {}
    for w in (w for texts in runs for text in texts for w in text if w.word[0].isalpha()):
        values.setdefault(w.word.lower(), []).append(1000 * w.value)
    frequent = {word: float(np.mean(v)) for word, v in sorted(values.items()) if len(v) >= times * len(runs)}
    ordered = pd.Series(frequent, dtype=float).sort_values(kind="stable")
    raising, lowering = ordered[ordered > 0].tail(count)[::-1], ordered[ordered < 0].head(count)
    rows = [
        {
            "the subspace": label,
            f"words that occur at least {times} times (mean attribution through the subspace, cosine x1000)": ", ".join(
                f"{word} ({value:+.1f})" for word, value in part.items()
            )
            or "none",
        }
        for label, part in (("raises most", raising), ("lowers most", lowering))
    ]
    return pd.DataFrame(rows)


def shares_through(found: Found) -> pd.DataFrame:
    """What passes the subspace, one row per training and seed.

    Returns:
        The share of the attributions' absolute values, and by how much the attributions of a
        description exceed those of a caption on each path.
    """

    def excess(a: Attribution) -> float:
        captions, descriptions = a.values.sum(1).chunk(2)
        return float(descriptions.mean() - captions.mean())

    rows = []
    for (training, seed), by_path in found.items():
        through, around = (float(by_path[path].values.abs().sum()) for path in ("through", "around"))
        rows.append(
            {
                "training": training,
                "seed": seed,
                "through (% of all)": 100 * through / (through + around),
                "descriptions minus captions, through": excess(by_path["through"]),
                "descriptions minus captions, around": excess(by_path["around"]),
            }
        )
    return pd.DataFrame(rows)


def most_names_first(names: Sequence[set[str]]) -> list[int]:
    """The numbers of the texts, those with most names first."""
    return sorted(range(len(names)), key=lambda i: -len(names[i]))


def read_on_paths(words: Words, picture: int, pictures: int, seed: int) -> dict[str, list[WordAttribution]]:
    """The caption and the description of one picture with IIT-DAS, each on all paths and through the subspace.

    Args:
        words: Of all texts: the captions of all pictures, then their descriptions.
        picture: Number of the picture.
        pictures: How many there are.
        seed: Of the model.
    """
    return {
        f"{kind}, {way}": words["iit-das", seed, path][row]
        for kind, row in (("Caption", picture), ("Description", picture + pictures))
        for path, way in (("none", "all paths"), ("through", "through the subspace"))
    }


def names_and_others(words: Words, names: Sequence[set[str]]) -> pd.DataFrame:
    """Mean attribution (x1000) of the names in captions and of their other words, one row per training, seed and path.

    Args:
        words: Of all trainings, seeds and paths; the paths ``none`` and ``through`` are used.
        names: The names in each caption.

    Returns:
        The means and their difference; NaN where there is no such word.
    """
    rows = []
    for (training, seed, path), texts in words.items():
        if path not in ("none", "through"):
            continue
        values: dict[bool, list[float]] = {True: [], False: []}
        for text, known in zip(texts, names, strict=False):  # captions come first
            for w in text:
                values[w.word in known].append(1000 * w.value)
        named, others = (float(np.mean(v)) if v else float("nan") for v in (values[True], values[False]))
        rows.append(
            {
                "training": training,
                "seed": seed,
                "path": path,
                "names": named,
                "other words": others,
                "names minus others": named - others,
            }
        )
    return pd.DataFrame(rows)


def names_verdict(named: pd.DataFrame) -> str:
    """Whether names count against a caption through the subspace of IIT-DAS, as a sentence.

    Args:
        named: From :func:`names_and_others`.
    """
    of = named[(named["training"] == "iit-das") & (named["path"] == "through")]
    mean, half = seed_interval(of["names minus others"].tolist())
    if not np.isfinite(mean):
        return "The chosen captions hold no names."
    found = f"Through the subspace of IIT-DAS, a name contributes {mean:+.2f} thousandths compared with other words"
    if not np.isfinite(half):
        return f"{found}; one seed gives no interval."
    low, high = mean - half, mean + half
    holds = "holds" if high < 0 else "does not hold" if low > 0 else "is undecided, as the interval includes 0"
    return f"{found}, [{low:+.2f}, {high:+.2f}] over seeds: that names count against a caption there {holds}."


def over_seeds(by_seed: pd.DataFrame, keys: Sequence[str], digits: int = 2) -> pd.DataFrame:
    """Mean and 95% interval over seeds as text, one row for each combination of ``keys``, in order."""
    return by_seed.drop(columns="seed").groupby(list(keys), sort=False).agg(plus_minus, digits).reset_index()
