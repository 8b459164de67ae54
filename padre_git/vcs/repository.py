"""One clone: what the rest of the program knows of git."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Self

from padre_git.errors import ConflictError, InvalidInputError, LockedError
from padre_git.messages import Author
from padre_git.processes import this_process
from padre_git.vcs import knownconfig, setup
from padre_git.vcs.advance import PENDING, Advance, Plan
from padre_git.vcs.allrefs import read_all
from padre_git.vcs.checkout import open_site
from padre_git.vcs.cloning import clone
from padre_git.vcs.damage import damaged
from padre_git.vcs.durable import REPLACED, storing
from padre_git.vcs.guarded import Guarded
from padre_git.vcs.healing import Recent
from padre_git.vcs.identity import Identity, find_identity
from padre_git.vcs.indexfile import IndexFile
from padre_git.vcs.lean import Lean
from padre_git.vcs.locks import clear_stale
from padre_git.vcs.merging import PlanMerge, plan_by_path
from padre_git.vcs.metadata import head_problem
from padre_git.vcs.moving import Clone, Mover, read_intents
from padre_git.vcs.objects import Entry
from padre_git.vcs.packs import PackWriter
from padre_git.vcs.plan import NewCommit, build_plan, edit_tree
from padre_git.vcs.process import run_git
from padre_git.vcs.progress import Watch
from padre_git.vcs.reflog import Reflog
from padre_git.vcs.refs import symbolic_target
from padre_git.vcs.site import Site
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.transport import DEFAULT_TERMS, Terms
from padre_git.vcs.upkeep import Upkeep
from padre_git.vcs.userstate import Checkout, UserState, checkouts, elsewhere, state_of
from padre_git.vcs.worktree import WorkTree

__all__ = ["Repository"]


class Repository(Guarded):
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
        super().__init__(path, branch=branch)
        self._reflog = Reflog(self.common_dir, self._config)
        self._upkeep = Upkeep(self.common_dir / "objects")
        self._indexes: dict[Path, IndexFile] = {}
        self._plan_merge: PlanMerge | None = None
        self._learn: Callable[[], bool] = lambda: False

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
    def clone(
        cls,
        url: str,
        path: str | Path,
        *,
        branch: str,
        terms: Terms = DEFAULT_TERMS,
        watch: Watch | None = None,
        lean: Lean | None = None,
    ) -> Self:
        """Clones one branch of a repository with all its history and checks it out.

        No hook, template or configured program of anybody runs, received objects are checked,
        and symbolic links are checked out as plain files, so that a hostile repository can write
        only below ``path``. A repository without the branch gives a clone without commits.

        Args:
            url: where from, as git takes it.
            path: where to; a missing or empty directory.
            branch: the branch to use, whatever the other side's HEAD names.
            terms: on which the remote is talked to, see :class:`~padre_git.vcs.transport.Terms`.
            watch: is told how far it is.
            lean: what the work tree of a large project leaves out; None if nothing.

        Raises:
            AlreadyExistsError: if there is something at ``path``.
            RemoteError: if the remote cannot be asked; there is no directory then.
        """
        with setup.new_directory(Path(path)) as place:
            clone(url, place, branch=branch, terms=terms, watch=watch, lean=lean)
        return cls(path, branch=branch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Repository({str(self.path)!r}, branch={self.branch!r})"

    def merge_with(self, plan: PlanMerge, learn: Callable[[], bool]) -> None:
        """Says how pending commits are merged when the branch has moved; by path otherwise.

        Args:
            plan: see :data:`~padre_git.vcs.merging.PlanMerge`.
            learn: finds out what a plan that failed did not know; returns whether it may know
                enough now. No lock is held meanwhile.
        """
        self._plan_merge, self._learn = plan, learn

    def advance(
        self,
        plan: Plan,
        *,
        timeout: float = 60.0,
        announce: Callable[[str], None] | None = None,
    ) -> str:
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
            announce: is told the new tip before anything moves to it, each time it is planned.

        Returns:
            The tip afterwards; as before if the plan changes nothing.

        Raises:
            ConflictError: if a file to change has uncommitted or staged changes, or an untracked
                file is in the way; nothing was written.
            LockedError: if another process of ours held the clone too long; nothing was written.
            InvalidInputError: if nothing was planned for a repository without commits.
        """
        with self.lock(timeout=timeout):
            work = Advance(self._mover())
            try:
                with storing(self.path):
                    tip = work.run(plan, timeout=timeout, announce=announce)
            finally:
                REPLACED.free()
            self._upkeep.after_write()
            self._grow()
        if tip is None:
            raise InvalidInputError(f"'{self.path}' has no commit and none was planned")
        return tip

    def put_off(self, plan: Plan, announce: Callable[[str], None]) -> str | None:
        """Makes commits as :meth:`advance` does, and lets the branch follow later.

        They wait on ``refs/padre/pending``, durably, until the next :meth:`bring_up`, which makes
        one move of the branch, the index and the files of any number of calls. While the user's
        git is at work, the branch follows at once.

        Args:
            plan: as for :meth:`advance`.
            announce: as for :meth:`advance`.

        Raises:
            PadreGitError: as :meth:`advance`; nothing was written.
        """
        with self.lock():
            try:
                with storing(self.path):
                    tip = Advance(self._mover()).put_off(plan, announce)
            finally:
                REPLACED.free()
            self._upkeep.after_write()
        return tip

    def build(self, base: str, commits: Sequence[NewCommit]) -> str:
        """Makes commits on top of another one, durably, and moves nothing to them.

        Args:
            base: id of the commit they go on.
            commits: see :class:`~padre_git.vcs.plan.NewCommit`.

        Returns:
            The id of the last one; ``base`` if nothing changes.
        """
        writer = self._writer()
        snapshot = Snapshot(self._reader, base)
        made = build_plan(
            snapshot, commits, reader=self._reader, writer=writer, who=self.identity()
        )
        writer.flush()
        return made or base

    def bring_up(self) -> bool:
        """Brings the branch up to the commits that wait; tells whether none waits any more.

        If the branch has moved meanwhile they are merged into one merge commit (see
        :meth:`merge_with`), never rewritten.

        Raises:
            ConflictError: if both sides changed the same thing, or a file of the user's would be
                overwritten; branch and waiting commits stay as they are, and :meth:`tip` goes on
                to show the waiting ones.
        """
        while True:
            try:
                return self._bring_up()
            except ConflictError:
                if self.guard.is_held_here() or not self._learn():
                    raise

    def _bring_up(self) -> bool:
        with self.lock():
            with storing(self.path):
                is_up = Advance(self._mover()).bring_up()
            self._grow()
        return is_up

    @contextmanager
    def _changing(self) -> Iterator[list[Site]]:
        """Gives the work trees to change, with nothing waiting to be brought up."""
        with self.lock():
            mover = self._mover()
            if not Advance(mover).bring_up():
                raise LockedError(f"the work tree of '{self.path}' is in use ({self.state()})")
            yield mover.sites()

    def state(self) -> UserState:
        """Returns what the user is in the middle of, where the branch is checked out."""
        states = (state_of(checkout) for checkout in self._checkouts())
        return next((state for state in states if state is not UserState.FREE), UserState.FREE)

    def identity(self) -> Identity:
        """Returns who commits here, and whether that had to be invented."""
        self._config.refresh()
        return find_identity(self._config)

    def _checkouts(self) -> list[Checkout]:
        return checkouts(self.common_dir, self._main_root(), self.branch)

    def _elsewhere(self) -> list[Checkout]:
        return elsewhere(self.common_dir, self._main_root(), self.branch)

    def _main_root(self) -> Path | None:
        if self._is_bare:
            return None
        return self.path if self.git_dir == self.common_dir else self.common_dir.parent

    def _check_head(self) -> None:
        """Makes sure that HEAD says what is checked out; else the work tree would not follow.

        Raises:
            DamagedError: if it does not.
        """
        if symbolic_target(self.common_dir / "HEAD") == f"refs/heads/{self.branch}":
            return
        problem = head_problem(self.common_dir, read_all(self.common_dir), lambda _: True)
        if problem is not None:
            raise damaged(f"HEAD is {problem}", self.path)

    def _mover(self) -> Mover:
        self._config.refresh()
        self._config.require_files()
        knownconfig.remember(self.common_dir)
        self._check_head()
        found = self._checkouts()
        branch = self._refs.real(f"refs/heads/{self.branch}")
        for target in [branch, self._refs.real(PENDING), *(c.git_dir / "index" for c in found)]:
            if (lock := clear_stale(target, mark=self._mark)) is not None:
                self.guard.tell(
                    f"removed '{lock}', which a process of ours left when it was killed"
                )
        clone = Clone(
            common=self.common_dir,
            branch=self.branch,
            reader=self._reader,
            refs=self._refs,
            checkouts=self._checkouts,
            elsewhere=self._elsewhere,
            open_site=self._site,
            identity=self.identity,
            move_ref=self._move_ref,
            is_ancestor=self.is_ancestor,
            plan_merge=self._plan_merge or partial(plan_by_path, self),
            recent=Recent(self._own / "recent"),
            restarts=self._restarts,
        )
        return Mover(clone=clone, writer=self._writer())

    def _site(self, checkout: Checkout) -> Site:
        path, left = checkout.git_dir / "index", Recent(self._own / "recent").has_left
        index = self._indexes.setdefault(
            path,
            IndexFile(
                path, root=checkout.root, scratch=self._own, mark=self._mark, is_left_by_us=left
            ),
        )
        recovering = bool(read_intents(self._own / "intent"))
        tree = WorkTree(
            checkout.root,
            self._own,
            links=self._config.is_true("core.symlinks", default="true"),
            clean=partial(_clean_id, checkout.root),
            torn=partial(self._reader.object, kind="blob") if recovering else None,
        )
        return open_site(
            checkout,
            index,
            self._config,
            tree,
            evictions=self._evictions,
            trees=self._reader.tree,
            tree_of=lambda commit: self._reader.commit(commit).tree,
            graft=self._graft,
        )

    def _writer(self) -> PackWriter:
        return PackWriter(self.common_dir / "objects", keeper=this_process())

    def _graft(self, tree: str, edits: Mapping[str, Entry | None]) -> str:
        writer = PackWriter(self.common_dir / "objects")
        made = edit_tree(tree, edits, reader=self._reader, writer=writer)
        writer.flush()
        return made

    def _move_ref(self, name: str, new: str, old: str | None, why: str, fresh: Path | None) -> None:
        self._refs.write(name, new, old, fresh=fresh)
        self._reflog.moved(name, new, old, why, self.identity().committer)


def _clean_id(root: Path, path: str) -> str:
    """Returns the id that git would give a work-tree file, line endings and filters included."""
    return run_git(["hash-object", "--", path], root).decode().strip()
