"""Which of the library's modules Python code imports, and one hash of what they do.

Kept work (features, captioners, candidates) is read back only for the same code. Whoever changes a
loss or a search sees the effect of the change.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from altlib.core.cache_keys import Key

PACKAGE = Path(__file__).resolve().parents[1]
DATA = (".toml", ".csv", ".jinja", ".json", ".safetensors")  # suffixes of files that the modules beside them read


def module_files(package: Path = PACKAGE) -> dict[str, Path]:
    """The file of every module by its dotted name below ``altlib``; a package has the name of its folder."""
    return {
        ".".join(p.relative_to(package).with_suffix("").parts).removesuffix(".__init__"): p
        for p in package.rglob("*.py")
        if "__pycache__" not in p.parts
    }


def data_files(module: Path) -> Iterator[Path]:
    """The data files that a module may read, sorted by path.

    Returns:
        Those in the module's folder and in the folders below it that are not packages.
    """
    for path in sorted(module.parent.iterdir()):
        if path.is_dir() and not (path / "__init__.py").is_file():
            yield from sorted(p for p in path.rglob("*") if p.suffix in DATA)
        elif path.suffix in DATA:
            yield path


def imported_modules(source: str, module: str, is_package: bool, known: dict[str, Path]) -> set[str]:
    """The library modules that Python source imports.

    Args:
        source: The code.
        module: Its own name below ``altlib``; empty for code outside the library.
        is_package: Whether that is a package, from which relative imports count one level less.
        known: All modules, from :func:`module_files`.
    """
    found: set[str] = set()

    def add(name: str) -> None:
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            if ".".join(parts[:end]) in known:
                found.add(".".join(parts[:end]))
                return

    tree = parsed(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("altlib."):
                    add(alias.name.removeprefix("altlib."))
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                parts = module.split(".") if module else []
                parts = parts[: len(parts) - node.level + (1 if is_package else 0)]
                base = ".".join([*parts, *([node.module] if node.module else [])])
            elif node.module == "altlib" or (node.module or "").startswith("altlib."):
                base = (node.module or "").removeprefix("altlib").lstrip(".")
            else:
                continue
            for alias in node.names:
                add(f"{base}.{alias.name}".lstrip("."))
    return found


def with_imports(names: Iterable[str], known: dict[str, Path]) -> set[str]:
    """Modules with all that they import, directly or not.

    Args:
        names: Dotted names below ``altlib``.
        known: All modules, from :func:`module_files`.
    """
    waiting, found = set(names), set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            path = known[name]
            source, is_package = path.read_text(encoding="utf-8"), path.name == "__init__.py"
            waiting |= imported_modules(source, name, is_package, known)
    return found


@cache
def parsed(source: str) -> ast.Module:
    """The syntax tree of Python source."""
    return ast.parse(source)


@cache
def meaning(source: str) -> str:
    """Python source as its syntax tree without comments and docstrings, as text."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree)


def code_fingerprint(module: str, package: Path = PACKAGE) -> str:
    """A hash of what a module of the library does, with the modules that it imports and their data files.

    Comments and docstrings do not count. Modules call this while they are loaded, because a file may
    be edited while the code that was read from it still runs. Another version of Python may give
    another hash.

    Args:
        module: Its name below ``altlib``, such as ``generation.decoding``.
        package: The library's folder.

    Returns:
        32 hex digits.
    """
    known = module_files(package)
    names = sorted(with_imports([module], known))
    files = {file for name in names for file in data_files(known[name])}
    return str(
        Key(
            "code",
            modules={name: meaning(known[name].read_text(encoding="utf-8")) for name in names},
            data={file.relative_to(package).as_posix(): file.read_bytes() for file in files},
        )
    )
