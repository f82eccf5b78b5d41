"""The numbers on the model cards are those that the shipped models measure."""

import re

import pytest

from altlib.checkpoints.miniature import miniature_folder
from altlib.core.statistics import proportion_interval
from altlib.evaluation.transfer import base_encoder, evaluate_tasks, label_tokens, miniworld_tasks
from altlib.models.clip import load_clip
from altlib.models.clipcap import read_clipcap
from altlib.models.language import load_language_model
from altlib.pretraining.measure import as_table, measure


def table(part: str) -> list[tuple[str, list[float]]]:
    """The rows of a card's table: what was measured, and the numbers said of it."""
    card = (miniature_folder(part) / "README.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]
    return [
        (what, [float(n) for n in re.findall(r"\d+(?:\.\d+)?", value.partition(":")[0])]) for what, value in rows[1:]
    ]


@pytest.fixture(scope="module")
def clip():
    return load_clip(str(miniature_folder("clip")))


@pytest.fixture(scope="module")
def measured(clip):
    mapping, _ = read_clipcap(str(miniature_folder("clipcap")))
    return measure(clip, *load_language_model(str(miniature_folder("gpt2"))), mapping, 512)


def interval(share: float, pictures: int) -> list[float]:
    return [100 * x for x in (share, *proportion_interval(round(share * pictures), pictures))]


def test_clip(clip, measured, tmp_path):
    tasks = miniworld_tasks(clip, tmp_path, per_class=8)
    transfer = evaluate_tasks(tasks, {t.name: label_tokens(t, clip) for t in tasks}, base_encoder(clip), reporting=True)
    expected = [
        interval(measured["description_preference"], 512),
        interval(measured["retrieval_256"], 256),
        *([100 * transfer[name]] for name in ("Settings", "Food", "Main things")),
    ]
    for (what, said), numbers in zip(table("clip"), expected, strict=True):
        assert [n for n in said if n != 95] == pytest.approx(numbers, abs=0.051), what
    classes = [int(re.search(r"\d+(?= )", what)[0]) for what, _ in table("clip")[2:]]
    assert classes == [len(task.labels) for task in tasks]


def test_gpt2(measured):
    named = measured["places_named"]
    expected = [
        measured["perplexity"],
        100 * named["first"],
        100 * named["later"],
        100 * measured["kinds_named"],
    ]
    for (what, said), number in zip(table("gpt2"), expected, strict=True):
        assert said == [pytest.approx(number, abs=0.051)], what


def test_clipcap(measured):
    facts = ("count", "setting", "detail", "side", "colour", "surface", "trend", "kind", "beside")
    for (what, said), fact in zip(table("clipcap"), facts, strict=True):
        assert said == [pytest.approx(measured["clipcap_states"][fact], abs=0.51)], what


def test_the_appendix_shows_the_same_numbers(measured):
    shown = as_table(measured)
    preferred = shown.iloc[0][["value", "95% low", "95% high"]].tolist()
    assert preferred == pytest.approx(interval(measured["description_preference"], 512))
    assert len(shown) == 6 + len(measured["clipcap_states"])
    assert shown["95% low"].notna().tolist() == [True, True] + [False] * (len(shown) - 2)
