"""What the library's code imports, and when what it made counts as made by other code."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.core.code_imports import code_fingerprint, imported_modules, meaning, module_files, with_imports

SEARCH = '"""Searches."""\nfrom .score import likelihood\n\ndef best(rows):\n    """The best."""\n    return max(rows, key=likelihood)\n'
SCORE = "def likelihood(row):\n    return row * 2  # twice\n"


@pytest.fixture
def package(tmp_path):
    (tmp_path / "search.py").write_text(SEARCH)
    (tmp_path / "score.py").write_text(SCORE)
    (tmp_path / "other.py").write_text("x = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("module", "old", "new", "changes"),
    [
        ("search", "max(", "min(", True),
        ("score", "row * 2", "row * 3", True),  # which search imports
        ("other", "1", "2", False),
        ("search", "Searches", "It searches", False),
        ("search", '    """The best."""\n', "", False),
        ("score", "  # twice", "", False),
        ("score", "row * 2", "(row  *  2)", False),
    ],
)
def test_only_what_code_does_changes_its_fingerprint(package, module, old, new, changes):
    before = code_fingerprint("search", package)
    file = package / f"{module}.py"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert (code_fingerprint("search", package) != before) == changes


@pytest.fixture
def with_data(package):
    """The package with data files beside its modules, in a folder of data, in a sub-package and of another kind."""
    for name in ("words.toml", "tables/a.csv", "deep/__init__.py", "deep/inner.py", "deep/inner.json", "notes.txt"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text("")
    return package


@pytest.mark.parametrize(
    ("file", "changes"),
    [("words.toml", True), ("tables/a.csv", True), ("deep/inner.json", False), ("notes.txt", False)],
)
def test_a_data_file_counts_for_the_modules_that_may_read_it(with_data, file, changes):
    before = code_fingerprint("search", with_data), code_fingerprint("deep.inner", with_data)
    (with_data / file).write_text("x")
    assert (code_fingerprint("search", with_data) != before[0]) == changes
    assert (code_fingerprint("deep.inner", with_data) != before[1]) == (file == "deep/inner.json")


def test_a_data_file_counts_by_its_name_and_where_it_ends(with_data):
    """One byte moved from the beginning of a file to the end of the one before it is another input."""
    first, second = with_data / "words.csv", with_data / "words.toml"
    found = set()
    for one, other in (("ab", "c"), ("a", "bc"), ("abc", "")):
        first.write_text(one)
        second.write_text(other)
        found.add(code_fingerprint("search", with_data))
    first.rename(with_data / "other.csv")
    assert len(found | {code_fingerprint("search", with_data)}) == 4


CONSTANTS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.booleans() | st.none()


@given(CONSTANTS, CONSTANTS)
def test_any_other_constant_gives_another_meaning(a, b):
    same = type(a) is type(b) and repr(a) == repr(b)
    assert (meaning(f"LIMIT = {a!r}\n") == meaning(f"LIMIT = {b!r}\n")) == same


@given(st.text(st.characters(codec="utf-8", exclude_characters='\r\n\x00\\"\x0c')))
def test_no_comment_or_docstring_changes_the_meaning(words):
    plain = "def f(x):\n    return x + 1\n"
    spoken = f'# {words}\ndef f(x):\n    """ {words} """\n    return x + 1  # {words}\n'
    assert meaning(spoken) == meaning(plain)


def test_what_is_kept_follows_from_the_modules_that_make_it():
    known = module_files()
    assert {"models.captioner", "models.last_block", "models.language"} <= with_imports(["generation.decoding"], known)
    assert {"core.images", "models.clip"} <= with_imports(["models.features"], known)
    assert {"models.text_tower", "models.interventions", "training.description_objectives"} <= with_imports(
        ["training.description_tuning"], known
    )


def test_imports_are_found():
    known = {m: Path(m) for m in ("", "a", "a.b", "c")}
    assert imported_modules("from altlib.a import b\nfrom altlib import c\nimport os, altlib.a.b", "", True, known) == {
        "a.b",
        "c",
    }
    later = "from altlib import c\ndef f():\n    from altlib.a import b"
    assert imported_modules(later, "", True, known) == {"a.b", "c"}
    assert imported_modules("from . import c\nfrom .a.b import x", "c", False, known) == {"c", "a.b"}
    assert imported_modules("from ..c import x\nfrom .b import y", "a.z", False, known) == {"c", "a.b"}
