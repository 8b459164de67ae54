"""One store with a remote for each module, copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from tests.recovery.clinic import build, copy


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a store that no test changes."""
    patch = pytest.MonkeyPatch()
    home = tmp_path_factory.mktemp("home")
    (home / "gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    with patch.context() as context:
        context.setenv("HOME", str(home))
        context.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        context.setenv("GIT_CONFIG_NOSYSTEM", "1")
        context.setenv("DVC_NO_ANALYTICS", "1")
        return build(tmp_path_factory.mktemp("template"))


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    """The root of a store that may be damaged."""
    return copy(template, tmp_path)


@pytest.fixture
def clone(root: Path) -> Path:
    """The clone of the project ``iris`` in it."""
    return root / "iris"


@pytest.fixture
def store(root: Path) -> Iterator[padre_git.Store]:
    """The store that has it; it talks to its remote only when it is told to."""
    with padre_git.open(root, policy="manual") as store:
        yield store
