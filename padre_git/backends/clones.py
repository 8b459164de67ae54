"""The clones below a root directory: which there are, opened once, each checked to be ours."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from padre_git.backends.lean import LEAN
from padre_git.backends.projects import project_directories, project_directory
from padre_git.backends.records import Records, Skip, Tree
from padre_git.backends.uniting import Unites
from padre_git.backends.waiting import Waiting
from padre_git.errors import (
    AlreadyExistsError,
    ConflictError,
    DamagedError,
    NotFoundError,
    PadreGitError,
    RepositoryError,
)
from padre_git.format import FORMAT_FILE, check_format
from padre_git.messages import Author, Event, Notice, Skipped
from padre_git.model import Key
from padre_git.vcs import driver
from padre_git.vcs.advance import PENDING
from padre_git.vcs.damage import damaged
from padre_git.vcs.forking import ProcessLock
from padre_git.vcs.leftovers import aside
from padre_git.vcs.ownfiles import replace_own
from padre_git.vcs.progress import Watch
from padre_git.vcs.refpast import past_of
from padre_git.vcs.refs import symbolic_target
from padre_git.vcs.repository import Repository
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.transport import DEFAULT_TERMS, Terms, check_branches, remote_tip
from padre_git.vcs.trust import take_clone
from padre_git.vcs.userstate import UserState

__all__ = ["Clone", "Clones", "check_branch"]

_DAY = 86400.0


@dataclass
class Clone:
    """Is one project's repository, with what is known of its commits.

    Attributes:
        project: its name.
        repository: the repository.
        place: what its git directory is on the disk; another one there is another repository.
        has_said_what_waits: whether it was told why commits cannot reach the branch.
        contradicting: what waits, and the branch that it cannot reach, as last tried for a reader.
    """

    project: str
    repository: Repository
    place: tuple[int, int] | None = None
    has_said_what_waits: bool = False
    contradicting: tuple[str, str | None] | None = None
    _format: str | None = None
    _living: set[str] = field(default_factory=set)

    @property
    def tip(self) -> str:
        """The present commit.

        Raises:
            NotFoundError: if there is none yet.
        """
        tip = self.repository.tip()
        if tip is None:
            raise NotFoundError(f"no project '{self.project}'", key=self.project)
        return tip

    def snapshot(self, commit: str | None = None) -> Snapshot:
        """Returns a commit of the project; the present one without an id.

        Raises:
            UnsupportedFormatError: if it is of a later format, or not a project of ours.
        """
        snapshot = self.repository.snapshot(commit)
        self.check(snapshot)
        return snapshot

    def check(self, snapshot: Snapshot) -> None:
        """Makes sure that a commit can be understood; a repository without commits can.

        Raises:
            RepositoryError: if there is no commit because the branch was renamed.
            UnsupportedFormatError: if it is of a later format, or not a project of ours.
        """
        if snapshot.commit is None:
            check_branch(self.repository, self.project)
            return
        entry = snapshot.entry(FORMAT_FILE)
        if entry is None or entry.id != self._format:
            check_format(snapshot.blob(FORMAT_FILE), self.project)
            self._format = entry.id if entry is not None else None

    def records(self, tree: Tree, *, skip: Skip | None = None) -> Records:
        """Returns the records that a tree of this project holds.

        Args:
            tree: one state of its files.
            skip: see :class:`Records`.
        """
        return Records(self.project, tree, self._living, skip=skip)


def check_branch(repository: Repository, project: str) -> None:
    """Makes sure that a repository without our branch is not the project under another name.

    It would look empty, and whatever is stored next would begin a second history.

    Raises:
        DamagedError: if there was such a branch, and only its log or our notes of it are left.
        RepositoryError: if what is checked out is a project; the hint says what can be done.
    """
    if repository.tip() is not None:
        return
    ref = f"refs/heads/{repository.branch}"
    missing = damaged(f"branch '{repository.branch}' is missing", repository.path)
    if past_of(repository.common_dir, ref):
        raise missing
    try:
        here = repository.resolve("HEAD")
    except NotFoundError:
        past = past_of(repository.common_dir, ref, ours=True)
        if any(map(repository.has, past)):
            raise missing from None  # somebody has removed it with its log
        return  # nothing was committed yet
    if repository.snapshot(here).entry(FORMAT_FILE) is None:
        return
    ours, path = repository.branch, repository.path
    head = symbolic_target(repository.git_dir / "HEAD")
    if head is None:
        where, hint = "on no branch", f"git -C '{path}' branch {ours} HEAD"
    else:
        other = head.removeprefix("refs/heads/")
        where = f"on '{other}'"
        hint = f"git -C '{path}' branch -m {other} {ours}, or open the store with branch='{other}'"
    raise RepositoryError(
        f"'{path}' has no branch '{ours}'; the project is {where}",
        key=project,
        hint=f"if it was renamed: {hint}",
    )


class Clones:
    """Opens the repositories below a root directory.

    Args:
        root: the directory that holds them.
        branch: the branch to work on.
        author: by whom commits are; None for git's own identity.
        notify: is told what a person should know.
        unites: see :class:`~padre_git.backends.waiting.Waiting`.
    """

    def __init__(
        self,
        root: Path,
        *,
        branch: str,
        author: Author | None,
        notify: Callable[[Event], None],
        unites: Unites | None = None,
    ) -> None:
        self.root = root
        self.branch = branch
        self._author = author
        self._notify = notify
        self._unites = unites
        self._lock = ProcessLock()
        self._open: dict[str, Clone] = {}
        self._has_said_who = author is not None

    def get(self, project: str) -> Clone | None:
        """Returns the clone of a project; None if there is none.

        Raises:
            RepositoryError: if something else is in its place, or its branch was renamed.
            UntrustedProjectError: if opening it could run a program of somebody else's.
        """
        path = project_directory(self.root, project)
        with self._lock:
            place = _place_of(path / ".git")
            known = self._open.get(project)
            if known is not None and known.place == place:
                return known
            self._forget(project)
            if place is None:
                if path.exists() and any(path.iterdir()):
                    if _place_of(path / ".git") is not None:  # another process made it just now
                        return self.get(project)
                    raise RepositoryError(
                        f"'{path}' is not a project: it is no git repository",
                        key=project,
                        hint="choose another name, or move that directory",
                    )
                return None
            take_clone(path)
            repository = Repository.open(path, branch=self.branch)
            check_branch(repository, project)
            return self._keep(project, repository)

    def get_for_reading(self, project: str) -> Clone | None:
        """Returns the clone of a project as :meth:`get`, with the branch brought up if it can be.

        Else whoever reads what waits would not see what has come to the branch meanwhile.
        """
        clone = self.get(project)
        if clone is None or (pending := clone.repository.read_ref(PENDING)) is None:
            return clone
        repository, guard = clone.repository, clone.repository.guard
        state = pending, repository.read_ref(f"refs/heads/{repository.branch}")
        if state != clone.contradicting and not guard.is_held_here():
            with suppress(RepositoryError, OSError), guard.offered() as held:
                try:
                    # else, or if it fails, the next write does it, or tells why not
                    if held and repository.state() is UserState.FREE:
                        repository.bring_up()
                except ConflictError:
                    clone.contradicting = state
        return clone

    def need(self, project: str) -> Clone:
        """Returns the clone of a project.

        Raises:
            NotFoundError: if there is none.
        """
        clone = self.get(project)
        if clone is None:
            raise NotFoundError(f"no project '{project}'", key=project)
        return clone

    def all(self) -> Iterator[Clone]:
        """Yields the clones that can be read, in the order of names.

        Repositories of other people's making are passed over; what should be a project and cannot
        be read is reported.
        """
        for name, path in project_directories(self.root):
            if not (path / ".git").exists():
                continue
            try:
                clone = self.get_for_reading(name)
                if clone is not None and clone.repository.snapshot().entry(FORMAT_FILE):
                    clone.snapshot()
                    yield clone
            except PadreGitError as error:
                self._notify(Skipped(key=Key.project_named(name), error=error))

    def create(
        self, project: str, *, files: dict[str, bytes], text: str, author: Author | None
    ) -> bool:
        """Creates a project's repository with its first commit; tells whether it was us.

        Args:
            project: its name.
            files: content of the first commit by path.
            text: its message.
            author: by whom; None for git's own identity.
        """
        path = project_directory(self.root, project)
        with self._lock:
            try:
                repository = Repository.create(
                    path, branch=self.branch, files=files, text=text, author=author
                )
            except AlreadyExistsError:
                return False
            self._keep(project, repository)
        driver.install(path, repository.common_dir)
        return True

    def adopt(
        self,
        project: str,
        url: str,
        *,
        terms: Terms = DEFAULT_TERMS,
        watch: Watch | None = None,
    ) -> bool:
        """Clones a project from a remote; tells whether the remote has it.

        Args:
            project: its name here.
            url: where from, as git takes it.
            terms: on which the remote is talked to.
            watch: is told how far it is.

        Raises:
            UnsupportedFormatError: if what is there is not a project of ours.
            BranchMissingError: if there are other branches.
            RemoteMissingError, RemoteUnavailableError, AuthenticationError, RemoteError: if it
                cannot be asked.
        """
        path = project_directory(self.root, project)
        if remote_tip(url, self.branch, terms=terms) is None:
            check_branches(url, self.branch, terms=terms)
            return False
        place = aside(path)
        try:
            with Repository.clone(
                url, place, branch=self.branch, terms=terms, watch=watch, lean=LEAN
            ) as repository:
                Clone(project, repository).snapshot()
            place.rename(path)
            driver.install(path, path / ".git")
        except OSError:
            if self.get(project) is None:  # it was not that somebody else was quicker
                raise
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return True

    def skip(self, key: Key, error: DamagedError) -> None:
        """Tells that something of a project cannot be read and was left out."""
        self._notify(Skipped(key=key, error=error))

    def say_who(self, clone: Clone) -> None:
        """Tells, once, by whom commits are if git does not know."""
        if self._has_said_who:
            return
        self._has_said_who = True
        who = clone.repository.identity()
        if who.invented:
            self._notify(
                Notice(
                    text="git does not know who you are: commits are by"
                    f" '{who.name} <{who.email}>'; set user.name and user.email to change that",
                    project=clone.project,
                )
            )

    def say_what_waits(self, clone: Clone) -> None:
        """Tells, once, why commits wait although the user is in the middle of nothing."""
        repository = clone.repository
        if repository.read_ref(PENDING) is None:
            clone.has_said_what_waits = False
        elif not clone.has_said_what_waits and repository.guard.is_free():
            try:
                if repository.state() is UserState.FREE:
                    repository.bring_up()
            except ConflictError as error:
                clone.has_said_what_waits = True
                text = f"commits wait in {PENDING}: {error.message}; {error.hint}"
                self._notify(Notice(text=text, project=clone.project))

    def say_how_large(self, clone: Clone) -> None:
        """Tells, at most once a day, that a work tree holds more than a new one would."""
        repository = clone.repository
        said = repository.common_dir / "padre" / "said-how-large"
        try:
            if said.exists() and abs(time.time() - said.stat().st_mtime) < _DAY:
                return
            said.parent.mkdir(mode=0o700, exist_ok=True)
            replace_own(said, b"")
        except OSError:
            return  # a clone that cannot be written is not made smaller either
        if repository.is_overgrown():
            text = f"'{clone.project}' has more than {LEAN.files} files of runs in its work tree,"
            text = f"{text} which makes git slow; leave them out:"
            text = f"{text} padre-git checkout {clone.project} --no-runs"
            self._notify(Notice(text=text, project=clone.project))

    def close(self) -> None:
        """Ends what the repositories hold."""
        with self._lock:
            for name in list(self._open):
                self._forget(name)

    def _keep(self, project: str, repository: Repository) -> Clone:
        place = _place_of(repository.path / ".git")
        waiting = Waiting(project, repository, self._author, self._unites)
        repository.merge_with(waiting, waiting.learn)
        repository.lean = LEAN
        repository.guard.tell = lambda text: self._notify(Notice(text=text, project=project))
        clone = self._open[project] = Clone(project, repository, place)
        return clone

    def _forget(self, project: str) -> None:
        clone = self._open.pop(project, None)
        if clone is not None:
            clone.repository.close()


def _place_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
