"""The library reference."""

import re
from types import SimpleNamespace

from altlib.core.code_imports import PACKAGE
from altlib.report import api_reference as reference


def test_every_module_is_documented_or_listed_with_its_source():
    pages = reference.reference_pages({"core.files"})
    text = "\n".join(pages.values())
    assert ".. automodule:: altlib.core.files\n" in pages["library-core"]
    for name, path in reference.library_files().items():
        if path.name != "__init__.py":
            documented = f".. automodule:: altlib.{name}\n" in text
            assert documented == (name == "core.files")
            assert documented or f"<_modules/altlib.{name}.html>`__\n    {reference.first_sentence(path)}" in text


def test_the_first_page_leads_to_the_page_of_every_package():
    first, *others = reference.reference_pages(set())
    assert first == "library"
    assert re.findall(r":doc:`altlib\.\w+ <(.*)>`", reference.reference_pages(set())[first]) == others
    assert len(others) == len(list(PACKAGE.glob("*/__init__.py")))


def test_the_contents_take_the_packages_in_where_the_reference_stands():
    contents = {"parts": [{"chapters": [{"file": "a"}]}, {"chapters": [{"file": "library"}]}]}
    assert reference.listed_in(contents)
    sections = contents["parts"][1]["chapters"][0]["sections"]
    assert {"file": "library-core", "title": "altlib.core"} in sections
    without = {"chapters": [{"file": "a"}]}
    assert not reference.listed_in(without) and without == {"chapters": [{"file": "a"}]}


def test_an_object_leads_to_the_line_that_defines_it():
    info = {"module": "altlib.report.api_reference", "fullname": "FoundHere"}
    assert reference.source_address("py", info | {"fullname": "heading"}).startswith(
        "_modules/altlib.report.api_reference.html#L-"
    )
    line = int(reference.source_address("py", info | {"fullname": "heading"}).rpartition("-")[2])
    source = (PACKAGE / "report" / "api_reference.py").read_text(encoding="utf-8").splitlines()
    assert source[line - 1].startswith("def heading(")
    assert reference.source_address("py", info) is None
    assert reference.source_address("c", info | {"fullname": "heading"}) is None
    assert reference.source_address("py", {"module": "altlib.nowhere", "fullname": "x"}) is None


def test_a_page_of_source_has_an_anchor_for_each_line_and_escapes_it():
    page = reference.source_page("altlib.core.files", 'x = "<script>"\ny = 1\n')
    assert 'id="L-1"' in page and 'id="L-2"' in page and "<script>" not in page
    assert 'href="../library-core.html"' in page


def test_pages_of_source_are_written_for_a_book_with_a_reference_only(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "library_files", lambda: {"core.files": PACKAGE / "core" / "files.py"})
    app = SimpleNamespace(outdir=tmp_path, env=SimpleNamespace(found_docs={"intro"}))
    reference.write_sources(app, None)
    assert list(tmp_path.iterdir()) == []
    app.env.found_docs.add("library")
    reference.write_sources(app, None)
    assert (tmp_path / "_modules" / "altlib.core.files.html").is_file()
    assert "prefers-color-scheme" in (tmp_path / "_modules" / "source.css").read_text(encoding="utf-8")


def test_pages_are_read_in_parallel_with_the_library_loaded_before(tmp_path, monkeypatch):
    loaded = []
    monkeypatch.setattr(reference.importlib, "import_module", loaded.append)
    monkeypatch.setattr(reference, "library_files", lambda: {"core.files": PACKAGE / "core" / "files.py"})
    silent, unsafe = SimpleNamespace(parallel_read_safe=None), SimpleNamespace(parallel_read_safe=False)
    extensions = {"sphinx_multitoc_numbering": silent, "another": unsafe}
    app = SimpleNamespace(srcdir=tmp_path, parallel=2, extensions=extensions)
    reference.read_in_parallel(app)
    assert silent.parallel_read_safe and not unsafe.parallel_read_safe and not loaded  # there is no reference
    (tmp_path / "library.rst").touch()
    app.parallel = 1
    reference.read_in_parallel(app)
    assert not loaded  # they are loaded when they are read
    app.parallel = 2
    reference.read_in_parallel(app)
    assert loaded == ["altlib.core.files"]


def test_a_module_that_cannot_be_imported_is_left_to_autodoc(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "library_files", lambda: {"no_such_module": tmp_path / "no_such_module.py"})
    (tmp_path / "library.rst").touch()
    reference.read_in_parallel(SimpleNamespace(srcdir=tmp_path, parallel=2, extensions={}))
