"""Code in a repository that git cannot read: nobody takes it for code without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.errors import RepositoryError
from padre_git.vcs.code import capture
from tests.conftest import git


def test_a_repository_that_git_does_not_take_for_one_is_not_passed_over(tmp_path: Path) -> None:
    git("init", "-q", cwd=tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git/refs").rename(tmp_path / "refs")
    with pytest.raises(RepositoryError, match="not a git repository"):
        capture(tmp_path / "deep")
    (tmp_path / ".git/HEAD").unlink()
    assert capture(tmp_path / "deep") is None
