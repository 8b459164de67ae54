"""Three clones of one project beside each other, and what is written in them."""

from __future__ import annotations

import os
import resource
import signal
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import padre_git
from padre_git.errors import PadreGitError
from padre_git.model import Code
from tests.conftest import git
from tests.killing import _die_at
from tests.random.facts import Facts, Write

__all__ = ["NAMES", "PROJECT", "Clones", "Danger", "Deed", "new_experiment"]

PROJECT = "iris"
NAMES = ("ada", "ben", "cleo")
_LINE = "%H%x1f%P%x1f%an%x1f%s%x1f%(trailers:key=Padre-Key,valueonly,separator=%x2C)%x1e"

Work = Callable[[padre_git.Store], object]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Is something that a person writes.

    Attributes:
        work: does it.
        thing: what it is about; see :class:`tests.random.facts.Write`.
        values: what becomes true.
        below: the experiment of a run.
        token: a word in the subject of its commit.
        key: the key that its commit names, if the subject does not tell it from others.
    """

    work: Work
    thing: str
    values: Mapping[str, Any]
    below: str | None = None
    token: str = ""
    key: str = ""

    def looks_like(self, other: Deed) -> bool:
        """Returns whether the commits of two deeds cannot be told from each other."""
        return (self.token, self.key) == (other.token, other.key)


@dataclass(frozen=True, kw_only=True)
class Danger:
    """Is what happens in the middle of a deed: a kill at its n-th change, or a full disk."""

    change: int = 0
    room: int | None = None


@dataclass(frozen=True)
class _Commit:
    id: str
    parents: tuple[str, ...]
    author: str
    subject: str
    keys: tuple[str, ...]


class Clones:
    """Is three people's clones of one project, and its remote, a directory.

    Attributes:
        facts: what they have written.
        stores: one per person; nothing meets the remote by itself.
        away: whether the remote cannot be reached.
        kept: what a person withdrew from the remote and still has, by person.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.facts = Facts()
        self.away = False
        self.kept: dict[str, set[str]] = {name: set() for name in NAMES}
        self._known: dict[str, frozenset[str]] = {}
        self._published: frozenset[str] = frozenset()
        self._editors: list[Path] = []
        self._unfinished: list[tuple[str, Deed, str]] = []
        (directory / "lab").mkdir(parents=True)
        self.stores = {name: self.open(name) for name in NAMES}

    def open(self, name: str) -> padre_git.Store:
        """Opens a person's store."""
        return padre_git.open(
            self.directory / name, remote=self.directory / "lab", policy="manual",
            author=f"{name} <{name}@example.org>",
        )  # fmt: skip

    def reopen(self, name: str) -> None:
        """Closes a person's store and opens it again."""
        self.stores[name].close()
        self.stores[name] = self.open(name)

    def close(self) -> None:
        """Closes every store."""
        for store in self.stores.values():
            store.close()

    def clone(self, name: str) -> Path:
        """Returns the directory of a person's clone."""
        return self.directory / name / PROJECT

    @property
    def bare(self) -> Path:
        """The remote's repository, wherever it is now."""
        return self.directory / ("unmounted" if self.away else "lab") / f"{PROJECT}.git"

    def unplug(self) -> None:
        """Takes the remote away, or brings it back."""
        places = (self.directory / "lab", self.directory / "unmounted")
        (places[1] if self.away else places[0]).rename(places[0] if self.away else places[1])
        self.away = not self.away

    def found(self, shared: Iterable[str]) -> None:
        """Makes the project, with experiments that everybody changes."""
        ada = self.stores["ada"]
        ada.projects.put(padre_git.Project(name=PROJECT))
        for name in shared:
            assert self.do("ada", new_experiment(name, name, title="nobody"))
        ada.sync(PROJECT)
        for name in NAMES:
            self.stores[name].pull(PROJECT)
            self.history(name)

    # ------------------------------------------------------------------------------- history

    def history(self, name: str) -> frozenset[str]:
        """Returns the commits that a person has; none that says something is ever gone."""
        found = _commits(self.clone(name))
        known = frozenset(found)
        self._forgive(name, self._known.get(name, frozenset()) - known, known)
        self._known[name] = known
        published = frozenset(_commits(self.bare))
        assert self._published <= published, "the remote has lost commits"
        self._published = published
        self._look_for_unfinished(name, found)
        self._look_for_restored(found)
        return known

    def _forgive(self, name: str, lost: frozenset[str], known: frozenset[str]) -> None:
        """Takes it that what adds nothing is dropped.

        That is to delete something and restore it, and to write to what is deleted by now here
        and was deleted by somebody else, too.
        """
        for write in [write for write in self.facts.writes if write.commit in lost]:
            is_gone = self.facts.is_deleted(write.thing, known)
            assert write.values.keys() == {"exists"} or is_gone, f"{name} has lost {write}"
            self.facts.writes.remove(write)

    def fetched(self, name: str) -> frozenset[str]:
        """Returns the commits that a person has, or has seen at the remote and not merged yet."""
        return self._known[name] | frozenset(_commits(self.clone(name), "refs/remotes/origin/main"))

    def waiting(self, name: str) -> frozenset[str]:
        """Returns what a person's store reads from: what waits for the user to be free, alone.

        What the user pulls with plain git meanwhile is united with it by the next write.
        """
        pending = _commits(self.clone(name), "refs/padre/pending")
        return frozenset(pending) or self._known[name]

    def _look_for_unfinished(self, name: str, found: Mapping[str, _Commit]) -> None:
        """Looks whether what was killed in the middle has been brought to its end meanwhile."""
        written = {write.commit for write in self.facts.writes}
        for who, deed, outcome in list(self._unfinished):
            own = [c for c in found.values()
                   if who == name and c.id not in written and _is_of(c, name, deed)]  # fmt: skip
            if own:
                assert _is_open(outcome), f"{deed} failed, and it is stored: {outcome}\n{own}"
                self._unfinished.remove((who, deed, outcome))
                self._note(own[0], deed, found)

    def _look_for_restored(self, found: Mapping[str, _Commit]) -> None:
        """Looks for what was brought back since somebody wrote to what only they had kept."""
        written = {write.commit for write in self.facts.writes}
        for commit in found.values():
            if commit.subject.startswith("restore run ") and commit.id not in written:
                run = commit.subject.split()[-1]
                deed = Deed(work=id, thing=run, values={"exists": True},
                            below=self.facts.below(run))  # fmt: skip
                self._note(commit, deed, found)

    def _note(self, commit: _Commit, deed: Deed, among: Mapping[str, _Commit]) -> None:
        self.facts.writes.append(
            Write(commit=commit.id, thing=deed.thing, values=deed.values,
                  knew=_ancestors(commit, among), below=deed.below)
        )  # fmt: skip

    def _everything(self, name: str) -> dict[str, _Commit]:
        return _commits(self.clone(name)) | _commits(self.bare)

    # ------------------------------------------------------------------------------- writing

    def do(self, name: str, deed: Deed, danger: Danger | None = None) -> bool:
        """Lets a person write something; returns whether it was acknowledged.

        Afterwards it is there if it was acknowledged, and is not if it was refused.
        """
        before = self._everything(name)
        outcome = self.attempt(name, deed.work, danger)
        return self._judged(name, deed, before, outcome)

    def do_beside(self, name: str, deed: Deed, danger: Danger, other: Work) -> bool:
        """Lets a person write something in another process while this one does something else."""
        before = self._everything(name)
        wait = self.apart(name, deed.work, danger)
        try:
            other(self.stores[name])
        except PadreGitError:
            pass  # as when they meet each other, or nobody
        finally:
            outcome = wait()
        return self._judged(name, deed, before, outcome)

    def _judged(self, name: str, deed: Deed, before: Mapping[str, _Commit], outcome: str) -> bool:
        after = self._everything(name)
        new = [commit for commit in after.values() if commit.id not in before]
        own = [commit for commit in new if _is_of(commit, name, deed)]
        assert len(own) < 2, f"{deed} is stored twice"
        if outcome == "done" and self._is_only_kept(name, deed):
            self.kept[name].discard(deed.thing)
        elif outcome == "done":
            assert own, f"{name} was told that {deed} is stored, and it is not"
        elif own:
            assert _is_open(outcome), f"{deed} failed, and it is stored: {outcome}\n{own}"
        else:
            self._unfinished = [e for e in self._unfinished if not e[1].looks_like(deed)]
            self._unfinished.append((name, deed, outcome))
        for commit in own:
            self._note(commit, deed, after)
        self.history(name)
        return outcome == "done"

    def _is_only_kept(self, name: str, deed: Deed) -> bool:
        """Tells whether a deed deletes what is deleted already, but for a copy of its own."""
        deletes = deed.values.get("exists") is False
        known = self._known.get(name, frozenset())
        return (
            deletes
            and deed.thing in self.kept[name]
            and False in self.facts.existence(deed.thing, known)
        )

    def attempt(self, name: str, work: Work, danger: Danger | None = None) -> str:
        """Does something, maybe in danger; returns ``done``, ``killed`` or what was raised."""
        if danger is not None:
            return self.apart(name, work, danger)()
        try:
            work(self.stores[name])
        except PadreGitError as error:
            return _said(error)
        return "done"

    def apart(self, name: str, work: Work, danger: Danger) -> Callable[[], str]:
        """Begins something in another process; returns what waits for it and tells how it went."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                outcome = self._there(name, work, danger)
                os.write(writing, outcome.encode()[-4000:])
            finally:
                os._exit(0)
        os.close(writing)

        def wait() -> str:
            os.waitpid(child, 0)
            outcome = os.read(reading, 4096).decode(errors="replace") or "killed"
            os.close(reading)
            assert not outcome.startswith("Traceback"), outcome
            return outcome

        return wait

    def _there(self, name: str, work: Work, danger: Danger) -> str:
        if danger.room is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (danger.room, danger.room))
        if danger.change:
            _die_at(danger.change, self.directory / name)
        try:
            store = self.open(name)
            work(store)
            store.close()
        except (PadreGitError, OSError) as error:
            return _said(error)
        except BaseException:
            return traceback.format_exc()
        return "done"

    def user(self, name: str, *words: str) -> bool:
        """Runs plain git in a clone, as its user; returns whether it did what it was told."""
        try:
            git(*words, cwd=self.clone(name))
        except AssertionError:
            return False
        return True

    def give_up_merge(self, name: str) -> None:
        """Gives up what the user has begun to merge with plain git."""
        if (self.clone(name) / ".git/MERGE_HEAD").exists():
            self.let_go_of_indexes()
            git("merge", "--abort", cwd=self.clone(name))

    def hold_index(self, name: str) -> None:
        """Holds the index of a clone, as an open editor does, or one that crashed."""
        lock = self.clone(name) / ".git/index.lock"
        if not lock.exists():
            lock.touch()
            self._editors.append(lock)

    def is_held(self, name: str) -> bool:
        """Tells whether somebody holds the index of a clone."""
        return self.clone(name) / ".git/index.lock" in self._editors

    def let_go_of_indexes(self) -> None:
        """Takes away the locks that are nobody's but the user's."""
        while self._editors:
            self._editors.pop().unlink(missing_ok=True)


_OWN = ("refs/heads/main", "refs/padre/pending")


def _commits(repository: Path, *names: str) -> dict[str, _Commit]:
    """Returns the commits of a repository's branch, those that wait for it included."""
    if not repository.is_dir():
        return {}
    listed = git("for-each-ref", "--format=%(refname)", *(names or _OWN), cwd=repository)
    refs = listed.split()
    if not refs:
        return {}
    shown = git("log", f"--format={_LINE}", *refs, "--", cwd=repository)
    found = {}
    for entry in shown.split("\x1e")[:-1]:
        commit, parents, author, subject, keys = entry.strip("\n").split("\x1f")
        found[commit] = _Commit(
            commit, tuple(parents.split()), author, subject, tuple(keys.strip().split(","))
        )
    return found


def _said(error: Exception) -> str:
    """Returns an error as people know it, by its public name."""
    public = [
        cls for cls in type(error).__mro__ if cls.__module__ in ("padre_git.errors", "builtins")
    ]
    return f"{public[0].__name__}: {error}"


def _is_open(outcome: str) -> bool:
    """Tells whether nobody was told how a deed went."""
    return outcome == "killed" or "finishes or forgets" in outcome


def _ancestors(commit: _Commit, among: Mapping[str, _Commit]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(commit.parents)
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += among[one].parents
    return frozenset(found)


def _is_of(commit: _Commit, name: str, deed: Deed) -> bool:
    if commit.author != name or len(commit.parents) > 1:
        return False
    named = not deed.key or deed.key in commit.keys
    return named and deed.token in commit.subject.replace(":", " ").split()


def new_experiment(thing: str, token: str, *, title: str) -> Deed:
    """Returns the deed of making an experiment, with an execution in it for runs."""
    experiment = padre_git.Experiment(
        project=PROJECT, name=thing, title=title, attributes={"origin": thing}
    )
    execution = padre_git.Execution(experiment=experiment.key, code=Code(content="ab" * 32))

    def work(store: padre_git.Store) -> None:
        with store.transaction(PROJECT, token):
            store.experiments.put(experiment)
            store.executions.put(execution)

    values = {"exists": True, "title": title, "name": thing}
    return Deed(work=work, thing=thing, values=values, token=token)
