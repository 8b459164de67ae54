"""One clone: what the rest of the program knows of git."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from padre_git.errors import (
    InvalidInputError,
    LockedError,
    NotFoundError,
    RepositoryError,
)
from padre_git.messages import Author
from padre_git.vcs import setup
from padre_git.vcs.advance import PENDING, Clone, Mover, Plan
from padre_git.vcs.checkout import IndexFile, Site, open_site
from padre_git.vcs.config import Config
from padre_git.vcs.identity import Identity, find_identity
from padre_git.vcs.locks import clear_stale, make_mark
from padre_git.vcs.objects import Commit
from padre_git.vcs.packs import PackWriter
from padre_git.vcs.plan import NewCommit, build_plan, differences
from padre_git.vcs.process import run_git, try_git
from padre_git.vcs.reader import Reader
from padre_git.vcs.reflog import Reflog
from padre_git.vcs.refs import RefStore
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.userstate import Checkout, UserState, checkouts, state_of
from padre_git.vcs.worktree import WorkTree

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["Repository"]

_POLL = 0.002


class Repository:
    """Is one clone of a project and the branch we write to.

    Use :meth:`create`, :meth:`open` or :meth:`clone`; then :meth:`snapshot` reads and
    :meth:`advance` writes. It can be shared between threads; a lock per clone keeps processes
    apart.

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
        self._config = Config(self.path, self.common_dir)
        self._reader = Reader(self.common_dir)
        self._refs = RefStore(self.common_dir, self._mark)
        self._reflog = Reflog(self.common_dir, self._config)
        self._indexes: dict[Path, IndexFile] = {}
        self._lock: FileLock | None = None
        self._guard = threading.Lock()

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        branch: str,
        files: Mapping[str, bytes],
        text: str,
        author: Author | None = None,
    ) -> Self:
        """Creates a repository with a first commit; a crash leaves all of it or nothing.

        Args:
            path: where; a missing or empty directory.
            branch: the branch to create.
            files: content of the first commit by path.
            text: its message.
            author: by whom; None for git's own identity.

        Raises:
            AlreadyExistsError: if there is something already.
        """
        with setup.new_directory(Path(path)) as place:
            setup.init(place, branch=branch)
            with cls(place, branch=branch) as made:
                first = NewCommit(edits=dict(files), text=text, author=author)
                made.advance(lambda _: [first])
        return cls(path, branch=branch)

    @classmethod
    def open(cls, path: str | Path, *, branch: str) -> Self:
        """Opens a clone; nothing is written and no process is started.

        Raises:
            NotFoundError: if there is no git repository at exactly that place.
        """
        return cls(path, branch=branch)

    @classmethod
    def clone(cls, url: str, path: str | Path, *, branch: str) -> Self:
        """Clones a repository with all its history and checks the branch out.

        No hook, template or configured program of anybody runs, received objects are checked,
        and symbolic links are checked out as plain files, so that a hostile repository can write
        only below ``path``. A repository without the branch gives a clone without commits.

        Args:
            url: where from, as git takes it.
            path: where to; a missing or empty directory.
            branch: the branch to use, whatever the other side's HEAD names.

        Raises:
            AlreadyExistsError: if there is something at ``path``.
            RepositoryError: if git fails; with git's words.
        """
        with setup.new_directory(Path(path)) as place:
            setup.clone(url, place, branch=branch)
        return cls(path, branch=branch)

    def close(self) -> None:
        """Ends the git process that reads objects; it can be called twice."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Repository({str(self.path)!r}, branch={self.branch!r})"

    # -- reading ------------------------------------------------------------------------------

    def tip(self) -> str | None:
        """Returns the commit that holds everything that was acknowledged; None for none yet.

        That is ``refs/padre/pending`` while commits wait for the user to be free, else the branch.
        """
        return self._refs.read(PENDING) or self._refs.read(f"refs/heads/{self.branch}")

    def snapshot(self, commit: str | None = None) -> Snapshot:
        """Returns the project as a commit has it; as :meth:`tip` has it without one."""
        return Snapshot(self._reader, self.tip() if commit is None else commit)

    def commit(self, oid: str) -> Commit:
        """Returns what a commit says."""
        return self._reader.commit(oid)

    def resolve(self, at: str) -> str:
        """Returns the commit that a commit id, tag, branch or RFC 3339 date names.

        A date names the last commit at that time in the history of :meth:`tip`.

        Raises:
            NotFoundError: if it names none.
        """
        tip = self.tip()
        moment = _moment(at)
        if moment is not None and tip is not None:
            before = f"--before={moment.astimezone(UTC).isoformat()}"
            found = run_git(["rev-list", "-1", before, tip], self.path)
        else:
            name = at + "^{commit}"
            found = try_git(
                ["rev-parse", "--verify", "--quiet", "--end-of-options", name], self.path
            ).out
        lines = found.decode().split()
        if not lines or at.startswith("-"):
            raise NotFoundError(f"no commit '{at}' in '{self.path}'")
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
        """Tells whether commit ``a`` is ``b`` or in its history."""
        if a == b or a in self._reader.commit(b).parents:
            return True
        done = try_git(["merge-base", "--is-ancestor", a, b], self.path)
        if done.code not in {0, 1}:
            raise RepositoryError(f"git merge-base failed in '{self.path}': {done.err.strip()}")
        return done.code == 0

    def merge_bases(self, a: str, b: str) -> list[str]:
        """Returns the best common ancestors of two commits."""
        return try_git(["merge-base", "--all", a, b], self.path).out.decode().split()

    def merge_base(self, a: str, b: str) -> str | None:
        """Returns one best common ancestor of two commits; None if they share no history."""
        return next(iter(self.merge_bases(a, b)), None)

    # -- refs ---------------------------------------------------------------------------------

    def read_ref(self, name: str) -> str | None:
        """Returns what a ref names; None if there is no such ref."""
        return self._refs.read(name)

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Returns every ref whose name begins with a prefix, with what it names."""
        return self._refs.names(prefix)

    def write_ref(self, name: str, new: str, old: str | None) -> None:
        """Moves a ref durably if it is at ``old`` (None: does not exist).

        Raises:
            StaleRefError: if it is somewhere else.
        """
        with self.lock():
            self._refs.write(name, new, old)

    def delete_ref(self, name: str, old: str | None = None) -> None:
        """Deletes a ref durably if it is at ``old`` (None: wherever it is).

        Raises:
            StaleRefError: if it is somewhere else.
        """
        with self.lock():
            self._refs.delete(name, old)

    # -- writing ------------------------------------------------------------------------------

    @contextmanager
    def lock(self, *, timeout: float = 60.0) -> Iterator[None]:
        """Holds this clone against other writers of ours; a thread can take it again.

        Args:
            timeout: seconds to wait for another process.

        Raises:
            LockedError: if it was held for all that time.
        """
        from filelock import FileLock, Timeout

        with self._guard:
            if self._lock is None:
                make_mark(self._mark)
                self._lock = FileLock(self._own / "lock")
        try:
            self._lock.acquire(timeout=timeout, poll_interval=_POLL)
        except Timeout as error:
            raise LockedError(
                f"another process has been writing to '{self.path}' for {timeout:g} s",
                hint="try again when it has ended",
            ) from error
        try:
            yield
        finally:
            self._lock.release()

    def advance(self, plan: Plan, *, timeout: float = 60.0) -> str:
        """Makes commits on the branch, durably, and returns the new tip.

        When this returns, the commits survive a power cut, the work tree and the index of whoever
        has the branch checked out have followed, and ``git status`` says nothing of it. While the
        user is in the middle of something (see :meth:`state`) the commits wait on
        ``refs/padre/pending``, where :meth:`tip` finds them.

        Args:
            plan: is given the present state and returns the commits to make; it is called again
                when somebody else has committed in between. It must not keep the lock waiting.
                Instead of commits it may return the id of one that follows the present tip.
            timeout: seconds to wait for other writers.

        Returns:
            The tip afterwards; as before if the plan changes nothing.

        Raises:
            ConflictError: if a file to change has uncommitted or staged changes, or an untracked
                file is in the way; nothing was written.
            LockedError: if another process of ours held the clone too long; nothing was written.
            InvalidInputError: if nothing was planned for a repository without commits.
        """
        with self.lock(timeout=timeout):
            mover = self._mover()
            try:
                tip = mover.advance(plan, timeout=timeout)
            except OSError as error:
                raise _storage_error(self.path, error) from error
        if tip is None:
            raise InvalidInputError(f"'{self.path}' has no commit and none was planned")
        return tip

    def build(self, base: str, commits: Sequence[NewCommit]) -> str:
        """Makes commits on top of another one, durably, and moves nothing to them.

        Args:
            base: id of the commit they go on.
            commits: see :class:`~padre_git.vcs.plan.NewCommit`.

        Returns:
            The id of the last one; ``base`` if nothing changes.
        """
        writer = PackWriter(self.common_dir / "objects")
        snapshot = Snapshot(self._reader, base)
        made = build_plan(
            snapshot, commits, reader=self._reader, writer=writer, who=self.identity()
        )
        writer.flush()
        return made or base

    def bring_up(self) -> bool:
        """Brings the branch up to the commits that wait; tells whether none waits any more.

        If the branch has moved meanwhile they are merged by path into one merge commit, never
        rewritten.

        Raises:
            ConflictError: if both sides changed the same file, or a file of the user's would be
                overwritten; branch and waiting commits stay as they are, and :meth:`tip` goes on
                to show the waiting ones.
        """
        with self.lock():
            mover = self._mover()
            try:
                return mover.bring_up()
            except OSError as error:
                raise _storage_error(self.path, error) from error

    def state(self) -> UserState:
        """Returns what the user is in the middle of, where the branch is checked out."""
        states = (state_of(checkout) for checkout in self._checkouts())
        return next((state for state in states if state is not UserState.FREE), UserState.FREE)

    def identity(self) -> Identity:
        """Returns who commits here, and whether that had to be invented."""
        return find_identity(self._config)

    def _checkouts(self) -> list[Checkout]:
        root = None if self._is_bare else self._main_root()
        return checkouts(self.common_dir, root, self.branch)

    def _main_root(self) -> Path:
        return self.path if self.git_dir == self.common_dir else self.common_dir.parent

    def _mover(self) -> Mover:
        self._config.require_files()
        found = self._checkouts()
        branch = self._refs.real(f"refs/heads/{self.branch}")
        for target in [branch, self._refs.real(PENDING), *(c.git_dir / "index" for c in found)]:
            clear_stale(target, mark=self._mark)
        clone = Clone(
            common=self.common_dir,
            branch=self.branch,
            reader=self._reader,
            refs=self._refs,
            checkouts=self._checkouts,
            open_site=self._site,
            identity=self.identity,
            move_ref=self._move_ref,
            is_ancestor=self.is_ancestor,
            merge_base=self.merge_base,
        )
        return Mover(clone=clone, writer=PackWriter(self.common_dir / "objects"))

    def _site(self, checkout: Checkout) -> Site:
        path = checkout.git_dir / "index"
        index = self._indexes.setdefault(path, IndexFile(path, scratch=self._own, mark=self._mark))
        recovering = (self._own / "intent").exists()
        tree = WorkTree(
            checkout.root,
            self._own,
            links=self._config.is_true("core.symlinks", default="true"),
            clean=partial(_clean_id, checkout.root),
            torn=partial(self._reader.object, kind="blob") if recovering else None,
        )
        return open_site(checkout, index, self._config, tree, ())

    def _move_ref(self, name: str, new: str, old: str | None, why: str) -> None:
        self._refs.write(name, new, old)
        self._reflog.moved(name, new, old, why, self.identity().committer)


def _clean_id(root: Path, path: str) -> str:
    """Returns the id that git would give a work-tree file, line endings and filters included."""
    return run_git(["hash-object", "--", path], root).decode().strip()


def _moment(text: str) -> datetime | None:
    """Returns the time that an RFC 3339 date or date-time names; None if it is something else."""
    if len(text) < 10 or text[4:5] != "-":
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _storage_error(path: Path, error: OSError) -> RepositoryError:
    return RepositoryError(
        f"'{path}' could not be written: {error.strerror or error} ({error.filename or 'a file'})",
        hint="what was acknowledged before stands; the next call finishes or forgets this one",
    )


_ = Iterable
