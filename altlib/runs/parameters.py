"""Parameters: the notebooks' own cells are the schema, a YAML file sets what differs.

A parameters cell (tagged ``parameters``) holds plain typed assignments with a comment that
says what and in which unit, and may end with what is allowed::

    epochs: int = 8  # passes over the training posts [1, 1000]
    mapper: str = "mlp"  # mapping network {mlp, transformer}

A YAML file has a ``common`` section, one for each chapter, and the name of the run.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import re
import tokenize
import yaml
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from altlib.core.errors import ParameterError

TYPES: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool, "list[str]": list, "list[int]": list}


RESERVED = {"run_folder"}  # injected by the runner, not set by anyone


RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Parameter:
    """One assignment of a parameters cell.

    ``low`` and ``high`` bound a number, ``choices`` lists what a string may be.
    """

    name: str
    kind: str
    default: Any
    meaning: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def range(self) -> str:
        """The bounds in words, such as ``1 to 100,000``; empty without any."""
        if self.low is None or self.high is None:
            return ""
        return " to ".join(f"{int(x):,}" if float(x).is_integer() else f"{x:g}" for x in (self.low, self.high))

    def check(self, value: Any, where: str) -> Any:
        """The value in the parameter's type; raises :class:`ParameterError` if it does not fit."""
        expected = TYPES[self.kind]
        if expected is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if expected is float and isinstance(value, str) and re.fullmatch(r"[-+]?[\d.]+[eE][-+]?\d+", value):
            value = float(value)  # YAML reads 1e-4 as text
        if not isinstance(value, expected) or (expected is not bool and isinstance(value, bool)):
            raise ParameterError(f"{where}: expected {self.kind}, got {value!r}")
        if self.kind.startswith("list"):
            element = TYPES[self.kind[5:-1]]
            if not all(isinstance(v, element) and not isinstance(v, bool) for v in value):
                raise ParameterError(f"{where}: expected {self.kind}, got {value!r}")
        for each in value if isinstance(value, list) else [value]:
            if self.choices and each not in self.choices:
                raise ParameterError(
                    f"{where}: {each!r} is not allowed; choose from {', '.join(self.choices)}{nearest(str(each), self.choices)}"
                )
            if isinstance(each, float) and each != each:
                raise ParameterError(f"{where}: not a number")
            if (self.low is not None and each < self.low) or (self.high is not None and each > self.high):
                raise ParameterError(f"{where}: {each!r} is outside {self.range}")
        return value


def nearest(name: str, known: Any) -> str:
    """``"; did you mean 'x'?"`` or nothing."""
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {match[0]!r}?" if match else ""


ALLOWED = re.compile(r"\s*(?:\[(?P<low>[-\d.e]+),\s*(?P<high>[-\d.e]+)\]|\{(?P<choices>[^}]*)\})\s*$")


def parse_cell(source: str, where: str) -> dict[str, Parameter]:
    """The parameters of a cell; raises :class:`ParameterError` if it holds anything else."""
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    parameters = {}
    for node in ast.parse(source).body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
            raise ParameterError(f"{where}, line {node.lineno}: a parameters cell holds typed assignments only")
        name, kind = node.target.id, ast.unparse(node.annotation)
        # A formatter puts the comment of a long line between brackets.
        lines = range(node.end_lineno or node.lineno, node.lineno - 1, -1)
        comment = next((comments[line] for line in lines if line in comments), "")
        if kind not in TYPES or not comment:
            raise ParameterError(f"{where}: {name} needs one of the types {', '.join(TYPES)} and a comment")
        allowed = ALLOWED.search(comment)
        low = high = None
        choices: tuple[str, ...] = ()
        if allowed:
            comment = comment[: allowed.start()].strip()
            if allowed["choices"] is not None:
                choices = tuple(c.strip() for c in allowed["choices"].split(","))
            else:
                low, high = float(allowed["low"]), float(allowed["high"])
        parameter = Parameter(name, kind, None, comment, low, high, choices)
        default = parameter.check(ast.literal_eval(node.value), f"{where}: default of {name}")
        parameters[name] = Parameter(name, kind, default, comment, low, high, choices)
    return parameters


@dataclass(frozen=True)
class Chapter:
    """A notebook of the book: its parameters and the artifacts that it reads and writes.

    ``name`` is how YAML files call it (``training`` for ``02-training.ipynb``); artifacts are
    paths in the run folder.
    """

    name: str
    notebook: Path
    title: str
    parameters: dict[str, Parameter]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def read_chapter(notebook: Path) -> Chapter:
    """Read a notebook's schema and artifacts; raises :class:`ParameterError` if it declares none."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    cells = [c for c in content["cells"] if "parameters" in c.get("metadata", {}).get("tags", [])]
    if len(cells) != 1:
        raise ParameterError(f"{notebook.name} has {len(cells)} cells tagged 'parameters'; one is needed")
    declared = content["metadata"].get("altlib", {})
    title = next(
        (
            line.lstrip("# ")
            for c in content["cells"]
            if c["cell_type"] == "markdown"
            for line in "".join(c["source"]).splitlines()
            if line.startswith("# ")
        ),
        notebook.stem,
    )
    return Chapter(
        notebook.stem.split("-", 1)[1],
        notebook,
        title,
        parse_cell("".join(cells[0]["source"]), notebook.name),
        tuple(declared.get("reads", [])),
        tuple(declared.get("writes", [])),
    )


def read_chapters(book: Path) -> list[Chapter]:
    """The chapters of a book folder in the order of their numbers, then its appendices (A1, A2, ...)."""
    return [read_chapter(path) for path in sorted(book.glob("[0-9A][0-9]-*.ipynb"))]


@dataclass(frozen=True)
class Resolved:
    """A run's name and every parameter of every chapter, checked."""

    run: str
    chapters: dict[str, dict[str, Any]]


def read_yaml(path: Path) -> dict:
    """A parameter file as a mapping; raises :class:`ParameterError` if it is not one."""
    if not path.is_file():
        raise ParameterError(f"there is no parameter file {path}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ParameterError(f"{path} must hold sections, not {type(content).__name__}")
    return content


def apply_settings(content: dict, settings: list[str]) -> dict:
    """The sections with ``section.name=value`` (or ``run=name``) applied; values are YAML."""
    content = {k: dict(v) if isinstance(v, dict) else v for k, v in content.items()}
    for setting in settings:
        target, found, text = setting.partition("=")
        if not found:
            raise ParameterError(f"--set {setting}: expected section.name=value")
        value = yaml.safe_load(text) if text else ""
        section, dot, name = target.partition(".")
        if not dot:
            content[section] = value
        elif not isinstance(content.setdefault(section, {}), dict):
            raise ParameterError(f"--set {setting}: {section} is not a section")
        else:
            content[section][name] = value
    return content


def resolve(content: dict, chapters: list[Chapter], default_run: str) -> Resolved:
    """Check a parameter file against the notebooks' schema and fill in their defaults.

    Raises :class:`ParameterError` for an unknown section or name, a wrong type or an impossible
    value, before anything runs.
    """
    sections = {c.name: c for c in chapters}
    run = content.get("run", default_run)
    if not isinstance(run, str) or not RUN_NAME.fullmatch(run):
        raise ParameterError(f"run: {run!r} is not a name for a folder (letters, digits, . _ -)")
    for section, values in content.items():
        if section == "run":
            continue
        if section != "common" and section not in sections:
            raise ParameterError(
                f"unknown section {section!r}; known: common, {', '.join(sections)}{nearest(section, ['common', 'run', *sections])}"
            )
        if not isinstance(values, dict | None):
            raise ParameterError(f"section {section!r} must hold names and values, not {values!r}")
    common = content.get("common") or {}
    everywhere = {name for c in chapters for name in c.parameters} - RESERVED
    for name in common:
        if name not in everywhere:
            raise ParameterError(f"common.{name}: no chapter has this parameter{nearest(name, everywhere)}")
    resolved = {}
    for chapter in chapters:
        own = content.get(chapter.name) or {}
        for name in own:
            if name not in chapter.parameters or name in RESERVED:
                elsewhere = [c.name for c in chapters if name in c.parameters and name not in RESERVED]
                hint = (
                    f"; it is a parameter of {', '.join(elsewhere)}" if elsewhere else nearest(name, chapter.parameters)
                )
                raise ParameterError(f"{chapter.name}.{name}: unknown parameter{hint}")
        given = {k: v for k, v in common.items() if k in chapter.parameters} | own
        resolved[chapter.name] = {
            name: parameter.check(given[name], f"{chapter.name}.{name}") if name in given else parameter.default
            for name, parameter in chapter.parameters.items()
            if name not in RESERVED
        }
    return Resolved(run, resolved)
