"""Writing on top of damage: refused by name, or stored for good; never a second history."""

from __future__ import annotations

from pathlib import Path

import pytest

import padre_git
from padre_git import DamagedError, PadreGitError, UntrustedProjectError
from tests.conftest import git
from tests.recovery.clinic import HARMS, PIECES, records

_PIECES = ["pack", "branch", "packed refs", "HEAD", "configuration", "index", "our own notes"]


@pytest.mark.parametrize(
    "harm",
    [
        "a byte flipped",
        "removed",
        *(pytest.param(harm, marks=pytest.mark.nightly) for harm in ("cut off", "emptied")),
    ],
)
@pytest.mark.parametrize("piece", _PIECES, ids=lambda word: word.replace(" ", "-"))
def test_a_run_that_is_recorded_on_damage_is_stored_or_refused(
    root: Path, clone: Path, piece: str, harm: str
) -> None:
    path = PIECES[piece](clone)
    with padre_git.open(root, policy="manual") as store:
        before = records(store)
    commits = set(git("rev-list", "main", cwd=clone).split())
    HARMS[harm](path)
    stored, error = None, None
    with padre_git.open(root, policy="manual") as store:
        try:
            with store.start_run("iris/svm", id="r-20261122t101500-abcdefghjkmn") as run:
                run.log_metric("accuracy", 1.0)
            stored = run.key.text
        except PadreGitError as refused:
            error = refused
    assert stored or isinstance(error, DamagedError | UntrustedProjectError), error
    with padre_git.open(root, policy="manual") as store:
        assert store.repair("iris") == ()
        found = records(store)
        assert {text: found.get(text) for text in before} == before
        if stored:
            assert stored in found
    assert commits <= set(git("rev-list", "main", cwd=clone).split())
    assert git("status", "--porcelain", cwd=clone) == ""
    git("fsck", "--full", "--strict", cwd=clone)
