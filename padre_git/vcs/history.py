"""The reading half of a repository: tips, snapshots, history and refs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from padre_git.errors import NotFoundError, RepositoryError
from padre_git.model.names import quoted
from padre_git.vcs import setup
from padre_git.vcs.advance import PENDING, PENDING_BASE
from padre_git.vcs.objects import Commit
from padre_git.vcs.plan import differences
from padre_git.vcs.process import run_git, try_git
from padre_git.vcs.reader import Reader
from padre_git.vcs.refs import RefStore
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.trial import Trial

__all__ = ["History"]

#: git takes later dates for something else.
_LAST_MOMENT = datetime(2099, 12, 31, tzinfo=UTC)


class History:
    """Is what can be read of one clone.

    Attributes:
        path: the work tree's root, or the directory of a bare repository.
        branch: short name of the branch.
        git_dir: the git directory of this work tree.
        common_dir: the git directory that all work trees of this repository share.
    """

    def __init__(self, path: str | Path, *, branch: str) -> None:
        self.path = Path(path)
        self.branch = setup.check_branch(branch)
        self.git_dir, self.common_dir, self._is_bare = setup.find_git_dir(self.path)
        self._own = self.common_dir / "padre"
        self._mark = self._own / "mark"
        self._reader = Reader(self.common_dir)
        self._refs = RefStore(self.common_dir, self._mark)
        self._merged: tuple[str, str] | None = None
        self._last: Snapshot | None = None

    def close(self) -> None:
        """Ends the git process that reads objects; it can be called twice."""
        self._reader.close()

    def tip(self) -> str | None:
        """Returns the commit that holds everything that was acknowledged; None for none yet.

        That is ``refs/padre/pending`` while commits wait for the user to be free, else the branch;
        the branch, too, when the user has merged what waits.
        """
        branch, pending = self._refs.read(f"refs/heads/{self.branch}"), self._refs.read(PENDING)
        if pending is None or branch is None or pending == branch:
            return pending or branch
        if self._refs.read(PENDING_BASE) == branch:
            return pending
        if self._merged != (pending, branch) and self.is_ancestor(pending, branch):
            self._merged = pending, branch
        return branch if self._merged == (pending, branch) else pending

    def snapshot(self, commit: str | None = None) -> Snapshot:
        """Returns the project as a commit has it; as :meth:`tip` has it without one."""
        commit = self.tip() if commit is None else commit
        last = self._last
        if last is None or last.commit != commit:
            last = self._last = Snapshot(self._reader, commit)
        return last

    def trial(self) -> Trial:
        """Returns a place to try edits of this project out, without writing anything."""
        return Trial(self._reader, self.common_dir / "objects")

    def commit(self, oid: str) -> Commit:
        """Returns what a commit says."""
        return self._reader.commit(oid)

    def has(self, oid: str) -> bool:
        """Tells whether there is an object."""
        return self._reader.has(oid)

    def resolve(self, at: str) -> str:
        """Returns the commit that a commit id, tag, branch or RFC 3339 date names.

        A date names the last commit at that time in the history of :meth:`tip`.

        Raises:
            NotFoundError: if it names none.
        """
        tip = self.tip()
        moment = _moment(at)
        if moment is not None and tip is not None:
            latest = min(moment.astimezone(UTC), _LAST_MOMENT)
            found = run_git(["rev-list", "-1", f"--before={latest.isoformat()}", tip], self.path)
        elif "\0" in at:  # no argument of a process can have it
            found = b""
        else:
            name = at + "^{commit}"
            found = try_git(
                ["rev-parse", "--verify", "--quiet", "--end-of-options", name], self.path
            ).out
        lines = found.decode().split()
        if not lines and moment is not None:
            raise NotFoundError(f"'{self.path}' had no commit yet at {quoted(at)}")
        if not lines or at.startswith("-") or any(line.startswith("^") for line in lines):
            raise NotFoundError(f"no commit {quoted(at)} in '{self.path}'")
        return lines[-1]

    def log(
        self, paths: Sequence[str] = (), *, limit: int | None = None, at: str | None = None
    ) -> list[Commit]:
        """Returns the commits that changed any of these paths, newest first.

        Args:
            paths: files or directories; none for every commit.
            limit: at most this many.
            at: a commit id; None for :meth:`tip`.
        """
        start = at or self.tip()
        if start is None:
            return []
        count = [] if limit is None else [f"--max-count={limit}"]
        literal = [f":(literal,top){path}" for path in paths]
        out = run_git(["rev-list", *count, start, "--", *literal], self.path)
        return [self._reader.commit(oid) for oid in out.decode().split()]

    def diff_paths(self, a: str | None, b: str) -> list[str]:
        """Returns the paths of the files that differ between two commits; None for no commit."""
        trees = self.snapshot(a).tree if a else Snapshot(self._reader, None).tree
        return [d.path for d in differences(self._reader, trees, self.snapshot(b).tree)]

    def is_ancestor(self, a: str, b: str) -> bool:
        """Tells whether commit ``a`` is ``b`` or in its history.

        Raises:
            RepositoryError: if git cannot tell.
        """
        if a == b or a in self._reader.commit(b).parents:
            return True
        done = try_git(["merge-base", "--is-ancestor", a, b], self.path)
        if done.code not in {0, 1}:
            raise RepositoryError(f"git merge-base failed in '{self.path}': {done.err.strip()}")
        return done.code == 0

    def merge_bases(self, a: str, *others: str) -> list[str]:
        """Returns the best common ancestors of a commit and a merge of the others."""
        return try_git(["merge-base", "--all", a, *others], self.path).out.decode().split()

    def merge_base(self, a: str, b: str) -> str | None:
        """Returns one best common ancestor of two commits; None if they share no history."""
        return next(iter(self.merge_bases(a, b)), None)

    def read_ref(self, name: str) -> str | None:
        """Returns what a ref names; None if there is no such ref."""
        return self._refs.read(name)

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Returns every ref whose name begins with a prefix, with what it names."""
        return self._refs.names(prefix)


def _moment(text: str) -> datetime | None:
    """Returns the time that an RFC 3339 date or date-time names; None if it is something else."""
    if len(text) < 10 or text[4:5] != "-":
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
