"""The state machine: random work on a backend and on plain dicts, which must agree after it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from padre_git.backends import Backend
from padre_git.errors import PadreGitError
from padre_git.model import ABSENT, DOCUMENTS, Change, ChangeSet, Key, Kind, Record, Tombstone
from padre_git.testing.documents import (
    ENVIRONMENT,
    EXECUTION,
    IRIS,
    files_of,
    message,
    run_key,
)
from padre_git.testing.oracle import Oracle

__all__ = ["BackendMachine"]

_OTHER = Key.project_named("iris-2")
_PAIR = (IRIS.experiment("svm"), IRIS.experiment("svm-b"))
#: Two projects, names that begin alike, runs that share a shard and runs that do not.
_KEYS = {
    "iris": [
        *(IRIS, *_PAIR, IRIS.dataset("svm"), ENVIRONMENT),
        *(key.execution(EXECUTION.name) for key in _PAIR),
        *(run_key(n, key, day=20 + n % 2) for key in _PAIR for n in range(3)),
    ],
    "iris-2": [_OTHER, _OTHER.experiment("svm"), run_key(1, _OTHER.experiment("svm"))],
}
_ALL = [key for keys in _KEYS.values() for key in keys]
_PARTS: dict[Kind, list[dict[str, bytes]]] = {
    Kind.RUN: [
        {},
        {"log.txt": b""},
        {"log.txt": b"\r\n\0", "tags/best": b"", "metrics.yaml": b"loss: 1.0\n"},
    ],
    Kind.EXECUTION: [{}, {"code.patch": b""}, {"code.patch": b"\xff"}],
    Kind.DATASET: [{}, {"data.dvc": b"outs: 1\n"}, {"data.dvc": b""}],
}


def _content(key: Key, number: int) -> dict[str, bytes]:
    titled: Any = key.kind not in (Kind.EXECUTION, Kind.ENVIRONMENT)
    fields: Any = {"title": f"v{number}"} if titled else {}
    return files_of(key, _PARTS.get(key.kind, [{}] * 3)[number], **fields)


_CONTENT = {(key, number): _content(key, number) for key in _ALL for number in range(3)}
_NUMBERS = st.integers(0, 2)
_EXPECTATIONS = st.sampled_from([None, None, None, "current", "stale", ABSENT])
#: What one set does: keys of one project, each with a number of content or None to delete it.
_SETS = st.sampled_from(list(_KEYS)).flatmap(
    lambda project: st.lists(
        st.tuples(st.sampled_from(_KEYS[project]), st.none() | _NUMBERS, _EXPECTATIONS),
        min_size=1,
        max_size=5,
        unique_by=lambda drawn: drawn[0].text,
    )
)
_GROUPS = st.lists(st.sampled_from(_KEYS["iris"]), min_size=1, max_size=6)


class BackendMachine(RuleBasedStateMachine):
    """Tests one backend; a subclass says how to make one, as for the suite."""

    #: Whether earlier states are looked at, too.
    keeps_history: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="padre-git-machine-"))
        self.backend = self.make_backend(self.directory / "store")
        self.oracle = Oracle()
        self.earlier: list[tuple[str, str | None, dict[str, dict[str, bytes]]]] = []

    # --------------------------------------------------------------------------------- hooks

    def make_backend(self, directory: Path) -> Backend:
        """Returns an empty backend that keeps what it needs below ``directory``."""
        raise NotImplementedError

    def another(self, backend: Backend) -> Backend:
        """Returns a second backend on the same store, as another process would open it."""
        raise NotImplementedError

    def reopened(self, backend: Backend, directory: Path) -> Backend:
        """Returns a backend that sees only what ``backend`` made durable, read from outside."""
        raise NotImplementedError

    def check_store(self) -> None:
        """Looks at what the backend left on the disk; called once at the end."""

    # --------------------------------------------------------------------------------- rules

    @initialize()
    def begin(self) -> None:
        keys = (IRIS, _PAIR[0], run_key(0, _PAIR[0], day=20))
        self._apply([Change(key=key, files=_CONTENT[key, 0]) for key in keys])

    @rule(drawn=_SETS)
    def change_some(self, drawn: list[tuple[Key, int | None, str | None]]) -> None:
        self._apply([self._change(*one) for one in drawn])

    @rule(key=st.sampled_from(_ALL), number=_NUMBERS)
    def put(self, key: Key, number: int) -> None:
        self._apply([Change(key=key, files=_CONTENT[key, number])])

    @rule(key=st.sampled_from(_ALL))
    def put_the_same_in_other_words(self, key: Key) -> None:
        files = self.oracle.living.get(key.text)
        if files is not None:
            before = self._state(key)
            name = DOCUMENTS[key.kind]
            other = {**files, name: b"# in other words\n" + files[name]}
            self.backend.apply(_set([Change(key=key, files=other)]), message())
            assert self._state(key) == before

    @precondition(lambda self: not all(key.text in self.oracle.living for key in _PAIR))
    @rule(there=st.booleans())
    def rename(self, there: bool) -> None:
        old, new = _PAIR if there else _PAIR[::-1]
        files = self.oracle.living.get(old.text, _CONTENT[old, 0])
        self._apply(
            [
                Change(key=old, files=None, moved_to=new),
                Change(key=new, files=files, moved_from=old),
            ]
        )

    @rule(keys=_GROUPS, number=_NUMBERS)
    def write_a_group(self, keys: list[Key], number: int) -> None:
        able = [key for key in keys if self.oracle.can_hold(key)]
        changes = [Change(key=key, files=_CONTENT[key, number]) for key in able]
        changes += [Change(key=key, files=None) for key in able[:1]]
        done = self.backend.apply_each([(_set([change]), message()) for change in changes])
        for change, revisions in zip(changes, done, strict=True):
            self.oracle.note([change], revisions)

    @rule()
    def open_again(self) -> None:
        again = self.another(self.backend)
        self.backend.close()
        self.backend = again

    # ---------------------------------------------------------------------------- agreement

    @invariant()
    def store_and_oracle_agree(self) -> None:
        self._compare(self.backend)

    def teardown(self) -> None:
        try:
            for project, state, living in self.earlier[-5:]:
                found = self.backend.read(_KEYS[project], at=state)
                assert _living(found) == living
            self.check_store()
            with self.reopened(self.backend, self.directory / "elsewhere") as other:
                self._compare(other)
        finally:
            self.backend.close()
            shutil.rmtree(self.directory)

    def _compare(self, backend: Backend) -> None:
        assert [key.text for key in backend.scan()] == sorted(self.oracle.living)
        found = backend.read(_ALL)
        assert _living(found) == self.oracle.living
        tombstones = {k.text: r.moved_to for k, r in found.items() if isinstance(r, Tombstone)}
        gone = {text: to.text if to else None for text, to in tombstones.items()}
        assert gone == self.oracle.gone

    def _state(self, key: Key) -> str | None:
        return self.backend.changes(key.project).end

    def _change(self, key: Key, number: int | None, expectation: str | None) -> Change:
        current = self.oracle.revisions.get(key.text, "0" * 40)
        expected = {"current": current, "stale": "1" * 40}.get(expectation or "", expectation)
        files = None if number is None else _CONTENT[key, number]
        return Change(key=key, files=files, expected=expected)

    def _apply(self, changes: Sequence[Change]) -> None:
        errors = self.oracle.errors(changes)
        try:
            revisions = self.backend.apply(_set(changes), message())
        except PadreGitError as error:
            # a backend may raise a kind of its own below one of the public ones
            public = next(
                c for c in type(error).__mro__ if c.__module__ == PadreGitError.__module__
            )
            assert public in errors, (error, errors)
            return
        assert not errors
        self.oracle.note(changes, revisions)
        if self.keeps_history:
            project = changes[0].key.project
            living = self.oracle.living.items()
            now = {text: files for text, files in living if text.split("/")[0] == project}
            self.earlier.append((project, self._state(changes[0].key), now))


def _living(found: dict[Key, Record | Tombstone]) -> dict[str, dict[str, bytes]]:
    return {key.text: dict(r.files) for key, r in found.items() if isinstance(r, Record)}


def _set(changes: Sequence[Change]) -> ChangeSet:
    return ChangeSet(changes=tuple(changes))
