"""Writing change sets to one clone: each a commit of its own, all of them in one durable write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from padre_git.backends.clones import Clone
from padre_git.backends.handing import Write
from padre_git.backends.overlay import Overlay
from padre_git.backends.planning import Plan, plan
from padre_git.backends.records import Tree
from padre_git.errors import ConflictError
from padre_git.format import commit_text, scaffold
from padre_git.messages import Author, Message
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.process import run_git
from padre_git.vcs.snapshot import Snapshot

__all__ = ["Writing"]

#: Hears what will become of each write, and of which commit, before anything moves.
Announce = Callable[[str, Sequence[Plan | None]], None]


@dataclass(frozen=True, kw_only=True)
class Writing:
    """Writes to one clone.

    Attributes:
        clone: the clone.
        author: by whom, if a message does not say; None for git's own identity.
    """

    clone: Clone
    author: Author | None

    def all_or_none(self, writes: Sequence[Write]) -> list[Plan]:
        """Writes all of these; they can build on one another.

        Raises:
            PadreGitError: see ``Backend.apply``; nothing was written.
        """
        done: list[Plan] = []
        unsealed: set[str] = set()

        def commits(snapshot: Snapshot) -> list[NewCommit]:
            done.clear()
            trying = _Trying(self.clone, snapshot, unsealed, overlaid=len(writes) > 1)
            done.extend(trying.plan(write) for write in writes)
            return self._commits(done, writes)

        try:
            self.clone.repository.advance(commits)
        except ConflictError:
            unsealed |= _with_ignored_files(self.clone, done)
            if not unsealed:
                raise
            self.clone.repository.advance(commits)
        return done

    def those_that_can(self, writes: Sequence[Write], announce: Announce) -> list[Plan | None]:
        """Writes those of these that can be; returns None for the others.

        The branch may follow later, see :meth:`~padre_git.vcs.repository.Repository.put_off`.

        Args:
            writes: the writes, of different owners.
            announce: see above.

        Raises:
            PadreGitError: if none of them was written.
        """
        done: list[Plan | None] = []

        def commits(snapshot: Snapshot) -> list[NewCommit]:
            done.clear()
            trying = _Trying(self.clone, snapshot, frozenset(), overlaid=True)
            done.extend(trying.plan_if_possible(write) for write in writes)
            return self._commits(done, writes)

        self.clone.repository.put_off(commits, lambda tip: announce(tip, done))
        return done

    def _commits(self, plans: Sequence[Plan | None], writes: Sequence[Write]) -> list[NewCommit]:
        return [
            self._commit(planned, write.message)
            for planned, write in zip(plans, writes, strict=True)
            if planned is not None and planned.edits
        ]

    def _commit(self, planned: Plan, message: Message) -> NewCommit:
        return NewCommit(
            edits=planned.edits,
            text=commit_text(message, planned.changed),
            author=message.author or self.author,
            time=message.time,
        )


class _Trying:
    """Plans writes, one on top of the other, on a snapshot."""

    def __init__(
        self, clone: Clone, snapshot: Snapshot, unsealed: Iterable[str], *, overlaid: bool
    ) -> None:
        clone.check(snapshot)
        self._clone = clone
        self._tree: Tree = Overlay(snapshot) if overlaid else snapshot
        self._unsealed = frozenset(unsealed)
        self._is_empty = snapshot.commit is None

    def plan(self, write: Write) -> Plan:
        """Returns what a write does; the next one goes on top of it."""
        records = self._clone.records(self._tree)
        planned = plan(write.amend(write.changes, records), records, unsealed=self._unsealed)
        if self._is_empty:  # cloned from an empty repository
            planned = replace(planned, edits={**scaffold(), **planned.edits})
            self._is_empty = False
        if isinstance(self._tree, Overlay):
            self._tree.edit(planned.edits)
        return planned

    def plan_if_possible(self, write: Write) -> Plan | None:
        """Returns what a write does; None if its owner has to learn what is wrong with it."""
        try:
            return self.plan(write)
        except Exception:  # noqa: BLE001 - whatever it is, it is not for who writes it for them
            return None


def _with_ignored_files(clone: Clone, plans: Iterable[Plan]) -> set[str]:
    """Returns where a seal would be in the way of ignored files only, such as fetched data.

    They stay where they are, and the deletion goes without that seal: refusing it because of
    data that can be fetched again would be worse than a later merge that git does not question.
    """
    seals = {path for planned in plans for path in planned.seals}
    if not seals:
        return set()
    words = ["ls-files", "-z", "--others", "--exclude-standard", "--", *sorted(seals)]
    users = run_git(words, clone.repository.path).decode(errors="surrogateescape").split("\0")
    found = {path for path in seals if (clone.repository.path / path).is_dir()}
    return {path for path in found if not any(name.startswith(f"{path}/") for name in users)}
