"""The packages of the library stand in one order, in the contract, on the page and in the tree."""

import ast
import html
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.conftest import ROOT

PAGE = (ROOT / "book" / "appendix-design.md").read_text(encoding="utf-8")
CONTRACT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
TESTED_ELSEWHERE = {
    "__main__.py": "runs/test_wheel.py",
    "evaluation/flagging_models.py": "evaluation/test_flagging.py",
    "miniworld/checks.py": "miniworld/test_lexicon.py",
    "miniworld/places_indoors.py": "miniworld/test_backdrops.py",
    "miniworld/places_outdoors.py": "miniworld/test_backdrops.py",
    "models/policy.py": "models/test_captioner_policy.py",
    "report/comparison_page.py": "runs/test_comparison.py",
}
NOT_OF_ONE_MODULE = {
    "test_packages.py",
    "test_placement.py",
    "test_placement_later_chapters.py",
    "report/test_notebooks.py",
    "report/test_numbers_in_prose.py",
    "report/test_pages.py",
    "runs/test_jupyterlab.py",
    "runs/test_wheel.py",
}
LAYERS = [name.strip() for layer in CONTRACT["layers"] for name in layer.split("|")]


def test_the_page_shows_every_package_in_the_order_of_the_contract_with_its_own_sentence():
    shown = re.findall(r"<li><code>(\w+)</code> (.*)</li>", PAGE)
    assert [name for name, _ in shown] == LAYERS
    for name, sentence in shown:
        docstring = ast.get_docstring(ast.parse((ROOT / "altlib" / name / "__init__.py").read_text(encoding="utf-8")))
        assert html.unescape(re.sub(r"</?code>", "`", sentence)) == docstring


def test_every_package_is_in_the_contract():
    assert sorted(LAYERS) == sorted(p.parent.name for p in (ROOT / "altlib").glob("*/__init__.py"))


def test_the_library_s_docstring_lists_every_package_from_the_bottom_up():
    docstring = ast.get_docstring(ast.parse((ROOT / "altlib" / "__init__.py").read_text(encoding="utf-8")))
    assert re.findall(r"^- ``(\w+)``", docstring or "", re.MULTILINE) == LAYERS[::-1]


def test_packages_reexport_nothing():
    """A fingerprint of the code follows imports; names that pass through a package would hide them."""
    for path in (ROOT / "altlib").glob("*/**/__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert len(tree.body) == 1 and ast.get_docstring(tree), path


def test_the_order_of_the_packages_is_kept():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_files_and_functions_can_be_read_in_one_sitting():
    for path in sorted((ROOT / "altlib").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 400, f"{path} is longer than 400 lines"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= 60, f"{path}: {node.name} has {length} lines"


def test_the_tests_mirror_the_tree():
    """Each file tests one module, at the module's place; what tests the whole is listed."""
    tests = {p.relative_to(ROOT / "tests").as_posix() for p in (ROOT / "tests").rglob("test_*.py")}
    assert tests >= NOT_OF_ONE_MODULE
    for path in sorted(tests - NOT_OF_ONE_MODULE):
        module = ROOT / "altlib" / Path(path).with_name(Path(path).name.removeprefix("test_"))
        assert module.is_file(), f"tests/{path} tests no module of altlib"


def test_every_module_with_logic_has_a_file_of_tests():
    modules = {p.relative_to(ROOT / "altlib").as_posix() for p in (ROOT / "altlib").rglob("*.py")}
    untested = {
        path
        for path in modules
        if not path.endswith("__init__.py")
        and not (ROOT / "tests" / Path(path).with_name(f"test_{Path(path).name}")).is_file()
    }
    assert untested == set(TESTED_ELSEWHERE)
