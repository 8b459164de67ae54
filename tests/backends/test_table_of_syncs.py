"""The table of merges of docs/format, through two clones of one remote that sync."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.policy import Policy
from padre_git.errors import ConflictError
from padre_git.format import scaffold
from tests.backends.dual_stores import Lab
from tests.conftest import git
from tests.format.merges import CONFLICTS, ROWS, Row
from tests.format.sides import Files, import_branches
from tests.format.test_plain_git_merges import below_tombstones, padre_merge, tree

_URL = re.compile(rb"\n\nurl: [^\n]*\n")

#: That merging is the same from either side is seen in test_table_of_merges, with every run.
ORDERS = [
    pytest.param(("ours", "theirs"), id="→"),
    pytest.param(("theirs", "ours"), id="←", marks=pytest.mark.nightly),
]


@dataclass(frozen=True)
class Table:
    """Is a remote, two clones of it, and the commits of all rows in each of the three."""

    lab: Lab

    def begin(self, number: int, first: str, second: str) -> tuple[DualLayer, DualLayer]:
        """Puts everybody where a row begins and returns the stores of the two people."""
        base = f"refs/rows/base-{number}"
        git("update-ref", "refs/heads/main", base, cwd=self.lab.bare())
        for name, side in (("ada", first), ("ben", second)):
            clone = self.lab.clone(name)
            shutil.rmtree(clone / ".git/padre", ignore_errors=True)
            git("checkout", "-q", "-f", "-B", "main", f"refs/rows/{side}-{number}", cwd=clone)
            git("clean", "-qfdx", cwd=clone)
            git("update-ref", "refs/remotes/origin/main", base, cwd=clone)
        ada, ben = (self.lab.store(name, policy=Policy.MANUAL) for name in ("ada", "ben"))
        return ada, ben


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    lab = Lab(tmp_path_factory.mktemp("table"))
    git("init", "-q", "--bare", "-b", "main", lab.bare(), cwd=lab.directory)
    made = {n: tuple(scaffold() | side for side in row.sides()) for n, row in enumerate(ROWS)}
    import_branches(lab.bare(), made)
    git("update-ref", "refs/heads/main", "base-0", cwd=lab.bare())
    for name in ("ada", "ben"):
        lab.clone(name).parent.mkdir()
        git("clone", "-q", lab.bare(), lab.clone(name), cwd=lab.directory)
        git("fetch", "-q", "origin", "refs/heads/*:refs/rows/*", cwd=lab.clone(name))
        git("config", "advice.detachedHead", "false", cwd=lab.clone(name))
    git("fetch", "-q", ".", "refs/heads/*:refs/rows/*", cwd=lab.bare())
    yield Table(lab)
    lab.close()


def without_urls(files: Files) -> Files:
    return {path: _URL.sub(b"\n", data) for path, data in files.items()}


@pytest.mark.parametrize(("number", "row"), list(enumerate(ROWS)), ids=[r.title for r in ROWS])
@pytest.mark.parametrize("order", ORDERS)
def test_two_clones_that_sync_end_as_the_page_says(
    table: Table, number: int, row: Row, order: tuple[str, str]
) -> None:
    ada, ben = table.begin(number, *order)
    clones = [table.lab.clone(name) for name in ("ada", "ben")]
    ada.sync("iris")
    before = git("rev-parse", "main", cwd=clones[1])
    if row.padre == CONFLICTS:
        with pytest.raises(ConflictError) as caught:
            ben.sync("iris")
        assert caught.value.conflicts
        assert caught.value.conflicts == ben.conflicts("iris")
        assert git("rev-parse", "main", cwd=clones[1]) == before
        assert git("status", "--porcelain", cwd=clones[1]) == ""
        return
    ben.sync("iris")
    ada.sync("iris")
    for clone in clones:
        assert git("rev-parse", "main", cwd=clone).strip() == table.lab.head()
        assert git("status", "--porcelain", cwd=clone) == ""
    found = tree(table.lab.bare(), "main")
    assert without_urls(found) == without_urls(scaffold() | padre_merge(row))
    assert below_tombstones(found) == []
    assert ben.conflicts("iris") == ()
