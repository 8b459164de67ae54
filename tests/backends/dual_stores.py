"""Stores that share a directory of bare repositories, and what tests ask of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.backends.urls import with_url
from padre_git.messages import DeleteMode, Event, Message, Op
from padre_git.model import Change, ChangeSet, Found, Key, Record
from padre_git.vcs.remotes import RemoteLocation
from tests.conftest import git

__all__ = ["Lab", "Plain", "delete", "documents", "fsck"]


class Plain(DualLayer):
    """Is a dual layer whose records are compared with what was put, which has no url."""

    def read(self, keys: Iterable[Key], *, at: str | None = None) -> dict[Key, Found]:
        found = super().read(keys, at=at)
        return {
            key: Record(key=key, files=with_url(record, None))
            if isinstance(record, Record)
            else record
            for key, record in found.items()
        }


class Lab:
    """Is a directory of bare repositories and the stores of the people who share it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.remote = directory / "lab"
        self.remote.mkdir(parents=True, exist_ok=True)
        self.events: list[Event] = []
        self._open: list[DualLayer] = []

    def store(self, name: str, **options: Any) -> DualLayer:
        """Opens the store of a person; it asks the remote at every read unless told otherwise."""
        options = {"max_age": 0, "notify": self.events.append, **options}
        local = GitBackend(self.directory / name, notify=self.events.append)
        opened = DualLayer(local, RemoteLocation.parse(self.remote), **options)
        self._open.append(opened)
        return opened

    def clone(self, name: str, project: str = "iris") -> Path:
        """Returns the directory of a person's clone."""
        return self.directory / name / project

    def bare(self, project: str = "iris") -> Path:
        """Returns the directory of a project's bare repository."""
        return self.remote / f"{project}.git"

    def head(self, project: str = "iris") -> str:
        """Returns the commit of the remote's branch."""
        return git("rev-parse", "main", cwd=self.bare(project)).strip()

    def go_offline(self) -> None:
        """Takes the remote away, as a disk that is not mounted or a host that is down."""
        self.remote.rename(self.directory / "unmounted")

    def go_online(self) -> None:
        """Brings the remote back."""
        (self.directory / "unmounted").rename(self.remote)

    def heard(self, kind: type[Event]) -> list[Any]:
        """Returns the events of a type, and forgets all."""
        found = [event for event in self.events if isinstance(event, kind)]
        self.events.clear()
        return found

    def close(self) -> None:
        """Closes every store, and makes sure that no repository was damaged."""
        for opened in self._open:
            opened.close()
        for repository in [*self.remote.glob("*.git"), *self.directory.glob("*/*/.git")]:
            fsck(repository)


def fsck(repository: Path) -> None:
    """Fails unless git finds a repository sound."""
    assert git("fsck", "--full", "--strict", "--no-dangling", cwd=repository) == ""


def documents(store: DualLayer, key: Key) -> dict[str, bytes]:
    """Returns the files of a living record."""
    record = store.read([key])[key]
    assert isinstance(record, Record), record
    return dict(record.files)


def delete(
    store: DualLayer, *keys: Key, mode: DeleteMode = DeleteMode.ALL, force: bool = False
) -> None:
    """Deletes records of one project, in a mode, as the services do."""
    if mode is DeleteMode.ALL:
        changes = ChangeSet(changes=tuple(Change(key=key, files=None) for key in keys))
        store.apply(changes, Message(op=Op.DELETE, subject=f"delete {keys[0].name}"))
        return
    for key in keys:
        if mode is DeleteMode.REMOTE:
            store.withdraw(key)
        else:
            store.evict(key, force=force)
