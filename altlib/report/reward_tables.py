"""What a reward taught captioners, as tables and sentences (chapter 09)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate, mean_estimate
from altlib.core.measured import Results, counted, of_scores
from altlib.evaluation.reward_history import parting_step
from altlib.training.reward_study import NO_REWARD, RewardPlan

ByMetric = Mapping[str, Estimate]  # of one run
BLEU, REFCOMPARE = "BLEU@4", "RefCompare"
HALF, MOST_LOST = 0.5, 1.0  # as good as the references; points of BLEU@4 that may be lost


def stages(plans: Sequence[RewardPlan]) -> list[RewardPlan]:
    """The plans, each after its supervised stage if it has one, without repetition."""
    both = [stage for plan in plans for stage in ([plan.supervised] if plan.labelled else []) + [plan]]
    return list(dict.fromkeys(both))


GRADIENT_NAMES = {"gumbel": "Gumbel-softmax", "reinforce": "REINFORCE"}


def reward_in_words(plan: RewardPlan) -> str:
    """The reward of a run with what it is learned by, or none."""
    if plan.reward == NO_REWARD:
        return NO_REWARD
    fluency = f", fluency {plan.fluency:g}" if plan.fluency else ""
    length = f", {plan.length} times as long" if plan.length > 1 else ""
    return f"{plan.reward}, {GRADIENT_NAMES[plan.gradient]}{fluency}{length}"


def best_of_name(samples: int) -> str:
    """Of the choice among drawn captions, in tables."""
    return f"none; best of {samples} by CLIP"


def stage_table(plans: Sequence[RewardPlan], scores: Mapping[str, ByMetric], best_of: int = 0) -> pd.DataFrame:
    """The scores of runs before and after their reward, one row per stage.

    Args:
        plans: The runs.
        scores: Name of each stage -> its scores.
        best_of: Adds a row for the best of so many captions that the first run's supervised stage draws, whose
            scores are under :func:`best_of_name`; 0 adds none.
    """
    rows = []
    for plan in stages(plans):
        rows.append(
            {
                "captioner": plan.variant,
                "labelled pictures": plan.labelled,
                "reward": reward_in_words(plan),
                **{metric: found.text(2) for metric, found in scores[plan.name].items()},
            }
        )
    if best_of:
        first, name = plans[0], best_of_name(best_of)
        row = {"captioner": first.variant, "labelled pictures": first.labelled, "reward": name}
        rows.append(row | {metric: found.text(2) for metric, found in scores[name].items()})
    return pd.DataFrame(rows)


def seeds_verdict(plans: Sequence[RewardPlan], scores: Mapping[str, ByMetric]) -> str:
    """A sentence: what the self-supervised stage changes, mean over the seeds of one run, with intervals over pictures.

    Args:
        plans: The run with each of its seeds.
        scores: Name of each stage -> its scores.
    """
    means, gains = [], []
    for metric in (REFCOMPARE, BLEU):
        after, before = (
            mean_estimate([scores[plan.name][metric] for plan in chosen])
            for chosen in (plans, [plan.supervised for plan in plans])
        )
        means.append(f"{metric} {before.value:.2f} to {after.value:.2f}")
        gains.append((after - before).text())
    seeds = f"Mean over {len(plans)} seeds" if len(plans) > 1 else "One seed"
    return (
        f"{seeds} of {plans[0].variant}, reward {reward_in_words(plans[0])}: {means[0]} (difference {gains[0]}), "
        f"{means[1]} (difference {gains[1]})."
    )


def best_of_verdict(plan: RewardPlan, scores: Mapping[str, ByMetric], samples: int) -> str:
    """A sentence: what choosing among drawn captions reaches, and whether the reward has taught as much."""
    chosen, learned = scores[best_of_name(samples)], scores[plan.name]
    low, high = (learned[REFCOMPARE] - chosen[REFCOMPARE]).interval
    taught = "more than" if low > 0 else "less than" if high < 0 else "about as much as"
    return (
        f"Without any reward, the best by CLIP of {samples} captions that the supervised start draws for a picture has a "
        f"RefCompare of {chosen[REFCOMPARE].text()} and a BLEU@4 of {chosen[BLEU].text()}; the self-supervised stage "
        f"teaches {taught} that ({learned[REFCOMPARE].value:.2f})."
    )


def gradient_verdict(plans: Sequence[RewardPlan], scores: Mapping[str, ByMetric]) -> str:
    """A sentence: by which way to the gradient RefCompare ends higher after as many updates; plans differ in nothing else."""
    one, other = plans[:2]
    difference = scores[one.name][REFCOMPARE] - scores[other.name][REFCOMPARE]
    low, high = difference.interval
    outcome = "higher" if low > 0 else "lower" if high < 0 else "neither measurably higher nor lower"
    names = [GRADIENT_NAMES[plan.gradient] for plan in (one, other)]
    return (
        f"After as many updates RefCompare is {outcome} with {names[0]} than with {names[1]} "
        f"(difference {difference.text()})."
    )


def reach_verdict(plan: RewardPlan, scores: Mapping[str, ByMetric]) -> str:
    """A sentence: whether the reward raised RefCompare, to a half or more, and what it cost in BLEU@4.

    What is lost is told only if the whole interval of the difference says so.
    """
    after, before = scores[plan.name], scores[plan.supervised.name]
    gain, lost = after[REFCOMPARE] - before[REFCOMPARE], after[BLEU] - before[BLEU]
    low, high = gain.interval
    moved = "raises" if low > 0 else "lowers" if high < 0 else "does not measurably change"
    low, high = after[REFCOMPARE].interval
    reached = "reaches" if low >= HALF else "does not reach" if high < HALF else "may or may not reach"
    lowest, highest = lost.interval
    kept = f"so it cannot be told whether more than {MOST_LOST:g} point is lost"
    if lowest >= -MOST_LOST:
        kept = f"so no more than {MOST_LOST:g} point is lost"
    elif highest < -MOST_LOST:
        kept = f"so more than {MOST_LOST:g} point is lost"
    if not round(before[BLEU].value, 2):
        kept = "which tells little, as there was nothing to lose"
    return (
        f"{plan.variant}, {plan.labelled:,} labelled pictures, reward {reward_in_words(plan)}: the self-supervised stage {moved} "
        f"RefCompare ({before[REFCOMPARE].value:.2f} to {after[REFCOMPARE].value:.2f}, difference {gain.text()}) and "
        f"{reached} {HALF:g}; BLEU@4 changes by {lost.text()}, {kept}."
    )


def parting_in_words(measure: str, step: int | None) -> str:
    """Where a reward and a measure part, as the end of a sentence.

    Args:
        measure: What parts from it, or a pronoun.
        step: From :func:`altlib.evaluation.reward_history.parting_step`; 0 is the supervised start.
    """
    if step is None:
        return f"does not part from {measure}"
    return f"parts from {measure} {f'after update {step}' if step else 'right from the first update on'}"


def parting_verdict(name: str, history: pd.DataFrame, reward: str, held_out: Sequence[str]) -> str:
    """A sentence: from which update on a reward rises while held-out measures fall.

    Args:
        name: Of the reward, as the reader is told.
        history: Scores of the run's evaluations.
        reward: The column that the run was trained on.
        held_out: Columns that it was not trained on; higher is better.
    """
    first, last = history.iloc[0], history.iloc[-1]
    said = []
    for measure in held_out:
        parts = parting_in_words("it", parting_step(history, reward, measure))
        said.append(f"{measure} ({first[measure]:.2f} to {last[measure]:.2f}) {parts}")
    return (
        f"{name}: the reward goes from {first[reward]:.3f} to {last[reward]:.3f}; {', '.join(said)}. Perplexity "
        f"{first['perplexity']:.0f} to {last['perplexity']:.0f}, repeated word pairs {100 * first['repetition']:.0f}% to "
        f"{100 * last['repetition']:.0f}%, words {first['words']:.1f} to {last['words']:.1f}."
    )


def without_supervision_verdict(plan: RewardPlan, scores: Mapping[str, ByMetric], alone: RewardPlan) -> str:
    """A sentence: what the reward reaches with and without the supervised stage."""
    with_it, without = scores[plan.name], scores[alone.name]
    difference = with_it[BLEU] - without[BLEU]
    low, _ = difference.interval
    needed = "is needed" if round(low, 3) > 0 else "is not shown to be needed"
    return (
        f"Without the supervised stage BLEU@4 is {without[BLEU].value:.2f} and RefCompare {without[REFCOMPARE].value:.2f}, "
        f"with it {with_it[BLEU].value:.2f} and {with_it[REFCOMPARE].value:.2f}: by BLEU@4 ({difference.text()}) it {needed}."
    )


def example_items(
    posts: pd.DataFrame, texts: Mapping[str, Sequence[str]], shares: Mapping[str, np.ndarray]
) -> list[dict[str, str]]:
    """Pictures with their alt text and what each stage writes, with its RefCompare among all references.

    Args:
        posts: The pictures to show: the first rows of those that were written for.
        texts: Name of each stage -> its texts.
        shares: Name of each stage -> RefCompare of each text.
    """
    return [
        {"image": post.image, "alt": post.alt_text, "Alt text": post.alt_text}
        | {name: f"{written[row]} ({shares[name][row]:.2f})" for name, written in texts.items()}
        for row, post in enumerate(posts.itertuples())
    ]


def label_rows(plans: Sequence[RewardPlan], scores: Mapping[str, ByMetric]) -> pd.DataFrame:
    """BLEU@4 and RefCompare against the number of labelled pictures, before and after the reward."""
    rows = []
    for plan in stages(plans):
        stage = "supervised" if plan.reward == NO_REWARD else "self-supervised"
        found = scores[plan.name]
        rows.append({"labelled": plan.labelled, "stage": stage, **{m: found[m] for m in (BLEU, REFCOMPARE)}})
    return pd.DataFrame(rows)


def labels_in_words(labelled: int, compared: Sequence[int], pictures: int) -> str:
    """Sentences: for how many training pictures the first stage has a text, and what is new to the second.

    Args:
        labelled: Pictures with alt text in the usual run's first stage.
        compared: Numbers of labelled pictures of all runs.
        pictures: The training pictures.
    """
    if labelled == pictures:
        said = (
            f"In this run all {pictures:,} training pictures are labelled, so there are no new pictures in the second stage: "
            "it only does without their texts."
        )
    else:
        said = (
            f"In this run {labelled:,} of the {pictures:,} training pictures are labelled; the second stage writes for all "
            "of them and does without their texts."
        )
    *others, last = (f"{number:,}" for number in sorted({*compared}))
    return f"{said} “How many labels” compares {', '.join(others)} and {last}." if others else said


def rewards_caption(groups: Mapping[str, Sequence[RewardPlan]]) -> str:
    """The caption of the table of rewards, which names the longer run and the fluency term if there are such runs."""
    longer = "for longer" if len(groups["lengths"]) > 1 else ""
    held = "with a term that holds the captioner to the language of its supervised start"
    runs = [run for run in (longer, held if len(groups["guards"]) > 1 else "") if run]
    return f"The rewards; CLIP's also {', and '.join(runs)}" if runs else "The rewards"


def labels_that_suffice(plans: Sequence[RewardPlan], scores: Mapping[str, ByMetric]) -> int | None:
    """The smallest number of labels from which on the reward raises RefCompare with the whole interval; None if none does."""
    enough = None
    for plan in sorted(plans, key=lambda plan: plan.labelled, reverse=True):
        gain = scores[plan.name][REFCOMPARE] - scores[plan.supervised.name][REFCOMPARE]
        if gain.interval[0] <= 0:
            break
        enough = plan.labelled
    return enough


def reward_measures(
    groups: Mapping[str, Sequence[RewardPlan]],
    usual: RewardPlan,
    scores: Mapping[str, ByMetric],
    texts: Mapping[str, Sequence[str]],
) -> Results:
    """Scores of every stage by the names that the paper gives them, for the living index.

    The number of labels that suffice is left out if the reward raises RefCompare from none.

    Args:
        groups: The runs by what they are for, from :func:`altlib.training.reward_study.reward_plans`.
        usual: The run of which the others are changes.
        scores: Name of each stage -> its scores.
        texts: Name of each stage -> its texts.
    """
    labelled = sorted((plan for plan in groups["labels"] if plan.labelled), key=lambda plan: plan.labelled)
    named = {plan.variant: plan for plan in groups["variants"]} | {"usual run": usual}
    named["no labels"] = next(plan for plan in groups["stages"] if not plan.labelled)
    if len(labelled) > 1:
        named |= {"fewest labels": labelled[0], "most labels": labelled[-1]}
    stages_of = {f"{name}, self-supervised": plan for name, plan in named.items()}
    stages_of |= {f"{name}, supervised": plan.supervised for name, plan in named.items() if plan.labelled}
    pictures = len(next(iter(texts.values())))
    counts = {"labelled pictures of the supervised stage": usual.labelled}
    if enough := labels_that_suffice(labelled, scores):
        counts["labelled pictures that suffice to start from"] = enough
    found: Results = {(name, "value"): counted(count) for name, count in counts.items()}
    return found | of_scores(
        {name: scores[plan.name] for name, plan in stages_of.items()},
        pictures,
        {name: texts[plan.name] for name, plan in stages_of.items()},
    )
