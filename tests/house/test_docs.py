"""What is public is documented, and what the pages show works."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import padre_git
from padre_git.cli.group import commands

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_every_public_name_is_in_the_api_reference() -> None:
    page = (DOCS / "api.rst").read_text()
    documented = set(re.findall(r"^\.\. auto\w+:: padre_git\.(?:\w+\.)*(\w+)$", page, re.MULTILINE))
    documented |= set(re.findall(r"^   ([A-Z]\w+)$", page, re.MULTILINE))
    errors = {name for name in padre_git.__all__ if name.endswith("Error")} | {"Conflict"}
    assert ".. automodule:: padre_git.errors" in page
    assert set(padre_git.__all__) - errors - documented == set()


def _all(command: click.Command, path: str = "padre-git") -> list[tuple[str, click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            found += _all(inner, f"{path} {name}")
    return found


@pytest.mark.parametrize(
    ("path", "command"), _all(commands), ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_command_has_help_with_an_example(path: str, command: click.Command) -> None:
    text = command.help or ""
    assert "Examples:" in text, f"{path} shows no example"
    assert path.split()[-1] in text.split("Examples:")[1]
    unexplained = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert unexplained == []


def test_the_command_reference_is_made_from_the_commands() -> None:
    page = (DOCS / "cli.rst").read_text()
    assert ".. click:: padre_git.cli.group:commands" in page
    assert ":nested: full" in page


def test_the_readme_names_what_a_newcomer_needs_first() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:25])
    for needed in ("make demo", "make test", "git log"):
        assert needed in first_screen


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (DOCS / "index.rst").read_text()
    pages = {page.stem for page in DOCS.glob("*.rst")} - {"index"}
    listed = set(re.findall(r"^   ([\w-]+)(?:/index)?$", index, re.MULTILINE))
    assert pages - listed == set()
