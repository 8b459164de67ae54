"""The git backend: one clone for each project, one commit for each change set.

It reads from commits, never from uncommitted files, and writes through
:class:`padre_git.vcs.Repository`, which knows how to move a branch under its user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import ClassVar

from padre_git.backends.base import Backend, Changes, check_one_project
from padre_git.backends.checks import check_files
from padre_git.backends.clones import Clone, Clones
from padre_git.backends.comparing import compare
from padre_git.backends.grouping import Grouping
from padre_git.backends.handing import Amend, Write, as_they_are
from padre_git.backends.overlay import EMPTY
from padre_git.backends.planning import Edits, plan
from padre_git.backends.projects import ignore, project_directory
from padre_git.backends.records import Records, Skip
from padre_git.backends.recovery import Recovery
from padre_git.backends.restoring import (
    check_restorable,
    deletion_of,
    deletions,
    restoration,
)
from padre_git.backends.settling import Settling
from padre_git.backends.uniting import Unites
from padre_git.backends.versions import all_paths, own_paths, versions
from padre_git.backends.writing import Writing
from padre_git.errors import Conflict, NotFoundError
from padre_git.format import (
    commit_text,
    scaffold,
)
from padre_git.messages import Author, Damage, Deletion, Event, Maintained, Message, Version
from padre_git.messages.settling import Choice, Decision
from padre_git.model import ChangeSet, Found, Key, Kind
from padre_git.vcs.mending import Fetch
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.progress import Watch
from padre_git.vcs.repository import Repository
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.transport import DEFAULT_TERMS, Terms

__all__ = ["GitBackend"]

_Write = tuple[ChangeSet, Message]


class GitBackend(Backend):
    """Stores each project in a git repository of its own, ``<root>/<project>``.

    Args:
        root: the directory that holds the repositories; it need not exist.
        branch: the branch to read and write, whatever is checked out.
        author: by whom commits are; None for git's own identity.
        notify: is told what a person should know, such as by whom commits are when git does not
            know.
        unites: see :class:`~padre_git.backends.waiting.Waiting`.
    """

    keeps_history: ClassVar[bool] = True

    def __init__(
        self,
        root: Path,
        *,
        branch: str = "main",
        author: Author | None = None,
        notify: Callable[[Event], None] = ignore,
        unites: Unites | None = None,
    ) -> None:
        self.root = Path(root)
        self.branch = branch
        self.author = author
        self._notify = notify
        self._clones = Clones(self.root, branch=branch, author=author, notify=notify, unites=unites)

    def read(self, keys: Iterable[Key], *, at: str | None = None) -> dict[Key, Found]:
        """See :meth:`Backend.read`."""
        wanted: dict[str, list[Key]] = {}
        for key in keys:
            wanted.setdefault(key.project, []).append(key)
        found: dict[Key, Found] = {}
        for project, of_project in wanted.items():
            records = self._records(self._clones.get_for_reading(project), at)
            if records is not None:
                found |= records.find(of_project)
        return found

    def scan(
        self,
        prefix: Key | None = None,
        *,
        kind: Kind | None = None,
        at: str | None = None,
        after: Key | None = None,
        limit: int | None = None,
    ) -> Iterator[Key]:
        """See :meth:`Backend.scan`; a project left out is told as a ``Skipped`` event."""
        if prefix is not None:
            clone = self._clones.get_for_reading(prefix.project)
            records = self._records(clone, at, skip=self._clones.skip)
            keys = records.scan(prefix, kind) if records is not None else []
        else:
            keys = self._scan_all(kind, at)
        return iter(sorted(key for key in keys if after is None or key > after)[:limit])

    def apply(self, changes: ChangeSet, message: Message) -> dict[Key, str | None]:
        """See :meth:`Backend.apply`; the first put of a project makes its repository."""
        return self.apply_each([(changes, message)])[0]

    def apply_each(
        self, writes: Sequence[_Write], *, amend: Amend = as_they_are
    ) -> list[dict[Key, str | None]]:
        """See :meth:`Backend.apply_each`; one durable write of one commit for each.

        A record that moves is written by itself, and so is the first of a new project. A group
        with such writes is several; each of them happens or does not.

        Args:
            writes: the change sets.
            amend: completes a change set by the records that it goes on; it is called again if
                somebody else was faster.
        """
        check_one_project(writes)
        for changes, _ in writes:
            check_files(changes)
        revisions: list[dict[Key, str | None]] = []
        for _, group in groupby(enumerate(writes), _group_of):
            revisions += self._write(
                [Write(changes=c, message=m, amend=amend) for _, (c, m) in group]
            )
        return revisions

    def changes(self, project: str, start: str | None = None, end: str | None = None) -> Changes:
        """See :meth:`Backend.changes`."""
        clone = self._clones.need(project)
        first = clone.repository.resolve(start) if start is not None else None
        last = clone.repository.resolve(end) if end is not None else clone.tip
        paths = clone.repository.diff_paths(first, last)
        old = clone.records(clone.snapshot(first) if first else EMPTY)
        new = clone.records(clone.snapshot(last))
        stored, deleted = compare(project, paths, old, new)
        return Changes(start=first, end=last, stored=stored, deleted=deleted)

    def history(self, key: Key, *, limit: int | None = None) -> Iterator[Version]:
        """See :meth:`Backend.history`."""
        return versions(self.repository(key.project), key, own_paths(key), limit=limit)

    def log(self, key: Key, *, limit: int | None = None) -> Iterator[Version]:
        """See :meth:`Backend.log`; of a project, every commit of its branch."""
        return versions(self.repository(key.project), key, all_paths(key), limit=limit)

    def deletions(self, prefix: Key | None = None, *, kind: Kind | None = None) -> list[Deletion]:
        """See :meth:`Backend.deletions`."""
        if prefix is not None:
            clone = self._clones.get(prefix.project)
            clones = [clone] if clone is not None else []
        else:
            clones = list(self._clones.all())
        return sorted(
            (
                deletion
                for clone in clones
                for deletion in deletions(
                    clone.repository, clone.records(clone.snapshot()).graves(prefix, kind)
                )
            ),
            key=lambda deletion: deletion.key,
        )

    def restore(self, keys: Sequence[Key], message: Message, *, at: str | None = None) -> None:
        """See :meth:`Backend.restore`; it is one commit, whatever lay below."""
        clone = self._clones.need(keys[0].project)
        repository = clone.repository
        fixed = None if at is None else repository.resolve(at)
        alive = clone.records(clone.snapshot()).alive(keys)
        states = {k: fixed or deletion_of(repository, k).state for k in keys if k not in alive}

        def commits(snapshot: Snapshot) -> list[NewCommit]:
            clone.check(snapshot)
            now, edits = clone.records(snapshot), Edits()
            for key in keys:
                before = clone.records(clone.snapshot(states.get(key, snapshot.commit)))
                check_restorable(key, before, now)
                edits |= restoration(key, before, now)
            text = commit_text(message, keys)
            return [NewCommit(edits=edits, text=text, author=message.author or self.author)]

        repository.advance(commits)
        self._clones.say_what_waits(clone)

    def close(self) -> None:
        """See :meth:`Backend.close`; a closed backend can be used again."""
        self._clones.close()

    # ------------------------------------------------------------------- for the layer above

    def repository(self, project: str) -> Repository | None:
        """Returns the repository of a project; None if it has no clone here.

        Raises:
            RepositoryError: if something else is in its place.
        """
        clone = self._clones.get(project)
        return clone.repository if clone is not None else None

    def conflicts(self, project: str) -> tuple[Conflict, ...]:
        """Returns what keeps waiting commits from the branch; see :meth:`Settling.conflicts`."""
        return self._settling(project).conflicts()

    def decisions(self, project: str) -> tuple[Decision, ...]:
        """Returns what was decided about it so far; see :meth:`Settling.decisions`."""
        return self._settling(project).decisions()

    def settle(
        self, project: str, decisions: Sequence[Decision], rest: Choice | None = None
    ) -> tuple[Conflict, ...]:
        """Takes decisions about it; see :meth:`Settling.settle`."""
        return self._settling(project).settle(decisions, rest)

    def verify(self, project: str) -> tuple[Damage, ...]:
        """Returns what is wrong with the clone of a project; see :mod:`.recovery`.

        Raises:
            PadreGitError: if nothing is, and yet it cannot be read, as if its branch was renamed.
        """
        recovery = self._recovery(project)
        found = recovery.verify()
        if not found:
            recovery.check_readable()
        return found

    def repair(self, project: str, *, fetch: Fetch | None = None) -> tuple[Damage, ...]:
        """Mends what can be mended, and returns what cannot.

        Args:
            project: its name.
            fetch: brings what the remote has into an empty repository; None without a remote.
        """
        try:
            return self._recovery(project, fetch).repair()
        finally:
            self._clones.close()  # what was read before may be another by now

    def maintain(self, project: str) -> Maintained:
        """Tidies the clone of a project up."""
        done = self._recovery(project).maintain()
        self.say_how_large(project)
        return done

    def say_how_large(self, project: str) -> None:
        """See :meth:`Clones.say_how_large`."""
        self._clones.say_how_large(self._clones.need(project))

    def _recovery(self, project: str, fetch: Fetch | None = None) -> Recovery:
        return Recovery(
            project=project,
            path=project_directory(self.root, project),
            branch=self.branch,
            author=self.author,
            notify=self._notify,
            fetch=fetch,
        )

    def _settling(self, project: str) -> Settling:
        return Settling(self._clones.need(project).repository, project)

    def adopt(
        self,
        project: str,
        url: str,
        *,
        terms: Terms = DEFAULT_TERMS,
        watch: Watch | None = None,
    ) -> bool:
        """Clones a project from a remote; see :meth:`Clones.adopt`."""
        return self._clones.adopt(project, url, terms=terms, watch=watch)

    # ------------------------------------------------------------------------------- reading

    def _records(
        self, clone: Clone | None, at: str | None, *, skip: Skip | None = None
    ) -> Records | None:
        if clone is None:
            return None
        commit = clone.repository.resolve(at) if at is not None else None
        return clone.records(clone.snapshot(commit), skip=skip)

    def _scan_all(self, kind: Kind | None, at: str | None) -> list[Key]:
        keys: list[Key] = []
        missing: list[NotFoundError] = []
        clones = list(self._clones.all())
        for clone in clones:
            try:
                records = self._records(clone, at, skip=self._clones.skip)
            except NotFoundError as error:
                missing.append(error)
            else:
                keys += records.scan(None, kind) if records is not None else []
        if missing and len(missing) == len(clones):
            raise missing[0]
        return keys

    # ------------------------------------------------------------------------------- writing

    def _write(self, writes: Sequence[Write]) -> list[dict[Key, str | None]]:
        project = writes[0].changes.project
        clone = self._clones.get(project)
        if clone is None:
            first = writes[0].amend(writes[0].changes, Records(project, EMPTY))
            revisions = self._create(project, first, writes[0].message)
            if revisions is not None:
                return [revisions, *(self._write(writes[1:]) if writes[1:] else [])]
            clone = self._clones.need(project)
        self._clones.say_who(clone)
        writing = Writing(clone=clone, author=self.author)
        if len(writes) == 1 and writes[0].can_be_shared:
            done = [Grouping(writing=writing).write(writes[0])]
        else:
            done = [planned.revisions for planned in writing.all_or_none(writes)]
        self._clones.say_what_waits(clone)
        return done

    def _create(
        self, project: str, changes: ChangeSet, message: Message
    ) -> dict[Key, str | None] | None:
        """Makes a project's repository; returns None if somebody else was quicker."""
        planned = plan(changes, Records(project, EMPTY))
        files = {path: data for path, data in planned.edits.items() if isinstance(data, bytes)}
        created = self._clones.create(
            project,
            files=scaffold() | files,
            text=commit_text(message, planned.changed),
            author=message.author or self.author,
        )
        if not created:
            return None
        self._clones.say_who(self._clones.need(project))
        return planned.revisions


def _group_of(numbered: tuple[int, _Write]) -> int:
    """Returns a number that writes have in common if they can be planned on one another."""
    number, (changes, _) = numbered
    return number if any(change.moved_from is not None for change in changes) else -1
