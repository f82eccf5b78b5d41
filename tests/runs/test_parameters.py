import pytest

from altlib.core.errors import ParameterError
from altlib.runs.parameters import Chapter, Reference, apply_settings, parse_cell, read_chapters, resolve
from tests.conftest import ROOT

CELL = """
run_folder: str = "runs/x"  # folder of the run
epochs: int = 8  # passes over the posts [1, 100]
rate: float = 1e-4  # step size [0, 1]
mapper: str = "mlp"  # mapping network {mlp, transformer}
names: list[str] = ["a"]  # some names
on: bool = True  # a switch
"""


@pytest.fixture
def chapters(tmp_path):
    return [
        Chapter("training", tmp_path / "02-training.ipynb", "Training", parse_cell(CELL, "cell"), (), ()),
        Chapter(
            "other", tmp_path / "03-other.ipynb", "Other", parse_cell("epochs: int = 1  # more [1, 9]", "cell"), (), ()
        ),
    ]


def test_a_cell_is_the_schema():
    p = parse_cell(CELL, "cell")
    assert (p["epochs"].low, p["epochs"].high, p["epochs"].meaning) == (1, 100, "passes over the posts")
    assert p["mapper"].choices == ("mlp", "transformer") and p["rate"].default == 1e-4


def test_a_comment_says_what_a_value_names():
    p = parse_cell('x: str = "small"  # writes <model: causal language model; small, none>', "cell")["x"]
    assert p.meaning == "writes"
    assert p.names == Reference("model", "causal language model", ("small", "none"))
    assert [p.names.names_nothing(v) for v in ("", "none", "gpt2")] == [True, True, False]


@pytest.mark.parametrize(
    "cell,words",
    [
        ("x = 1  # untyped", "typed assignments only"),
        ("x: int = 1", "needs one of the types"),
        ("x: dict = {}  # a", "needs one of the types"),
        ("x: int = 5  # a [1, 3]", "outside 1 to 3"),
        ("import os", "typed assignments only"),
        ('x: str = ""  # a <file: of words>', "may name one of path, run"),
        ("x: int = 1  # a <path: of words>", "a str may name"),
    ],
)
def test_a_cell_that_is_no_schema_is_refused(cell, words):
    with pytest.raises(ParameterError, match=words):
        parse_cell(cell, "cell")


@pytest.mark.parametrize(
    "content,words",
    [
        ({"training": {"epoch": 3}}, r"training\.epoch: unknown parameter; did you mean 'epochs'"),
        ({"trainin": {}}, "did you mean 'training'"),
        ({"training": {"epochs": "many"}}, r"training\.epochs: expected int, got 'many'"),
        ({"training": {"epochs": 0}}, "outside 1 to 100"),
        ({"training": {"epochs": True}}, "expected int"),
        ({"training": {"mapper": "mpl"}}, "did you mean 'mlp'"),
        ({"training": {"rate": float("nan")}}, "not a number"),
        ({"training": 3}, "must hold names and values"),
        ({"common": {"epoch": 3}}, r"common\.epoch.*'epochs'"),
        ({"training": {"run_folder": "x"}}, "unknown parameter"),
        ({"other": {"mapper": "mlp"}}, "it is a parameter of training"),
        ({"run": "../up"}, "not a name for a folder"),
        ({"training": {"names": [1]}}, r"expected list\[str\]"),
        ({"training": {"on": 1}}, "expected bool"),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_valid_name(chapters, content, words):
    with pytest.raises(ParameterError, match=words):
        resolve(content, chapters, "run")


def test_values_are_filled_in_and_common_ones_reach_every_chapter(chapters):
    resolved = resolve(
        {"common": {"epochs": 5}, "training": {"rate": "1e-3"}, "other": {"epochs": 2}}, chapters, "mine"
    )
    assert resolved.run == "mine"
    assert resolved.chapters["training"] == {"epochs": 5, "rate": 1e-3, "mapper": "mlp", "names": ["a"], "on": True}
    assert resolved.chapters["other"] == {"epochs": 2}


def test_settings_override_the_file():
    content = apply_settings(
        {"run": "a", "training": {"epochs": 1}}, ["training.epochs=9", "run=b", "new.x=[1, 2]", "training.s="]
    )
    assert content == {"run": "b", "training": {"epochs": 9, "s": ""}, "new": {"x": [1, 2]}}
    for bad in ("training.epochs", "run.x=1"):
        with pytest.raises(ParameterError):
            apply_settings({"run": "a"}, [bad])


@pytest.mark.parametrize("name", [p.name for p in sorted((ROOT / "params").glob("*.yaml"))])
def test_every_parameter_file_of_the_project_is_valid(name):
    from altlib.runs.parameters import read_yaml

    assert resolve(read_yaml(ROOT / "params" / name), read_chapters(ROOT / "book"), "x").run == name.removesuffix(
        ".yaml"
    )


def test_what_a_notebook_reads_is_written_by_another_and_no_two_wait_for_each_other():
    chapters = read_chapters(ROOT / "book")
    waiting, written = {c.name: c for c in chapters}, set()
    while ready := [c for c in waiting.values() if set(c.reads) <= written]:
        for chapter in ready:
            written |= set(waiting.pop(chapter.name).writes)
    assert not waiting


@pytest.mark.parametrize(
    "value", ["sk-abcdefghijklmnop1234", ["ok", "hf_abcdefghijklmnop1234"], "https://x?k=key-abcdefghijklmnop1234"]
)
def test_a_key_in_a_parameter_file_is_refused_without_repeating_it(chapters, value):
    name = "names" if isinstance(value, list) else "mapper"
    with pytest.raises(ParameterError, match="keys are read from the environment only") as error:
        resolve({"training": {name: value}}, chapters, "run")
    assert "abcdefghijklmnop" not in str(error.value)
