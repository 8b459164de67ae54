"""Recovery: what is wrong with a project's clone, told in records, and put right.

It works where the clone cannot even be opened: what is found comes from the files alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from padre_git.backends.clones import Clone, check_branch
from padre_git.backends.documents import document_flaws
from padre_git.backends.recommitting import Recommit
from padre_git.backends.records import Records
from padre_git.errors import DamagedError, LockedError, PadreGitError, UnsupportedError
from padre_git.format import commit_text, locate, part_path, record_directories
from padre_git.messages import Author, Damage, Event, Maintained, Message, Notice, Op
from padre_git.messages.damage import Piece, Source
from padre_git.model import DOCUMENTS, Key
from padre_git.vcs import knownconfig
from padre_git.vcs.durable import storing
from padre_git.vcs.examining import Examination, Patient
from padre_git.vcs.gitlocks import lock_flaws
from padre_git.vcs.maintaining import maintain, size_of
from padre_git.vcs.mending import Fetch, Mending, is_log, mend_config
from padre_git.vcs.objects import Entry
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.repository import Repository
from padre_git.vcs.setaside import SetAside
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.soundness import Flaw
from padre_git.vcs.trust import check_clone

__all__ = ["Recovery"]

_STORAGE = ("extensions.objectformat", "extensions.refstorage")
#: Each mends what the one before has made readable.
_ROUNDS = 16
_SUBJECT = "bring back what records below it need"


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Finds and mends damage in the clone of one project.

    Attributes:
        project: its name.
        path: the clone.
        branch: the branch that is ours.
        author: by whom commits are; None for git's own identity.
        notify: is told what a person should know.
        fetch: brings what the remote has into an empty repository; None without a remote.
    """

    project: str
    path: Path
    branch: str
    author: Author | None
    notify: Callable[[Event], None]
    fetch: Fetch | None = None

    def verify(self) -> tuple[Damage, ...]:
        """Returns everything that is wrong; changes nothing.

        Raises:
            NotFoundError: if there is no clone.
            UntrustedProjectError: if somebody else's programs would run, or it leads elsewhere.
        """
        check_clone(self.path)
        found = self._look()
        if found:  # somebody may be at work: what is gone by the next look was no damage
            again = {(damage.piece, damage.name) for damage in found}
            found = tuple(one for one in self._look() if (one.piece, one.name) in again)
        return found

    def check_readable(self) -> None:
        """Makes sure that a clone with which nothing is wrong can be read; changes nothing.

        Raises:
            PadreGitError: if it cannot, as if its branch was renamed.
        """
        with self._repository() as repository:
            check_branch(repository, self.project)
            Clone(self.project, repository).snapshot()

    def maintain(self) -> Maintained:
        """Tidies the clone up; see :mod:`padre_git.vcs.maintaining`.

        Raises:
            NotFoundError: if there is no clone.
            LockedError: if another process is writing to it all the while.
            RepositoryError: if the clone cannot be written.
            UntrustedProjectError: if somebody else's programs would run.
        """
        check_clone(self.path)
        with self._repository() as repository, repository.lock():
            common = repository.common_dir
            before = size_of(common)
            with storing(self.path):
                done = maintain(common)
            return Maintained(
                project=self.project, before=before, after=size_of(common), done=tuple(done)
            )

    def repair(self) -> tuple[Damage, ...]:
        """Mends what can be mended, and returns what cannot.

        Raises:
            NotFoundError: if there is no clone.
            LockedError: if another process is writing to it all the while.
            RepositoryError: if the clone cannot be written.
            UntrustedProjectError: if somebody else's programs would run.
        """
        check_clone(self.path)
        with self._repository() as repository:
            aside = SetAside(repository.common_dir, self._patient(repository).root)
            with storing(self.path):
                mend_config(repository.common_dir, aside)  # without it nothing can be locked
                check_clone(self.path)  # once more: git can read it now
                with repository.lock():
                    left = self._rounds(repository, aside)
            if aside.place.is_dir():
                self.notify(
                    Notice(text=f"what was damaged is in '{aside.place}'", project=self.project)
                )
        return left

    def _rounds(self, repository: Repository, aside: SetAside) -> tuple[Damage, ...]:
        seen: set[tuple[str, str]] = set()
        before: set[tuple[str, str, str]] = set()
        again = Recommit(
            project=self.project, repository=repository, author=self.author, aside=aside
        )
        for _ in range(_ROUNDS):
            with Examination(self._patient(repository)) as found:
                flaws = [*found.flaws, *lock_flaws(repository.common_dir)]
                flaws += [*self._files(found), *self._parents(found)]
                now = {(flaw.piece.value, flaw.name, flaw.problem) for flaw in flaws}
                # a git that has no descriptors left misses things, too; locks come and go
                lasting = {(f.piece.value, f.name) for f in flaws if f.piece is not Piece.LOCK}
                if not lasting <= seen:
                    seen = lasting
                    continue
                if not flaws or (now == before and not again.run(found)):
                    return (*self._told(found, flaws), *again.lost)
                before = now
                self._mend(repository, found, flaws, aside)
        return (*self._look(), *again.lost)

    def _mend(
        self, repository: Repository, found: Examination, flaws: list[Flaw], aside: SetAside
    ) -> None:
        for flaw in flaws:
            if flaw.piece is Piece.LOCK and flaw.source is not None:
                aside.move(repository.common_dir / flaw.name)
                text = f"the lock '{flaw.name}' was taken away: {flaw.problem}"
                self.notify(Notice(text=text, project=self.project))
        mending = Mending(found, aside, fetch=self.fetch, is_evicted=repository.is_evicted)
        mending.run()
        if any(flaw.piece not in _LATER and not is_log(flaw) for flaw in flaws):
            return  # files and parents need a clone that can be read
        mending.logs()
        for flaw in flaws:
            if flaw.piece is Piece.FILE:
                self._bring_back(repository, found, flaw.name, aside)
        parents = [flaw for flaw in flaws if flaw.piece is Piece.PARENT and flaw.source]
        if parents:
            self._restore(repository, found, parents)

    # ---------------------------------------------------------------------------------- looking

    def _repository(self) -> Repository:
        found = Repository.open(self.path, branch=self.branch)
        values = knownconfig.read(found.common_dir / "config") or {}
        if not {values.get(name) for name in _STORAGE} <= {None, "sha1", "files"}:
            raise UnsupportedError(
                f"'{self.path}' keeps objects or refs in another form than files of SHA-1",
                key=self.project,
            )
        return found

    def _patient(self, repository: Repository) -> Patient:
        root = self.path if repository.git_dir == repository.common_dir else None
        return Patient(root=root, common=repository.common_dir, branch=self.branch)

    def _look(self) -> tuple[Damage, ...]:
        with self._repository() as repository, Examination(self._patient(repository)) as found:
            locks = lock_flaws(repository.common_dir)
            flaws = [*found.flaws, *locks, *self._files(found), *self._parents(found)]
            return self._told(found, flaws)

    def _told(self, found: Examination, flaws: Iterable[Flaw]) -> tuple[Damage, ...]:
        flaws = list(flaws)
        files = self._known_files(found) if flaws else []
        return tuple(
            Damage(
                project=self.project,
                piece=flaw.piece,
                name=flaw.name,
                problem=flaw.problem,
                records=self._touched(flaw.paths, files),
                source=flaw.source,
            )
            for flaw in flaws
        )

    def _touched(self, paths: Iterable[str], files: list[str]) -> tuple[Key, ...]:
        if "" in paths:
            return (Key.project_named(self.project),)
        found: set[Key] = set()
        for path in paths:
            below = [name for name in files if name.startswith(f"{path}/")]
            for name in below or [path]:
                record = locate(name, self.project)
                if record is not None:
                    found.add(record[0])
        return tuple(sorted(found))

    def _known_files(self, found: Examination) -> list[str]:
        """Returns the files of a project as far as anything tells."""
        files, snapshot = set(found.remains.listed), self._snapshot(found)
        with suppress(DamagedError):
            files.update(path for path, _ in (snapshot.walk() if snapshot else ()))
        return sorted(files)

    def _files(self, found: Examination) -> list[Flaw]:
        """Returns the documents in the work tree that are missing or make no sense."""
        snapshot = self._snapshot(found)
        if snapshot is None or found.patient.root is None or _is_busy(found.patient):
            return []
        try:
            return list(document_flaws(self.project, snapshot, found.patient.root, found.remains))
        except DamagedError:  # named already; looked at when it is mended
            return []

    def _parents(self, found: Examination) -> list[Flaw]:
        snapshot = self._snapshot(found)
        if snapshot is None:
            return []
        try:
            bereft = list(Records(self.project, snapshot).bereft())
        except DamagedError:
            return []
        return [self._parent(found, key, snapshot) for key in bereft]

    def _parent(self, found: Examination, key: Key, snapshot: Snapshot) -> Flaw:
        path = part_path(key, record_directories(key)[0], DOCUMENTS[key.kind])
        source = Source.HISTORY if self._former(found, path, snapshot.commit) else None
        return Flaw(
            piece=Piece.PARENT,
            name=path,
            problem="missing, though there are records below it",
            source=source,
            paths=frozenset([path]),
        )

    def _former(self, found: Examination, path: str, commit: str | None) -> Entry | None:
        """Returns what stood at a path before it was taken away."""
        words = ("rev-list", "--max-count=1", str(commit), "--", f":(literal,top){path}")
        last = found.view.try_git(*words).out.decode().strip()
        for parent in found.reader.commit(last).parents if last else ():
            entry = Snapshot(found.reader, parent).entry(path)
            if entry is not None:
                return entry
        return None

    def _snapshot(self, found: Examination) -> Snapshot | None:
        commit = found.commit(found.refs.values.get(found.patient.ref))
        return None if commit is None else Snapshot(found.reader, commit.id)

    # ---------------------------------------------------------------------------------- mending

    def _bring_back(
        self, repository: Repository, found: Examination, path: str, aside: SetAside
    ) -> None:
        """Puts a document into the work tree as the branch has it."""
        snapshot = self._snapshot(found)
        content = None if snapshot is None else snapshot.blob(path)
        file = self.path / path
        if content is None or any(above.is_symlink() for above in _above(file, self.path)):
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        aside.replace(file, content)

    def _restore(self, repository: Repository, found: Examination, flaws: list[Flaw]) -> None:
        """Brings the documents of parents back by a commit."""

        def commits(snapshot: Snapshot) -> list[NewCommit]:
            edits: dict[str, bytes | Entry | None] = {}
            for flaw in flaws:
                former = self._former(found, flaw.name, snapshot.commit)
                if former is not None and snapshot.entry(flaw.name) is None:
                    edits[flaw.name] = former
            keys = [key for key in (self._key(path) for path in edits) if key is not None]
            text = commit_text(Message(op=Op.RESTORE, subject=_SUBJECT), keys)
            return [NewCommit(edits=edits, text=text, author=self.author)] if edits else []

        try:
            repository.advance(commits)
        except LockedError:
            raise
        except PadreGitError as error:
            self.notify(Notice(text=f"not brought back: {error}", project=self.project))

    def _key(self, path: str) -> Key | None:
        record = locate(path, self.project)
        return None if record is None else record[0]


#: What is mended last.
_LATER = frozenset([Piece.FILE, Piece.PARENT, Piece.LOCK])


def _is_busy(patient: Patient) -> bool:
    """Tells whether the person is in the middle of something that changes files."""
    names = ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD")
    return any((patient.common / name).exists() for name in names)


def _above(file: Path, root: Path) -> Iterator[Path]:
    yield file
    for above in file.parents:
        if above == root:
            return
        yield above
