"""Which of the library's modules Python code imports, and a fingerprint of what they do.

What is kept of long work (features, captioners, candidates) is read back only for the same code:
whoever changes a loss or a search sees what the change does.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def module_files(package: Path) -> dict[str, Path]:
    """Every module of the library by its dotted name below ``altlib``."""
    return {
        ".".join(p.relative_to(package).with_suffix("").parts).removesuffix(".__init__"): p
        for p in package.rglob("*.py")
        if "__pycache__" not in p.parts
    }


def imported_modules(
    source: str, module: str, is_package: bool, known: dict[str, Path], everywhere: bool = True
) -> set[str]:
    """The library modules that Python source imports, ``everywhere`` or when it is loaded; ``module`` is its own name."""
    found: set[str] = set()

    def add(name: str) -> None:
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            if ".".join(parts[:end]) in known:
                found.add(".".join(parts[:end]))
                return

    tree = ast.parse(source)
    for node in ast.walk(tree) if everywhere else tree.body:
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


def with_imports(names: Iterable[str], known: dict[str, Path], everywhere: bool = True) -> set[str]:
    """Modules and all that they import, directly or not; if not ``everywhere``, when they are loaded."""
    waiting, found = set(names), set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            path = known[name]
            source, is_package = path.read_text(encoding="utf-8"), path.name == "__init__.py"
            waiting |= imported_modules(source, name, is_package, known, everywhere)
    return found


def without_docstrings(source: str) -> ast.Module:
    """The syntax tree of Python source, in which comments and docstrings do not stand."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return tree


def code_fingerprint(module: str, package: Path = PACKAGE) -> str:
    """What a module of the library and those that it imports do, as a hash; comments and docstrings do not count.

    ``module`` is its name below ``altlib``. Modules ask for it as they are loaded: a file may be edited
    while what was read of it runs on. Another version of Python may give another hash.
    """
    known = module_files(package)
    found = hashlib.sha256()
    for name in sorted(with_imports([module], known)):
        found.update(f"{name}\0{ast.dump(without_docstrings(known[name].read_text(encoding='utf-8')))}\0".encode())
    return found.hexdigest()
