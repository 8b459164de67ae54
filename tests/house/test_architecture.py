"""The shape of the code: what a reader can rely on in every file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "padre_git"
MODULES = sorted(PACKAGE.rglob("*.py"))
LINES_A_FILE = 400
LINES_A_FUNCTION = 40


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Counts the lines of a function without its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        doc = function.body[0]
        lines -= (doc.end_lineno or 0) - doc.lineno + 1
    return lines


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_what_it_is_and_fits_in_the_head(module: Path) -> None:
    text = module.read_text()
    tree = ast.parse(text)
    assert len((ast.get_docstring(tree) or "").split()) > 2, "a module docstring says what it is"
    assert len(text.splitlines()) <= LINES_A_FILE
    too_long = [
        f"{node.name} has {_body_lines(node)} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _body_lines(node) > LINES_A_FUNCTION
    ]
    assert not too_long


@pytest.mark.parametrize(
    "package", sorted(p.parent for p in PACKAGE.rglob("__init__.py")), ids=lambda path: path.name
)
def test_a_package_lists_its_public_names_in_order(package: Path) -> None:
    tree = ast.parse((package / "__init__.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            names = ast.literal_eval(node.value)
            assert names == sorted(names, key=lambda n: (not n.isupper(), n[:1].islower(), n))
            return
    assert package.name == "cli", f"{package.name} has no __all__"


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"util", "utils", "helper", "helpers", "common", "misc", "manager"}
    assert not [path for path in MODULES if empty & set(path.stem.split("_"))]


def test_importing_padre_git_is_cheap_and_pulls_in_nothing_heavy() -> None:
    heavy = "{'git', 'dvc', 'yaml', 'numpy', 'pandas', 'click'}"
    code = f"import sys, padre_git; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
