"""The pages of the library reference, and a Sphinx extension that links each function to its source.

One page documents a package. Sphinx's autodoc reads signatures and docstrings when the pages are
rendered, so that the reference is that of the code that ran. This takes most of the time of rendering;
so modules that no chapter imports are listed, with their first sentence, rather than documented.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import inspect
import sys
from collections.abc import Set
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from altlib.core.code_imports import PACKAGE, module_files
from altlib.core.files import write_text

LIBRARY = PACKAGE.name
INDEX = "library"  # name of the page that lists the packages
SOURCES = "_modules"  # folder of the pages of source, beside the other pages
# Extensions of Jupyter Book that do not say whether pages can be read in several processes. They can: the first numbers
# sections when all pages have been read, and the second has transforms that know one page each.
UNDECLARED = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")


def heading(title: str, line: str) -> str:
    """A heading in reStructuredText, underlined with the character ``line``."""
    return f"{title}\n{line * len(title)}\n"


def first_sentence(path: Path) -> str:
    """The first line of the docstring of a Python file."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def library_files() -> dict[str, Path]:
    """The file of every module and package within the library by its dotted name below it."""
    return {name: path for name, path in module_files().items() if path.parent != PACKAGE}


def packages(files: dict[str, Path]) -> list[str]:
    """The packages that lie directly in the library, in alphabetical order."""
    return sorted(name for name, path in files.items() if path.name == "__init__.py" and "." not in name)


def package_page(package: str, files: dict[str, Path], documented: Set[str]) -> str:
    """The page of one package, in reStructuredText.

    Args:
        package: Its name, such as ``core``.
        files: Of all modules, from :func:`library_files`.
        documented: The modules whose functions and classes are documented.

    Returns:
        A heading, the package's sentence, one section for each documented module, and a list of the others.
    """
    lines = [
        heading(f"{LIBRARY}.{package}", "="),
        f".. py:module:: {LIBRARY}.{package}\n",
        first_sentence(files[package]),
    ]
    modules = sorted(m for m in files if m.startswith(f"{package}.") and files[m].name != "__init__.py")
    for name in [m for m in modules if m in documented]:
        lines += ["", heading(f"{LIBRARY}.{name}", "-"), f".. automodule:: {LIBRARY}.{name}"]
    others = [m for m in modules if m not in documented]
    if others:
        lines += ["", heading("Other modules", "-"), "The chapters do not import these themselves.", ""]
    for name in others:
        title = f"{LIBRARY}.{name}"
        lines += [f"`{title} <{SOURCES}/{title}.html>`__", f"    {first_sentence(files[name])}", ""]
    return "\n".join(lines) + "\n"


def index_page(files: dict[str, Path]) -> str:
    """The page that lists the packages, in reStructuredText."""
    lines = [
        heading("Library reference", "="),
        f"The functions and classes of the modules of ``{LIBRARY}`` that the chapters import, as their docstrings describe "
        "them. Names of the library in the code of the chapters link to their place here, and each function links to "
        "its source. Of all other modules, the first sentence stands here, with a link to the source.",
        "",
    ]
    for name in packages(files):
        lines += [f":doc:`{LIBRARY}.{name} <{INDEX}-{name}>`", f"    {first_sentence(files[name])}", ""]
    return "\n".join(lines)


def reference_pages(documented: Set[str]) -> dict[str, str]:
    """The pages of the library reference in reStructuredText, by name; the one that lists the others is first.

    Args:
        documented: Names of modules below the library, such as ``core.files``, whose functions and classes are shown.
    """
    files = library_files()
    pages = {f"{INDEX}-{name}": package_page(name, files, documented) for name in packages(files)}
    return {INDEX: index_page(files)} | pages


def listed_in(contents: dict[str, Any]) -> bool:
    """Enter the pages of the packages into a table of contents, below the page that lists them.

    Args:
        contents: As in ``_toc.yml``; changed in place.

    Returns:
        Whether the book has a library reference: without an entry for it, nothing changes.
    """
    for part in contents.get("parts", [contents]):
        for entry in part.get("chapters", []):
            if entry["file"] == INDEX:
                entry["sections"] = [
                    {"file": f"{INDEX}-{name}", "title": f"{LIBRARY}.{name}"} for name in packages(library_files())
                ]
                return True
    return False


def source_address(domain: str, info: dict[str, str]) -> str | None:
    """Where the source of an object of the library is shown, for Sphinx's linkcode.

    Args:
        domain: ``py`` for Python.
        info: Of the object: its ``module``, and its ``fullname`` within that.

    Returns:
        The address of its line relative to the reference's pages, or ``None`` if it has no source of its own.
    """
    module = sys.modules.get(info["module"])
    if domain != "py" or module is None:
        return None
    try:
        thing = functools.reduce(getattr, info["fullname"].split("."), module)
        line = inspect.getsourcelines(inspect.unwrap(thing))[1]  # type: ignore[arg-type]
    except (AttributeError, OSError, TypeError):  # a field, a property, or something made when the code runs
        return None
    return f"{SOURCES}/{info['module']}.html#L-{line}"


def source_page(name: str, source: str) -> str:
    """A page of its own with the source of a module, whose lines have anchors.

    Args:
        name: Dotted name of the module.
        source: Its Python.

    Returns:
        HTML that needs the style sheet of :func:`source_style` beside it.
    """
    lines = highlight(source, PythonLexer(), HtmlFormatter(linespans="L", wrapcode=True))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Source of {name}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="source.css"></head><body><main><h1>Source of {name}</h1>'
        f'<p><a href="../{INDEX}-{name.split(".")[1]}.html">The library reference</a></p>'
        f"{lines}</main></body></html>\n"
    )


def source_style() -> str:
    """The style sheet of the pages of source, with colours of high contrast in light and in dark."""
    light, dark = (HtmlFormatter(style=f"a11y-high-contrast-{name}").get_style_defs() for name in ("light", "dark"))
    return (
        ":root { color-scheme: light dark; }\nbody { font-family: sans-serif; margin: 1em auto; max-width: 70em; padding: 0 1em; overflow-wrap: anywhere; }\n"
        "pre { white-space: pre-wrap; }\n:target { outline: 3px solid #0072b2; }\n"
        f"{light}\n@media (prefers-color-scheme: dark) {{\nbody, pre {{ background: #000; color: #fff; }}\na {{ color: #8cc8ff; }}\n{dark}\n}}\n"
    )


def write_sources(app: Any, error: Exception | None) -> None:
    """Write the pages of source when a book with a library reference is built."""
    if error is None and INDEX in app.env.found_docs:
        folder = Path(app.outdir) / SOURCES
        folder.mkdir(exist_ok=True)
        write_text(folder / "source.css", source_style())
        for name, path in library_files().items():
            if path.name != "__init__.py":
                title = f"{LIBRARY}.{name}"
                write_text(folder / f"{title}.html", source_page(title, path.read_text(encoding="utf-8")))


def read_in_parallel(app: Any) -> None:
    """Let Sphinx read pages in several processes, and load the library before it forks them."""
    for name in set(UNDECLARED) & set(app.extensions):
        app.extensions[name].parallel_read_safe = True
    if app.parallel > 1 and (Path(app.srcdir) / f"{INDEX}.rst").is_file():
        for name in library_files():
            with contextlib.suppress(Exception):  # autodoc says which module cannot be imported
                importlib.import_module(f"{LIBRARY}.{name}")


def setup(app: Any) -> dict[str, Any]:
    """Let Sphinx read the docstrings; returns what Sphinx wants to know of an extension."""
    for extension in ("autodoc", "napoleon", "linkcode"):
        app.setup_extension(f"sphinx.ext.{extension}")
    app.config.linkcode_resolve = source_address
    app.connect("builder-inited", read_in_parallel)
    app.connect("build-finished", write_sources)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
