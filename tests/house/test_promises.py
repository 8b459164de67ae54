"""What the pages promise is held by tests: every test that a page names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"``(tests/[\w/]+\.py)(?:::(\w+))?``")
PAGES = sorted(page for page in (ROOT / "docs").rglob("*.rst") if NAMED.search(page.read_text()))
ARCHIVES = re.compile(
    r"^\s*(?:import|from) (?:tarfile|zipfile)\b|unpack_archive|extractall", re.MULTILINE
)


def test_the_threat_model_names_its_tests() -> None:
    assert "threat-model" in {page.stem for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    lacking = []
    for file, test in NAMED.findall(page.read_text()):
        path = ROOT / file
        if not path.is_file() or (test and f"\ndef {test}(" not in path.read_text()):
            lacking.append(f"{file}::{test}")
    assert lacking == []


def test_no_archive_is_extracted() -> None:
    found = {
        path.name: match[0].strip()
        for path in (ROOT / "padre_git").rglob("*.py")
        if (match := ARCHIVES.search(path.read_text()))
    }
    assert found in ({}, {"models.py": "from zipfile"})  # for the name of an error
