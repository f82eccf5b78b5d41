"""What the library's code imports, and when what it made counts as made by other code."""

from pathlib import Path

import pytest

from altlib.core.code_imports import code_fingerprint, imported_modules, module_files, with_imports

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


def test_what_is_kept_follows_from_the_modules_that_make_it():
    known = module_files(Path(__file__).parent.parent / "altlib")
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
    assert imported_modules(later, "", True, known, everywhere=False) == {"c"}
    assert imported_modules("from . import c\nfrom .a.b import x", "c", False, known) == {"c", "a.b"}
    assert imported_modules("from ..c import x\nfrom .b import y", "a.z", False, known) == {"c", "a.b"}
