"""What the tests of settling share: a project of two people, and what becomes of it."""

from __future__ import annotations

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.errors import (
    Conflict,
    ConflictError,
)
from padre_git.messages import Message, Op
from padre_git.model import Change, ChangeSet, Key
from padre_git.testing.documents import (
    IRIS,
    run_key,
)
from tests.backends.dual_stores import Lab, documents
from tests.conftest import git

__all__ = ["DECISIONS", "FLOWERS", "RUN", "agreed", "places", "rename", "stuck"]

RUN = run_key(1)
FLOWERS = IRIS.dataset("flowers")
DECISIONS = ".git/padre/decisions.json"


def places(conflicts: tuple[Conflict, ...]) -> list[tuple[str, str | None]]:
    return [(conflict.key, conflict.field) for conflict in conflicts]


def stuck(ben: DualLayer) -> tuple[Conflict, ...]:
    """Pulls, which must fail, and returns where."""
    with pytest.raises(ConflictError) as caught:
        ben.pull("iris")
    assert places(caught.value.conflicts) == places(ben.conflicts("iris"))
    return ben.conflicts("iris")


def rename(backend: DualLayer, key: Key, target: Key) -> None:
    """Gives a record another name, as the store does."""
    files = documents(backend, key)
    changes = ChangeSet(
        changes=(
            Change(key=target, files=files, moved_from=key),
            Change(key=key, files=None, moved_to=target),
        )
    )
    backend.apply(changes, Message(op=Op.RENAME, subject="rename"))


def agreed(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    """Makes sure that both clones are where the remote is, with nothing left lying about."""
    ben.sync("iris")
    ada.sync("iris")
    for name in ("ada", "ben"):
        clone = lab.clone(name)
        assert git("rev-parse", "main", cwd=clone).strip() == lab.head()
        assert git("status", "--porcelain", cwd=clone) == ""
        assert not (clone / DECISIONS).exists()
    assert ada.conflicts("iris") == ben.conflicts("iris") == ()
