"""The numbers on the model cards are those that the shipped models measure."""

import re

import pytest

from altlib.checkpoints.miniature import miniature_folder
from altlib.core.statistics import proportion_interval
from altlib.models.clip import load_clip
from altlib.models.clipcap import read_clipcap
from altlib.models.language import load_language_model
from altlib.pretraining.measure import as_table, measure


def table(part: str) -> list[tuple[str, list[float]]]:
    """The rows of a card's table: what was measured, and the numbers said of it."""
    card = (miniature_folder(part) / "README.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]
    return [(what, [float(n) for n in re.findall(r"\d+(?:\.\d+)?", value)]) for what, value in rows[1:]]


@pytest.fixture(scope="module")
def measured():
    clip = load_clip(str(miniature_folder("clip")))
    mapping, _ = read_clipcap(str(miniature_folder("clipcap")))
    return measure(clip, *load_language_model(str(miniature_folder("gpt2"))), mapping, 512)


def interval(share: float, pictures: int) -> list[float]:
    return [100 * x for x in (share, *proportion_interval(round(share * pictures), pictures))]


def test_clip(measured):
    expected = [
        interval(measured["description_preference"], 512),
        interval(measured["retrieval_256"], 256),
        *([100 * score["f1"]] for score in measured["transfer"].values()),
    ]
    for (what, said), numbers in zip(table("clip"), expected, strict=True):
        assert [n for n in said if n != 95] == pytest.approx(numbers, abs=0.051), what
    classes = [int(re.search(r"\d+(?= classes)", what)[0]) for what, _ in table("clip")[2:]]
    assert classes == [score["classes"] for score in measured["transfer"].values()]


def test_the_miniature_clip_knows_most_classes_and_prefers_neither_kind_of_text(measured):
    assert all(score["f1"] >= 0.5 for score in measured["transfer"].values())
    assert 0.42 <= measured["description_preference"] <= 0.58


def test_gpt2(measured):
    copied = measured["names_copied"]
    expected = [measured["perplexity"], 100 * copied["first"], 100 * copied["later"]]
    for (what, said), number in zip(table("gpt2"), expected, strict=True):
        assert said == [pytest.approx(number, abs=0.051)], what


def test_clipcap(measured):
    for (what, said), share in zip(table("clipcap"), measured["clipcap_states"].values(), strict=True):
        assert said == [pytest.approx(share, abs=0.51)], what


def test_the_appendix_shows_the_same_numbers(measured):
    shown = as_table(measured)
    preferred = shown.iloc[0][["value", "95% low", "95% high"]].tolist()
    assert preferred == pytest.approx(interval(measured["description_preference"], 512))
    assert len(shown) == 5 + len(measured["transfer"]) + len(measured["clipcap_states"])
    assert shown["95% low"].notna().tolist() == [True, True] + [False] * (len(shown) - 2)
