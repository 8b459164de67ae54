"""Deleting in parts: from the remote with a copy kept here, and from this clone only."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from padre_git.backends.exchange import Side
from padre_git.backends.git import GitBackend
from padre_git.backends.planning import plan
from padre_git.backends.publishing import Publisher
from padre_git.backends.records import Records
from padre_git.backends.uniting import Unites
from padre_git.errors import NotFoundError, RemoteUnavailableError, UnpublishedError
from padre_git.format import commit_text, part_path
from padre_git.format.spools import EVENTS, SETTLED, is_settled
from padre_git.messages import Message, Op
from padre_git.model import DOCUMENTS, Change, ChangeSet, Key, Kind
from padre_git.vcs.leftovers import aside, held
from padre_git.vcs.objects import MODULE
from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.process import run_git
from padre_git.vcs.repository import Repository
from padre_git.vcs.snapshot import Snapshot

__all__ = [
    "LocalData",
    "check_published",
    "drop_files",
    "remove_clone",
    "restore_copies",
    "restore_files",
    "withdraw",
]

_NAMED = 5


class LocalData(Unites, Protocol):
    """Knows the data of clones, and which of it exists elsewhere, too."""

    def only_here(self, path: Path, git_dir: Path, commits: Sequence[str]) -> Sequence[str]:
        """Returns the pointers in these commits whose data only this clone has."""

    def shed(
        self, path: Path, git_dir: Path, going: Mapping[str, bytes], staying: Mapping[str, bytes]
    ) -> None:
        """Removes the data of these pointers, but not what others share or only this clone has."""


def withdraw(side: Side, key: Key, *, publisher: Publisher) -> None:
    """Deletes a record from the remote; a copy of it stays here, and answers as before.

    The tombstone is pushed first and comes to this clone's branch when the remote has it.

    Raises:
        NotFoundError: if it is not at the remote; nothing was deleted.
        ConflictError: if the remote has something that contradicts; nothing was deleted, unless
            the message says that it is published, and only the clone did not follow.
        RemoteError: if the remote did not take it; nothing was deleted.
    """
    changes = ChangeSet(changes=(Change(key=key, files=None),))
    message = Message(op=Op.DELETE, subject=f"withdraw {key.kind} {key.name}")

    def grave(snapshot: Snapshot) -> Sequence[NewCommit]:
        edits = plan(changes, Records(side.project, snapshot)).edits
        text = commit_text(message, [key])
        return [NewCommit(edits=edits, text=text, author=publisher.author)]

    with side.busy:
        # what waits, or was killed, must not turn out to contradict when it is gone already
        side.repository.bring_up()
        theirs = side.fetch()
        publisher.integrate(side)
        if theirs is None or not _is_there(side, key, theirs):
            raise NotFoundError(f"'{key}' is not at the remote", key=key)
        before = side.repository.tip()
        if before is not None:
            side.kept.keep(key, before)
        try:
            publisher.publish(side, extra=grave)
        except RemoteUnavailableError:
            raise  # it may have landed all the same: the copy stays, and does no harm if not
        except BaseException:
            if _is_there(side, key, side.seen):
                side.kept.drop(key)
            raise


def _is_there(side: Side, key: Key, commit: str | None) -> bool:
    return bool(Records(side.project, side.repository.snapshot(commit)).alive([key]))


def drop_files(repository: Repository, key: Key, data: LocalData | None) -> None:
    """Takes a record's files out of the work tree, and its data from the cache.

    git's objects stay, and so does data that the data remote does not have or other records share.

    Raises:
        NotFoundError: if there is no such record.
        ConflictError: if a file holds uncommitted work; nothing was removed.
        RemoteError: if the data remote cannot be asked; the data stays.
    """
    paths = _paths(repository, key)
    if not paths:
        hint = "a copy that was kept by deleting it from the remote has no files"
        raise NotFoundError(f"no {key.kind} '{key}' in the work tree", key=key, hint=hint)
    repository.evict(paths)
    if data is not None:
        snapshot = repository.snapshot()
        going = [p for path in paths for p in _pointers(snapshot, path)]
        staying = [p for p in _pointers(snapshot, "") if p not in set(going)]
        if going:
            blobs = snapshot.blobs(going), snapshot.blobs(staying)
            data.shed(repository.path, repository.common_dir, *blobs)


def _pointers(snapshot: Snapshot, directory: str) -> list[str]:
    snapshot.load(directory)
    return [path for path, _ in snapshot.walk(directory) if path.endswith(".dvc")]


def restore_files(repository: Repository, key: Key) -> bool:
    """Brings the files of a record back into the work tree; tells whether they were out of it."""
    if not (repository.common_dir / "padre" / "evicted").exists():
        return False
    paths = [path for path in _paths(repository, key) if repository.is_evicted(path)]
    if paths:
        repository.restore(paths)
    return bool(paths)


def restore_copies(
    local: GitBackend, side: Side | None, keys: Sequence[Key], message: Message, *, at: str | None
) -> bool:
    """Undoes a deletion in a clone; see :meth:`padre_git.backends.base.Backend.restore`.

    What was evicted comes back without a commit, what was withdrawn from its kept copy.

    Args:
        local: the clones.
        side: the clone; None if it has no place at the remote.
        keys: the records.
        message: what the log shall say.
        at: a state that has them; None for the last one.

    Returns:
        Whether there is something to publish.
    """
    if side is None:
        local.restore(keys, message, at=at)
        return False
    back = [restore_files(side.repository, key) for key in keys] if at is None else [False]
    if all(back):
        return False
    copies = [side.kept.commit(key) for key in keys]
    if at is None and len(copies) == 1:
        at = copies[0]
    local.restore(keys, message, at=at)
    for key in keys:
        side.kept.drop(key)
        restore_files(side.repository, key)
    return True


def _paths(repository: Repository, key: Key) -> list[str]:
    """Returns the directory of a record (the file, for an environment) if it is alive."""
    records = Records(key.project, repository.snapshot())
    places = records.places(records.alive([key]))
    if key.kind is Kind.ENVIRONMENT:
        return [part_path(key, place, DOCUMENTS[key.kind]) for place in places.values()]
    return list(places.values())


def check_published(side: Side, data: LocalData | None) -> None:
    """Makes sure that nothing is lost when this clone goes; the remote must have been asked.

    Raises:
        UnpublishedError: naming what exists only here.
        RemoteError: if the data remote cannot be asked.
    """
    repository = side.repository
    only_here = [*_commits(repository), *_files(repository)]
    only_here += [f"the kept copy of '{key}'" for key in side.kept.tops()]
    tip = repository.tip()
    if data is not None and tip is not None:
        commits = side.between(None, tip)
        only_here += data.only_here(repository.path, repository.common_dir, commits)
    for spool in (
        repository.common_dir / "padre" / "spool",
        repository.path.parent / ".padre" / "spool" / side.project,  # begun before the clone
    ):
        if spool.is_dir():
            going = (run for run in sorted(spool.iterdir()) if not _is_committed(run))
            only_here += [f"the running run '{run.name}'" for run in going]
    if (repository.common_dir / "worktrees").is_dir():
        only_here.append("linked work trees")
    if only_here:
        more = len(only_here) - _NAMED
        named = ", ".join(only_here[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        raise UnpublishedError(
            f"'{side.project}' has what exists only here: {named}",
            key=side.project,
            hint="sync or commit it first; to lose it:"
            f" padre-git delete {side.project} --mode local --force",
        )


def _is_committed(spool: Path) -> bool:
    told, events = read_own(spool / SETTLED), spool / EVENTS
    return told is not None and events.exists() and is_settled(told, events.lstat().st_size)


def _commits(repository: Repository) -> list[str]:
    shown = ["log", "--format=commit %h %s", "--all", "HEAD", "--not", "--remotes=origin"]
    return run_git(shown, repository.path).decode(errors="replace").splitlines()


def _files(repository: Repository) -> list[str]:
    # git would run what a repository inside of this one configures, so it does not look into one
    options = ["--porcelain", "--untracked-files=all", "--no-renames", "--ignore-submodules=all"]
    lines = run_git(["status", *options], repository.path).decode(errors="replace").splitlines()
    return [f"file {line[3:]}" for line in lines] + [f"file {name}" for name in _inside(repository)]


def _inside(repository: Repository) -> list[str]:
    """Returns the submodules whose repositories are here: nobody knows what is in them."""
    listed = run_git(["ls-files", "-s", "-z"], repository.path).decode(errors="surrogateescape")
    entries = (line.partition("\t") for line in listed.split("\0"))
    names = [name for head, _, name in entries if head.startswith(f"{MODULE:o} ")]
    return [name for name in names if os.path.lexists(repository.path / name / ".git")]


def remove_clone(repository: Repository) -> None:
    """Removes a clone from its root directory: all of it or, after a crash, nothing visible."""
    path = repository.path
    with repository.lock():
        gone = aside(path)
        path.rename(gone)
    repository.close()
    with held(gone):
        shutil.rmtree(gone)
