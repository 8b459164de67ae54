"""Every cell of the table in docs/trouble.rst: found, told, survived, and mended."""

from __future__ import annotations

from pathlib import Path

import pytest

import padre_git
from padre_git import DamagedError, PadreGitError, Skipped, UntrustedProjectError
from tests.conftest import git
from tests.recovery.clinic import HARMS, PIECES, expected, records, snapshot, table

CELLS = table()


def test_the_table_has_every_piece_and_every_harm() -> None:
    assert set(CELLS) == {(piece, harm) for piece in PIECES for harm in HARMS}


def readable(store: padre_git.Store, before: dict[str, object]) -> dict[str, PadreGitError]:
    """Reads every run by itself; returns the errors, which may only be of one kind."""
    errors: dict[str, PadreGitError] = {}
    for text, value in before.items():
        try:
            run = store.runs.get(text)
            assert (run.parameters, run.metrics) == value
        except (DamagedError, UntrustedProjectError) as error:
            errors[text] = error
    for told in errors.values():
        if isinstance(told, DamagedError):
            assert "'iris'" in told.message
            assert "padre-git repair iris" in str(told.hint)
    return errors


@pytest.mark.parametrize(("piece", "harm"), CELLS, ids=lambda word: word.replace(" ", "-"))
def test_damage_is_found_survived_and_mended(
    root: Path, clone: Path, piece: str, harm: str
) -> None:
    path = PIECES[piece](clone)
    with padre_git.open(root, policy="manual") as store:
        before = records(store)
    if piece.startswith("spool"):  # its run is told of as far as it can be read
        before = {text: value for text, value in before.items() if "0123456789ab" not in text}
    HARMS[harm](path)
    with padre_git.open(root, policy="manual") as store:
        skipped: list[Skipped] = []
        store.subscribe(Skipped, skipped.append)
        errors = readable(store, before)
        listed = records(store)
        assert before.keys() - listed.keys() == errors.keys()
        assert skipped or not errors
        assert all(text.startswith("iris/") for text in errors)

        state = snapshot(root)
        found = store.verify("iris")
        assert snapshot(root) == state
        assert store.verify("wine") == ()
        if CELLS[piece, harm] == "harmless":
            assert found == ()
            return
        assert {one.piece.value for one in found} == {expected.get(piece, piece)}
        sources = {str(one.source.value if one.source else "") for one in found}
        assert CELLS[piece, harm] in sources, found
        named = {key.text for one in found for key in one.records}
        assert errors.keys() <= named or "iris" in named

        assert store.repair("iris") == ()
        assert store.verify("iris") == ()
        assert records(store) | before == records(store)
    after(clone, root)


def after(clone: Path, root: Path) -> None:
    """Makes sure that git finds nothing wrong, and that the project can be written."""
    git("fsck", "--full", "--strict", cwd=clone)
    assert git("status", "--porcelain", cwd=clone) == ""
    assert git("symbolic-ref", "HEAD", cwd=clone).strip() == "refs/heads/main"
    with padre_git.open(root, policy="manual") as store:
        with store.start_run("iris/svm") as run:
            run.log_metric("accuracy", 1.0)
        assert store.runs.get(run.key).metrics == {"accuracy": 1.0}
    assert git("status", "--porcelain", cwd=clone) == ""
