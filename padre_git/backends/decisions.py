"""What a person has decided about conflicts of one clone, until the merge is made.

A decision is about a place and the three values that stood there. It is found again by a
fingerprint of all four, so when a side has another value by then, nothing was decided.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from padre_git.errors import Conflict, PadreGitError
from padre_git.messages.settling import Choice, Decision
from padre_git.model.values import thaw
from padre_git.vcs.ownfiles import read_own, replace_own
from padre_git.vcs.repository import Repository

__all__ = ["Decisions", "all_open", "fingerprint", "spoken"]

_all_open: ContextVar[bool] = ContextVar("all_open", default=False)
_FILE = "decisions.json"
_VERSION = 1


@contextmanager
def all_open() -> Iterator[None]:
    """Returns a block in which nothing counts as decided here, so that every conflict is shown."""
    token = _all_open.set(True)
    try:
        yield
    finally:
        _all_open.reset(token)


class Decisions:
    """Is the decisions that wait for the others, in one clone.

    Args:
        directory: ours in the clone's git directory.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / _FILE
        self._seen: tuple[int, int] | None = None
        self._known: dict[str, dict[str, Any]] = {}

    @classmethod
    def of(cls, repository: Repository) -> Decisions:
        """Returns the decisions of a clone."""
        return cls(repository.common_dir / "padre")

    def find(self, conflict: Conflict) -> Decision | None:
        """Returns what was decided about exactly this conflict; None if nothing was."""
        found = None if _all_open.get() else self.entries().get(fingerprint(conflict))
        if found is None:
            return None
        try:
            return Decision(conflict, found["choice"], found.get("value"))
        except (PadreGitError, KeyError, TypeError):
            return None  # written by another version, or by hand

    def add(self, decisions: Iterable[Decision]) -> None:
        """Remembers decisions; later ones about the same count."""
        new = {fingerprint(d.conflict): _written(d) for d in decisions}
        if new:
            self.write({**self.entries(), **new})

    def clear(self) -> None:
        """Forgets all decisions, because what they were about is merged."""
        with suppress(FileNotFoundError):
            self._path.unlink()

    def entries(self) -> Mapping[str, dict[str, Any]]:
        """Returns everything that was decided, as it is written."""
        try:
            stamp = self._path.lstat()
        except FileNotFoundError:
            return {}
        if self._seen != (stamp.st_mtime_ns, stamp.st_ino):
            self._known = _read(self._path)
            self._seen = stamp.st_mtime_ns, stamp.st_ino
        return self._known

    def write(self, decisions: Mapping[str, dict[str, Any]]) -> None:
        """Remembers exactly this, as :meth:`entries` gave it."""
        text = json.dumps({"version": _VERSION, "decisions": decisions}, indent=1)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_own(self._path, f"{text}\n".encode())


def fingerprint(conflict: Conflict) -> str:
    """Returns what tells a conflict from every other, values included."""
    parts = (conflict.key, conflict.field, conflict.base, conflict.ours, conflict.theirs)
    return hashlib.sha256(repr([thaw(part) for part in parts]).encode()).hexdigest()


def _written(decision: Decision) -> dict[str, Any]:
    about = decision.conflict
    found: dict[str, Any] = {
        "place": about.key if about.field is None else f"{about.key} {about.field}",
        "choice": decision.choice.value,
    }
    if decision.choice is Choice.VALUE:
        found["value"] = thaw(decision.value)
    return found


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Returns what the file says; damaged, it says nothing, and the places are open again."""
    try:
        found = json.loads(read_own(path) or b"{}")
        known = found["decisions"] if found["version"] == _VERSION else {}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {mark: entry for mark, entry in known.items() if isinstance(entry, dict)}


def spoken(conflict: Conflict) -> str:
    """Returns the place of a conflict, as error messages name it."""
    return f"'{conflict.key}'" if conflict.field is None else f"'{conflict.key}' {conflict.field}"
