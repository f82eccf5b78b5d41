"""What the parameters of a run name, and whether it is there."""

from pathlib import Path

import pytest

from altlib.runs import requirements
from altlib.runs.parameters import Chapter, parse_cell, read_chapters, resolve
from altlib.runs.requirements import names_only_small_models, unmet_requirements
from tests.conftest import ROOT

CELL = """
source: str = "miniworld"  # where from {miniworld, jsonl, huggingface, bluesky}
source_path: str = ""  # its path <posts: source>
norms: str = ""  # ratings <path: a CSV file of words and ratings>
earlier: str = ""  # finds captions <run: the folder of a run that is done>
writer: str = "miniature"  # writes <model: causal language model; miniature>
recogniser: str = "gazetteer"  # names <model: model of named entities; gazetteer>
clip: str = "miniature"  # sees <clip model: tag; miniature>
tag: str = ""  # pretrained tag
clipcap: str = "train"  # frozen <model file: a .pt file of ClipCap's code; miniature, train>
"""


@pytest.fixture
def chapter() -> Chapter:
    return Chapter("first", Path("01-first.ipynb"), "First", parse_cell(CELL, "cell"), (), ())


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr(requirements, "is_cached", lambda repository: repository == "here/model")
    monkeypatch.setattr(requirements, "why_not_fetchable", lambda repository, kind="model": "HF_HUB_OFFLINE is set")


def problems(chapter: Chapter, **values: str) -> list[str]:
    defaults = {p.name: p.default for p in chapter.parameters.values()}
    return unmet_requirements([chapter], {"first": defaults | values})


def test_the_defaults_of_every_chapter_need_nothing():
    chapters = read_chapters(ROOT / "book")
    values = resolve({}, chapters, "x").chapters
    assert unmet_requirements(chapters, values) == []
    assert all(names_only_small_models(c, values[c.name]) for c in chapters)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"norms": "no.csv"}, "first.norms: no.csv does not exist; it should be a CSV file of words and ratings"),
        ({"earlier": "gone"}, "first.earlier: gone does not exist; it should be the folder of a run that is done"),
        ({"clipcap": "no.pt"}, "first.clipcap: no.pt does not exist; it should be a .pt file of ClipCap's code"),
        ({"source": "jsonl"}, "first.source_path: the source jsonl needs a .jsonl file of posts"),
        ({"source": "jsonl", "source_path": "no.jsonl"}, "first.source_path: no.jsonl does not exist"),
        ({"source": "bluesky"}, "first.source_path: the source bluesky needs a folder to collect into"),
        (
            {"source": "huggingface", "source_path": "who/what@test"},
            "first.source_path: the dataset who/what is not on this machine and HF_HUB_OFFLINE is set",
        ),
        ({"writer": "who/what"}, "first.writer: who/what is not on this machine and HF_HUB_OFFLINE is set"),
        ({"recogniser": "spacy:nobody"}, "first.recogniser: the spaCy pipeline nobody is not on this machine"),
        ({"clip": "transformers:who/what"}, "first.clip: who/what is not on this machine"),
        ({"clip": "hf-hub:who/what"}, "first.clip: who/what is not on this machine"),
        ({"clip": "ViT-B-32", "tag": "openai"}, "first.clip: timm/vit_base_patch32_clip_224.openai is not on this"),
        ({"clip": "ViT-B-32", "tag": "x"}, "first.clip: open_clip knows no weights 'x' of 'ViT-B-32'"),
    ],
)
def test_what_is_not_there_is_named_with_what_it_should_be(chapter, values, words):
    (problem,) = problems(chapter, **values)
    assert problem.startswith(words)


@pytest.mark.parametrize(
    "values",
    [
        {"writer": "here/model"},
        {"writer": ""},
        {"clip": "hf-hub:here/model"},
        {"source": "bluesky", "source_path": "not-yet-there"},
        {"clipcap": "miniature"},
    ],
)
def test_what_is_cached_or_made_by_the_run_is_not_missed(chapter, values):
    assert problems(chapter, **values) == []


def test_a_folder_that_is_there_will_do(chapter, tmp_path):
    folder = str(tmp_path)
    assert problems(chapter, norms=folder, writer=folder, clip=f"transformers:{folder}", clipcap=folder) == []


def test_every_thing_that_is_missing_is_named_at_once(chapter):
    assert len(problems(chapter, norms="no.csv", writer="who/what", clip="hf-hub:who/what")) == 3


@pytest.mark.parametrize(
    ("values", "small"),
    [
        ({}, True),
        ({"norms": "some.csv", "recogniser": "", "clipcap": "miniature"}, True),
        ({"writer": "gpt2"}, False),
        ({"clipcap": "some.pt"}, False),
        ({"clip": "ViT-B-32"}, False),
    ],
)
def test_a_chapter_is_small_that_names_no_model_but_those_of_the_package(chapter, values, small):
    defaults = {p.name: p.default for p in chapter.parameters.values()}
    assert names_only_small_models(chapter, defaults | values) == small
