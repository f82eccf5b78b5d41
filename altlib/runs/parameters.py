"""Parameters: the notebooks' own cells are the schema, a YAML file sets what differs.

A parameters cell (tagged ``parameters``) holds plain typed assignments with a comment that
says what and in which unit, and may end with what is allowed::

    epochs: int = 8  # passes over the training posts [1, 1000]
    mapper: str = "mlp"  # mapping network {mlp, transformer}

or with what the value names, so that a run can check that it is there before it starts::

    norms_path: str = ""  # ratings of words <path: a CSV file of words and ratings>
    language_model: str = "miniature"  # text decoder <model: causal language model; miniature>

The words after the semicolon name nothing that could be missing, nor does an empty value. See
:class:`Reference` for the kinds.

A YAML file has a ``common`` section, one for each chapter, and the name of the run.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import re
import tokenize
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from altlib.core.errors import ParameterError
from altlib.models.endpoint import looks_like_key

TYPES: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool, "list[str]": list, "list[int]": list}
RESERVED = {"run_folder"}  # injected by the runner, not set by anyone
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


# What a parameter may name, and what the text after the colon means.
REFERENCES = {
    "path": "what the file or folder should be",
    "run": "which run's folder it should be",
    "posts": "the parameter that names the source which the posts are of",
    "model": "the kind of model of the Hugging Face hub, or of a folder",
    "model file": "what the file should be",
    "clip model": "the parameter that holds the pretrained tag",
    "endpoint": "the parameter that names the environment variable with its key",
    "variable": "what the environment variable holds",
}


@dataclass(frozen=True)
class Reference:
    """What the value of a parameter names, as the end of its comment says.

    Attributes:
        kind: one of :data:`REFERENCES`.
        detail: what the text after the colon says, see there.
        words: values that name nothing which could be missing.
    """

    kind: str
    detail: str
    words: tuple[str, ...] = ()

    def names_nothing(self, value: str) -> bool:
        """Whether a value needs nothing beyond what ships with the package."""
        return value == "" or value in self.words

    @property
    def in_words(self) -> str:
        """What the value may be, such as ``miniature, causal language model (its name on the hub, or a folder)``."""
        named = {
            "posts": f"what the {self.detail} needs",
            "model": f"{self.detail} (its name on the hub, or a folder)",
            "clip model": f"a folder, hf-hub:NAME, transformers:NAME, or open_clip's name with {self.detail}",
            "endpoint": "the base address of an endpoint that speaks OpenAI's protocol",
            "variable": f"the name of an environment variable with {self.detail}",
        }
        return ", ".join([*self.words, named.get(self.kind, self.detail)])

    @property
    def is_model(self) -> bool:
        """Whether it is a model, so that any value but one of ``words`` may be a large one."""
        return "model" in self.kind


@dataclass(frozen=True)
class Parameter:
    """One assignment of a parameters cell.

    Attributes:
        name: the variable.
        kind: its type, one of :data:`TYPES`.
        default: the value in the notebook.
        meaning: the comment, without what is allowed.
        low: smallest number.
        high: largest number.
        choices: what a string may be; empty if it may be anything.
        names: what the value names, if it names something.
    """

    name: str
    kind: str
    default: Any
    meaning: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    names: Reference | None = None

    @property
    def range(self) -> str:
        """The bounds in words, such as ``1 to 100,000``; empty without any."""
        if self.low is None or self.high is None:
            return ""
        return " to ".join(f"{int(x):,}" if float(x).is_integer() else f"{x:g}" for x in (self.low, self.high))

    def check(self, value: Any, where: str) -> Any:
        """The value in the parameter's type.

        Args:
            value: as the notebook or YAML gives it.
            where: how error messages call it.

        Raises:
            ParameterError: it is of another type, outside the range or none of the choices.
        """
        expected = TYPES[self.kind]
        if looks_like_key(value):
            raise ParameterError(f"{where}: this looks like a key; keys are read from the environment only")
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


ALLOWED = re.compile(
    r"""\s*(?:
        \[(?P<low>[-\d.e]+),\s*(?P<high>[-\d.e]+)\]
        | \{(?P<choices>[^}]*)\}
        | <(?P<reference>[a-z ]+):\s*(?P<detail>[^;>]+)(?:;\s*(?P<words>[^>]+))?>
    )\s*$""",
    re.VERBOSE,
)


def split_list(text: str) -> tuple[str, ...]:
    """The parts of a text between its commas."""
    return tuple(part.strip() for part in text.split(","))


def parse_comment(name: str, kind: str, comment: str, where: str) -> Parameter:
    """A parameter without its default, from the comment behind the assignment.

    Raises:
        ParameterError: the comment ends with a reference of an unknown kind.
    """
    allowed = ALLOWED.search(comment)
    if not allowed:
        return Parameter(name, kind, None, comment)
    meaning = comment[: allowed.start()].strip()
    if allowed["choices"] is not None:
        return Parameter(name, kind, None, meaning, choices=split_list(allowed["choices"]))
    if allowed["reference"] is None:
        return Parameter(name, kind, None, meaning, float(allowed["low"]), float(allowed["high"]))
    if allowed["reference"] not in REFERENCES or kind != "str":
        raise ParameterError(
            f"{where}: {name} ends with <{allowed['reference']}: ...>; a str may name one of {', '.join(REFERENCES)}"
        )
    words = split_list(allowed["words"]) if allowed["words"] else ()
    reference = Reference(allowed["reference"], allowed["detail"].strip(), words)
    return Parameter(name, kind, None, meaning, names=reference)


def parse_cell(source: str, where: str) -> dict[str, Parameter]:
    """The parameters of a cell, by name.

    Args:
        source: the Python code of the cell.
        where: how error messages call the cell.

    Raises:
        ParameterError: the cell holds anything but typed assignments with comments, or a default
            that is not allowed.
    """
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
        parameter = parse_comment(name, kind, comment, where)
        default = parameter.check(ast.literal_eval(node.value), f"{where}: default of {name}")
        parameters[name] = replace(parameter, default=default)
    return parameters


@dataclass(frozen=True)
class Chapter:
    """A notebook of the book.

    Attributes:
        name: how YAML files call it, such as ``training`` for ``02-training.ipynb``.
        notebook: its file.
        title: its first heading.
        parameters: what its parameters cell declares, by name.
        reads: artifacts that it reads, as paths in the run's folder.
        writes: artifacts that it writes, likewise.
        long: whether it takes longer than most, so that it starts before others that could start as well.
    """

    name: str
    notebook: Path
    title: str
    parameters: dict[str, Parameter]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    long: bool = False


def read_chapter(notebook: Path) -> Chapter:
    """Read what a notebook declares.

    Raises:
        ParameterError: it has no parameters cell, more than one, or one that cannot be understood.
    """
    content = json.loads(notebook.read_text(encoding="utf-8"))
    cells = [c for c in content["cells"] if "parameters" in c.get("metadata", {}).get("tags", [])]
    if len(cells) != 1:
        raise ParameterError(f"{notebook.name} has {len(cells)} cells tagged 'parameters'; one is needed")
    declared = content["metadata"].get("altlib", {})
    texts = ("".join(c["source"]) for c in content["cells"] if c["cell_type"] == "markdown")
    headings = (line.lstrip("# ") for text in texts for line in text.splitlines() if line.startswith("# "))
    return Chapter(
        notebook.stem.split("-", 1)[1],
        notebook,
        next(headings, notebook.stem),
        parse_cell("".join(cells[0]["source"]), notebook.name),
        tuple(declared.get("reads", [])),
        tuple(declared.get("writes", [])),
        declared.get("long") is True,
    )


def read_chapters(book: Path) -> list[Chapter]:
    """The chapters of a book folder in the order of their numbers, then its appendices (A1, A2, ...)."""
    return [read_chapter(path) for path in sorted(book.glob("[0-9A][0-9]-*.ipynb"))]


@dataclass(frozen=True)
class Resolved:
    """The parameters of a run, checked.

    Attributes:
        run: the name of the run.
        chapters: chapter -> parameter -> value, with every parameter.
    """

    run: str
    chapters: dict[str, dict[str, Any]]


def read_yaml(path: Path) -> dict:
    """A parameter file as a mapping of sections.

    Raises:
        ParameterError: the file is missing or is not such a mapping.
    """
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
    """The sections of a parameter file with settings applied to them.

    Args:
        content: the sections.
        settings: each ``section.name=value`` or ``run=name``; values are YAML.

    Raises:
        ParameterError: a setting has another form, or names no section.
    """
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


def check_sections(content: dict, chapters: list[Chapter]) -> None:
    """Check that a parameter file has known sections of known parameters; raises as :func:`resolve`."""
    sections = {c.name: c for c in chapters}
    for section, values in content.items():
        if section == "run":
            continue
        if section != "common" and section not in sections:
            raise ParameterError(
                f"unknown section {section!r}; known: common, {', '.join(sections)}{nearest(section, ['common', 'run', *sections])}"
            )
        if not isinstance(values, dict | None):
            raise ParameterError(f"section {section!r} must hold names and values, not {values!r}")
        known = set(sections[section].parameters) if section in sections else parameter_names(chapters)
        for name in values or {}:
            if name in known - RESERVED:
                continue
            if section == "common":
                raise ParameterError(f"common.{name}: no chapter has this parameter{nearest(name, known - RESERVED)}")
            elsewhere = [c.name for c in chapters if name in set(c.parameters) - RESERVED]
            hint = f"; it is a parameter of {', '.join(elsewhere)}" if elsewhere else nearest(name, known)
            raise ParameterError(f"{section}.{name}: unknown parameter{hint}")


def parameter_names(chapters: list[Chapter]) -> set[str]:
    """The names of all parameters of all chapters."""
    return {name for chapter in chapters for name in chapter.parameters}


def resolve(content: dict, chapters: list[Chapter], default_run: str) -> Resolved:
    """Check a parameter file against the notebooks and fill in their defaults.

    Args:
        content: the sections of the file.
        chapters: all chapters of the book.
        default_run: name of the run if the file gives none.

    Raises:
        ParameterError: a section or name is unknown, a value has the wrong type or is impossible.
    """
    run = content.get("run", default_run)
    if not isinstance(run, str) or not RUN_NAME.fullmatch(run):
        raise ParameterError(f"run: {run!r} is not a name for a folder (letters, digits, . _ -)")
    check_sections(content, chapters)
    common = content.get("common") or {}
    resolved = {}
    for chapter in chapters:
        given = {k: v for k, v in common.items() if k in chapter.parameters} | (content.get(chapter.name) or {})
        resolved[chapter.name] = {
            name: parameter.check(given[name], f"{chapter.name}.{name}") if name in given else parameter.default
            for name, parameter in chapter.parameters.items()
            if name not in RESERVED
        }
    return Resolved(run, resolved)
