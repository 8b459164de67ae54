"""One clone as its remote sees it: what each has, and moving commits between the two.

What the remote is known to have is ``refs/remotes/origin/<branch>``, as in any clone. A clone with
that ref has known its remote: if the repository is gone there, it was deleted by somebody, and is
not made again from here.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from padre_git.backends.kept import Kept
from padre_git.backends.records import Records
from padre_git.errors import (
    RemoteError,
    RemoteMissingError,
    RepositoryError,
)
from padre_git.model import Key, Record
from padre_git.vcs.forking import ProcessLock
from padre_git.vcs.locks import clear_stale
from padre_git.vcs.process import run_git
from padre_git.vcs.refs import StaleRefError
from padre_git.vcs.relocating import read_sign
from padre_git.vcs.remotes import without_user
from padre_git.vcs.repository import Repository
from padre_git.vcs.transport import MOVED, Outcome, check_branches, fetch, push

if TYPE_CHECKING:
    from padre_git.backends.exchange import Exchange

__all__ = ["MET", "Side"]

MET = "refs/padre/met"


class Side:
    """Is one clone as its remote sees it.

    Attributes:
        project: its name.
        repository: the clone.
        kept: the copies it keeps of records that it withdrew.
        busy: held by whoever publishes or merges in this process, the network included.
    """

    def __init__(self, project: str, repository: Repository, url: str, store: Exchange) -> None:
        self.project = project
        self.repository = repository
        self.kept = Kept(project, repository)
        self.busy = ProcessLock()
        self._url = url
        self._store = store
        self._remembered = False
        self._tracking = f"refs/remotes/origin/{repository.branch}"

    @property
    def seen(self) -> str | None:
        """The commit that the remote had when it was seen last; None if it never had any."""
        return self.repository.read_ref(self._tracking)

    @property
    def met(self) -> str | None:
        """The last commit that both sides were known to have; None before the first.

        Unlike what was seen last, the person's own fetch does not move it, and what it names is
        not lost when the remote's history is rewritten.
        """
        return self.repository.read_ref(MET)

    def meet(self, commit: str) -> None:
        """Remembers that both sides have a commit."""
        known = self.met
        if known != commit:
            with suppress(StaleRefError):  # another process has just done it
                self.repository.write_ref(MET, commit, known)

    def fetch(self) -> str | None:
        """Asks the remote what it has and brings it here; None if it has nothing yet.

        Raises:
            RemoteMissingError: if the repository is gone.
            BranchMissingError: if it is there, but has only other branches by now.
            RemoteUnavailableError, AuthenticationError, RemoteError: if it cannot be asked.
        """
        self._store.reach()
        self._release()
        known = self.seen
        try:
            found = fetch(
                self.repository.path,
                self._url,
                self.repository.branch,
                tracking=self._tracking,
                terms=self._store.terms,
                watch=self._store.watch(self.project),
            )
        except RemoteMissingError as error:
            if known is None:
                return None
            raise self._gone() from error
        self._store.heard()
        if known is not None and found != known:
            if found is None:
                check_branches(self._url, self.repository.branch, terms=self._store.terms)
                raise self._gone()
            if self.met is None:
                self.meet(known)
        return found

    def push(self, commit: str) -> Outcome:
        """Offers a commit to the remote, and makes the repository there if it is new.

        Raises:
            RejectedError: if the remote refuses.
            RemoteMissingError: if the repository is gone, or somebody has to make it.
            RemoteUnavailableError, AuthenticationError, RemoteError: if it cannot be reached.
        """
        self._store.reach()
        known = self.seen
        try:
            outcome = self._push(commit)
        except RemoteMissingError as error:
            if known is not None:
                raise self._gone() from error
            self._store.place.create(self.project)
            outcome = self._push(commit)
        self._store.heard()
        if outcome is Outcome.LANDED:
            with suppress(RepositoryError):  # a fetch at the same time has written it
                self.repository.write_ref(self._tracking, commit, known)
            self.meet(commit)
            self._remember()
        return outcome

    def published(self, keys: Sequence[Key]) -> list[Key]:
        """Returns those of these records that the remote, as seen last, holds as they are here."""
        tip, seen = self.repository.tip(), self.seen
        if tip is None or seen is None:
            return []
        here = Records(self.project, self.repository.snapshot(tip))
        if tip == seen:
            return sorted(here.alive(keys))
        there = Records(self.project, self.repository.snapshot(seen)).find(keys)
        return [
            key
            for key, record in here.find(keys).items()
            if isinstance(record, Record)
            and isinstance(other := there.get(key), Record)
            and other.revision == record.revision
        ]

    def is_foreign(self, commit: str) -> bool:
        """Returns whether a commit and this clone have no common beginning."""
        tip = self.repository.tip()
        return tip is not None and self.repository.merge_base(tip, commit) is None

    def forget(self) -> None:
        """Forgets what the remote has, because it turned out to be another project."""
        self.repository.delete_ref(self._tracking)

    def start_anew(self) -> None:
        """Forgets all that was ever seen of the remote, because it is another one now."""
        self.repository.delete_ref(self._tracking)
        self.repository.delete_ref(MET)

    def check_place(self) -> None:
        """Makes sure that the remote is not known to have moved elsewhere.

        Raises:
            RemoteMissingError: if somebody has left a sign there; the hint says how to follow.
        """
        if self.repository.read_ref(MOVED) is None:
            return
        place = read_sign(self.repository.path)
        if place == str(self._store.location):  # the person has followed it by hand
            self.forget_sign()
            return
        where = "elsewhere" if place is None else f"to '{place}'"
        raise RemoteMissingError(
            f"the remote of '{self.project}' has moved {where}",
            key=self.project,
            hint="follow it, all that is here goes along: padre-git remote move"
            f" {shlex.quote(place) if place else 'NEW'}",
        )

    def forget_sign(self) -> None:
        """Forgets that the remote has moved elsewhere."""
        self.repository.delete_ref(MOVED)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Returns whether a commit is reachable from another one."""
        return old == new or self.repository.is_ancestor(old, new)

    def between(self, start: str | None, end: str) -> list[str]:
        """Returns the commits of ``end`` that ``start`` does not have, the oldest first."""
        ends = [end] if start is None else [end, f"^{start}"]
        out = run_git(["rev-list", "--topo-order", "--reverse", *ends], self.repository.path)
        return out.decode().split()

    def _release(self) -> None:
        """Takes away the lock of the remote's ref that a process of ours left when it was killed.

        git would not fetch over it, and says so of any lock.
        """
        common = self.repository.common_dir
        if (common / f"{self._tracking}.lock").exists():
            with self.repository.lock():
                clear_stale(common / self._tracking, mark=common / "padre" / "mark")

    def _push(self, commit: str) -> Outcome:
        repository, terms = self.repository, self._store.terms
        return push(
            repository.path,
            self._url,
            commit,
            repository.branch,
            known=self.seen,
            terms=terms,
            watch=self._store.watch(self.project),
        )

    def _remember(self) -> None:
        """Tells plain git where this clone's remote is, if nobody has told it yet."""
        if self._remembered:
            return
        self._remembered = True
        branch, path = self.repository.branch, self.repository.path
        for name, value in (
            ("remote.origin.url", self._url),
            ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
            (f"branch.{branch}.remote", "origin"),
            (f"branch.{branch}.merge", f"refs/heads/{branch}"),
        ):
            if not run_git(["config", "--local", "--get", name], path, check=False).strip():
                run_git(["config", "--local", name, value], path)

    def _gone(self) -> RemoteError:
        return RemoteMissingError(
            f"the repository of '{self.project}' is gone: '{without_user(self._url)}'",
            key=self.project,
            hint="somebody deleted or moved it; it is not made again. If it was moved, run:"
            " padre-git remote move NEW. To publish this clone there all the same, run:"
            f" git -C {self.repository.path} update-ref -d {self._tracking}",
        )
