"""The table of merges of docs/format, through the merge that pull and sync use."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.backends.reconciling import plan_merge
from padre_git.errors import ConflictError
from padre_git.messages import Message, Op
from padre_git.vcs import Repository
from tests.conftest import git
from tests.format.merges import CONFLICTS, PROJECT, ROWS, Row, import_rows
from tests.format.test_plain_git_merges import below_tombstones, padre_merge, tree

MERGE = Message(op=Op.MERGE, subject="merge")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a repository with the branches of all rows."""
    path = tmp_path_factory.mktemp("merges")
    git("init", "-q", "-b", "main", path, cwd=path)
    git("config", "core.autocrlf", "false", cwd=path)
    import_rows(path)
    return path


@pytest.mark.parametrize(("number", "row"), list(enumerate(ROWS)), ids=[r.title for r in ROWS])
def test_the_store_merges_as_the_page_says_and_the_work_tree_follows(
    repository: Path, number: int, row: Row
) -> None:
    for first, second in (("ours", "theirs"), ("theirs", "ours")):
        ours, theirs = (
            git("rev-parse", f"{side}-{number}", cwd=repository).strip() for side in (first, second)
        )
        git("checkout", "-q", "-f", "-B", "main", ours, cwd=repository)
        clone = Repository.open(repository, branch="main")
        if row.padre == CONFLICTS:
            with pytest.raises(ConflictError):
                plan_merge(clone, PROJECT, ours, theirs, message=MERGE)
            continue
        commit = plan_merge(clone, PROJECT, ours, theirs, message=MERGE).commit
        clone.advance(lambda _, commit=commit: [commit])
        merged = tree(repository, "HEAD")
        assert merged == padre_merge(row)
        assert below_tombstones(merged) == []
        assert git("status", "--porcelain", cwd=repository) == ""
        assert git("rev-parse", "HEAD^2", cwd=repository).strip() == theirs
