"""Numbers in the book's prose are computed, or come from where `numbers_in_prose.toml` says."""

import importlib
import json
import re
import tomllib
from functools import reduce
from pathlib import Path

import pytest

from altlib.published.tables import published_table
from tests.conftest import ROOT

SOURCES = tomllib.loads((Path(__file__).parent / "numbers_in_prose.toml").read_text(encoding="utf-8"))
PAGES = {
    path.name: path
    for path in [ROOT / "README.md", *sorted((ROOT / "book").glob("*.md")), *sorted((ROOT / "book").glob("*.ipynb"))]
}
REFERENCES = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
NUMBER = re.compile(r"(?<![\w@/.,-])\.?\d[\d,.]*(?<![,.])(?!\w|-\w*LM)")
NOT_PROSE = [
    r"```.*?```", r"\$\$.*?\$\$", r"\$[^$\n]*\$", r"\{[\w:]+\}`[^`]*`", r"`[^`]*`", r"\]\([^)]*\)", r"<[^>]*>",
    r"^#+ .*$", r"^\d+\. ", r"^\| \d\d ",
]  # fmt: skip
NAMES = [  # of chapters, parts of papers, licences, years and 95% intervals
    r"[Cc]hapters? \d\d(?:(?:, | and | to )\d\d)*", r"(?:Table|Figure|[Ss]ections?|appendix) [\dB.]+\d?",
    r"(?:CC BY-SA|Apache(?: License)?) \d\.0", r"arXiv \d{4}\.\d+", r"\b20\d\d\b", r"95% (?:bootstrap )?interval", r"Intervals are 95%",
    r"whole 95%", r"(?:GPT|BLIP|CIFAR|top|JSON)-\d+", r"Food101", r"ViT-B/32", r"BLEU[@-]4", r"F1",
    r"(?:1- to )?4-grams",
]  # fmt: skip


def prose(path: Path) -> str:
    """The prose of a page: without code, formulas, links, headings and names that hold digits."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for pattern in NOT_PROSE + NAMES:
        text = re.sub(pattern, " ", text, flags=re.DOTALL | re.MULTILINE if pattern.startswith("`") else re.MULTILINE)
    if "tables" in SOURCES.get(path.name, {}):
        text = re.sub(r"^\|.*$", "", text, flags=re.MULTILINE)
    return text


def value_of(name: str):
    """The value of ``module:NAME``, such as a constant or the default of a dataclass's field."""
    module, _, attributes = name.partition(":")
    return reduce(getattr, attributes.split("."), importlib.import_module(module))


def is_real(source: str, number: str) -> bool:
    """Whether a source is there, and for a value in the code whether it is this number."""
    kind, _, rest = source.partition(" ")
    if kind == "code":
        return float(value_of(rest)) == float(number.replace(",", ""))
    if kind == "test":
        path, _, name = rest.partition("::")
        return f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
    if kind == "paper":
        return rest.startswith("arXiv ") or f"{{{rest}," in REFERENCES
    return source in ("blog", "chosen", "once")


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_number_in_prose_has_a_source_and_every_source_a_number(page):
    found = set(NUMBER.findall(prose(PAGES[page]))) - {"0", "1"}  # ends of scales, seeds and tokens
    known = {number for number in SOURCES.get(page, {}) if number != "tables"}
    assert found - known == set(), (
        "numbers without a source: compute them, or say in numbers_in_prose.toml whence they come"
    )
    assert known - found == set(), "sources of numbers that are not on the page"


@pytest.mark.parametrize("page", sorted(SOURCES))
def test_the_sources_of_numbers_are_there(page):
    assert page in PAGES
    for number, source in SOURCES[page].items():
        assert is_real(source, number), f"{page}: {number}: {source}"


def test_typed_numbers_are_found_and_names_are_not():
    assert NUMBER.findall("It took 2.6 times as long, 1,024 pixels, .76 of them; 60,000.") == [
        "2.6",
        "1,024",
        ".76",
        "60,000",
    ]
    assert NUMBER.findall("96-pixel pictures of 3 kinds") == ["96", "3"]
    assert not is_real("code altlib.models.features:SHARD", "1,000") and not is_real(
        "test tests/conftest.py::nothing", "1"
    )


def test_the_oldest_python_is_that_of_the_package():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert package["requires-python"] == ">=3.11"


def test_text_and_image_are_that_many_times_as_good_in_the_paper():
    table = published_table("twitter-table1").set_index("system")
    both, single = (
        table.loc["Ours (Text + Image), BS (NR)"],
        table.loc[["Ours (Text Only), BS (NR)", "ClipCap (From Scratch), BS (NR)"]].max(),
    )
    assert both["BLEU@4"] == 1.826 and round(both["BLEU@4"] / single["BLEU@4"], 1) == 2.6
    assert both["CIDEr"] == 7.661 and round(both["CIDEr"] / single["CIDEr"], 1) == 4.4


def test_features_of_the_papers_corpus_take_that_much():
    assert round(2 * 371_270 * 512 * 4 / 1e9, 1) == 1.5


def test_a_pass_over_the_papers_corpus_costs_that_much():
    operations = 6 * 124e6 * 100 * 330e3
    assert f"{operations:.1e}" == "2.5e+16" and 9 < operations / 40e12 / 60 < 11


def test_five_times_in_a_hundred_descriptions_may_be_taken_for_captions():
    import inspect

    from altlib.evaluation.second_captions import caption_judge

    assert inspect.signature(caption_judge).parameters["missed"].default == pytest.approx(1 - 0.95)
