"""What must be true when everybody has come to rest.

The oracle knows what people were told and what the remote's history says; nothing in it is taken
from the code that it judges. It reads:

* A deed that was done is in the history once. A deed that failed, or in whose middle somebody was
  killed, is there once or not at all. None is there twice. Only what adds nothing may be left out:
  every value that it gave somebody else has given, too, or the same person has given another one.
* Every field of every thing has a value that somebody gave it, and that nobody has overwritten who
  knew it: the commit that gave it is no ancestor of a commit that gave another one.
* A thing exists if the last word on it says so, by the same rule; deleting an experiment deletes
  its runs. What one person deleted or renamed while another one changed it, or something in it,
  was decided by somebody, one way or the other. Nothing exists twice, under whatever name, unless
  that was about a rename, and somebody decided that both shall stand.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import padre_git
from tests.conftest import git
from tests.random.journal import ALL, Deed, Outcome, Trace
from tests.random.person import PROJECT

__all__ = ["Commit", "History", "complaints", "read_final", "read_history"]

Final = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Commit:
    """Is one commit of the remote's branch."""

    number: int
    author: str
    subject: str
    op: str
    keys: frozenset[str]
    decided: frozenset[str] = frozenset()


class History:
    """Is the remote's branch, with who knew what.

    Attributes:
        commits: all of them, ancestors first.
    """

    def __init__(self, commits: Sequence[Commit], known: Sequence[int]) -> None:
        self.commits = commits
        self._known = known

    def knew(self, later: int, earlier: int) -> bool:
        """Returns whether a commit has another one among its ancestors."""
        return later != earlier and bool(self._known[later] >> earlier & 1)

    def with_subject(self, name: str) -> list[Commit]:
        """Returns the commits whose subject has a deed's name in it."""
        word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
        return [commit for commit in self.commits if word.search(commit.subject)]

    def with_trailers(self, who: str, op: str, key: str, ending: str) -> list[Commit]:
        """Returns somebody's commits that name an operation and a key."""
        return [
            c
            for c in self.commits
            if c.author == who and c.op == op and key in c.keys and c.subject.endswith(ending)
        ]


def read_history(bare: Path) -> History:
    """Reads the branch of a repository."""
    shown = git(
        "log", "--topo-order", "--reverse", "--format=%H%x00%P%x00%an%x00%B%x01", "main", cwd=bare
    )
    numbers: dict[str, int] = {}
    commits: list[Commit] = []
    known: list[int] = []
    for number, entry in enumerate(filter(str.strip, shown.split("\x01"))):
        name, parents, author, text = entry.strip("\n").split("\x00")
        numbers[name] = number
        above = [numbers[parent] for parent in parents.split()]
        bits = 1 << number
        for parent in above:
            bits |= known[parent]
        known.append(bits)
        commits.append(
            Commit(
                number=number,
                author=author,
                subject=text.partition("\n")[0],
                op="".join(re.findall(r"(?m)^Padre-Op: (\S+)$", text)[-1:]),
                keys=frozenset(re.findall(r"(?m)^Padre-Key: (\S+)$", text)),
                decided=frozenset(re.findall(r"(?m)^\* ([^\s:]+)(?: .*)?: \S", text)),
            )
        )
    return History(commits, known)


def read_final(bare: Path, directory: Path) -> tuple[Final, dict[str, str]]:
    """Returns every thing with its fields as a stranger sees them, and what is there twice."""
    directory.mkdir()
    git("clone", "-q", bare, directory / PROJECT, cwd=directory)
    things: dict[str, dict[str, Any]] = {}
    twice: dict[str, str] = {}

    def add(thing: str, fields: dict[str, Any]) -> None:
        if thing in things:
            twice[thing] = f"'{thing}' exists twice: {things[thing]['at']} and {fields['at']}"
        things[thing] = {"exists": True, **fields}

    with padre_git.open(directory) as store:
        for experiment in store.experiments.list(PROJECT):
            fields = {f"parameters.{name}": v for name, v in experiment.parameters.items()}
            add(
                str(experiment.attributes["origin"]),
                {
                    "name": experiment.name,
                    "title": experiment.title,
                    **fields,
                    "at": experiment.key.text,
                },
            )
        for run in store.runs.list(PROJECT):
            marks = Counter([f"tag {tag}" for tag in run.tags])
            marks.update(f"note {note.text.strip()}" for note in run.notes)
            for mark in (mark for mark, count in marks.items() if count > 1):
                twice[f"{run.id} {mark}"] = f"'{run.id}' has {mark} twice"
            add(
                str(run.id),
                {"title": run.title, **dict.fromkeys(marks, True), "at": run.key.text},
            )
    for file in (directory / PROJECT).glob("notes-*.md"):
        things[file.name] = {"exists": True, "content": file.read_text().strip()}
    return things, twice


# ------------------------------------------------------------------------------- the judgement


def complaints(
    deeds: Iterable[Deed], history: History, final: Final, twice: Mapping[str, str]
) -> list[str]:
    """Returns what is not as it must be."""
    told = list(deeds)
    found = _commits_of(told, history)
    wrong = [f"{d.name} ({d.what}): {d.error}" for d in told if d.outcome is Outcome.BROKEN]
    wrong += _miscounted(told, found, _given_again(told, found))
    wrong += _Values(told, found, history).complaints(final, twice)
    return [*wrong, *_lost_work(told, final)]


def _commits_of(deeds: Iterable[Deed], history: History) -> dict[str, list[Commit]]:
    """Returns the commits that may be a deed's own, by its name."""
    found: dict[str, list[Commit]] = {}
    for deed in deeds:
        if deed.trace is Trace.SUBJECT:
            found[deed.name] = history.with_subject(deed.name)
        elif deed.trace is Trace.TRAILERS:
            found[deed.name] = history.with_trailers(deed.who, deed.op, deed.key, deed.ending)
    return found


def _given_again(deeds: Sequence[Deed], found: Mapping[str, Sequence[Commit]]) -> set[str]:
    """Returns the deeds that need not be in the history, since others say what they said."""
    published: set[tuple[str, str, str]] = set()
    for deed in deeds:
        if found.get(deed.name):
            published.update((w.thing, w.field, str(w.value)) for w in deed.writes)
    later: set[tuple[str, str, str]] = set()
    buried: set[tuple[str, str | None]] = set()
    again: set[str] = set()
    for deed in reversed(deeds):
        if all(
            (w.thing, w.field, str(w.value)) in published
            or (deed.who, w.thing, w.field) in later
            or not {(deed.who, w.thing), (deed.who, w.below)}.isdisjoint(buried)
            for w in deed.writes
            if w.field != ALL
        ):
            again.add(deed.name)
        if deed.outcome is Outcome.DONE:
            later.update((deed.who, w.thing, w.field) for w in deed.writes)
            buried.update((deed.who, w.thing) for w in deed.writes if w.value is False)
    return again


def _miscounted(
    deeds: Iterable[Deed], found: Mapping[str, Sequence[Commit]], again: Collection[str]
) -> Iterator[str]:
    """Yields the deeds that are too often or too seldom in the history."""
    alike: dict[tuple[str, ...], list[Deed]] = defaultdict(list)
    for deed in deeds:
        if deed.trace is Trace.SUBJECT:
            alike[(deed.name,)].append(deed)
        elif deed.trace is Trace.TRAILERS:
            alike[deed.who, deed.op, deed.key, deed.ending].append(deed)
    for members in alike.values():
        count = len(found[members[0].name])
        done = sum(d.outcome is Outcome.DONE and d.name not in again for d in members)
        # what others have deleted, and what is only kept here, is deleted without a commit
        least = 0 if members[0].op == "delete" else done
        if not least <= count <= len(members):
            names = ", ".join(f"{d.name} ({d.what}, {d.outcome})" for d in members)
            yield f"{count} commits for {names}"


@dataclass(frozen=True)
class _Given:
    value: Any
    commit: int
    by: str


class _Values:
    """Is every value that was given to a field, with the commit that did it."""

    def __init__(
        self, deeds: Iterable[Deed], found: Mapping[str, Sequence[Commit]], history: History
    ) -> None:
        self._history = history
        self._given: dict[str, dict[str, list[_Given]]] = defaultdict(lambda: defaultdict(list))
        self._below: dict[str, set[str]] = defaultdict(set)
        told = list(deeds)
        for deed in told:
            alike = [d for d in told if d.ending and (d.who, d.key) == (deed.who, deed.key)]
            own = found.get(deed.name, ())
            unsure: tuple[None, ...] = ()
            if deed in alike and len(own) == len(alike):  # their order says which is whose
                own = [own[alike.index(deed)]]
            elif len(alike) > 1:
                unsure = (None,)
            for write in deed.writes:
                if write.below:
                    self._below[write.thing].add(write.below)
                self._given[write.thing][write.field] += [
                    _Given(value, commit.number, deed.name)
                    for commit in own
                    for value in (write.value, *(unsure if write.field != "exists" else ()))
                ]

        self._note_copies()

    def _note_copies(self) -> None:
        """Notes what somebody copied from the remote before it was merged, or decided in a merge.

        Who copied had what it was then; who decided may have taken any side.
        """
        names = {
            str(given.value): thing
            for thing, fields in self._given.items()
            for given in fields.get("name", ())
        }
        for commit in self._history.commits:
            for key in commit.keys if commit.subject.startswith("take over ") else ():
                thing = names.get(key.rpartition("/")[2])
                if thing is not None:
                    self._given[thing][ALL].append(_Given(None, commit.number, commit.subject))
            for key in commit.decided:
                name = key.rpartition("/")[2]
                thing = names.get(name, name)
                if thing in self._given:
                    self._given[thing][ALL].append(_Given(None, commit.number, commit.subject))

    def complaints(self, final: Final, twice: Mapping[str, str]) -> Iterator[str]:
        """Yields the values that nobody gave, or that somebody who knew them has overwritten."""
        both = {thing for thing in twice if self._has_contested_name(thing)}
        yield from (text for thing, text in twice.items() if thing not in both)
        for thing in sorted({*self._given, *final} - both):
            places = {thing, *self._below[thing]}
            deleted = [g for at in places for g in self._given[at]["exists"] if not g.value]
            made = [g for g in self._given[thing]["exists"] if g.value]
            last = self._last(deleted + made)
            allowed = {given.value for given in last} if made else {False}
            if any(self._is_contested(given, places) for given in last if not given.value):
                allowed = {True, False}
            if (thing in final) not in allowed:
                yield f"'{thing}' exists: {thing in final}, but {_told(last)}"
            elif thing in final:
                moved = [g for at in places - {thing} for g in self._given[at]["name"]]
                moved = [given for given in moved if self._is_contested(given, places)]
                yield from self._wrong_fields(thing, final[thing], deleted + moved)

    def _has_contested_name(self, thing: str) -> bool:
        places = {thing, *self._below[thing]}
        names = [given for at in places for given in self._given[at]["name"]]
        return any(self._is_contested(given, places) for given in names)

    def _is_contested(self, change: _Given, places: Collection[str]) -> bool:
        """Returns whether somebody who did not know of a change changed something in it, too."""
        inside = [t for t, above in self._below.items() if not above.isdisjoint(places)]
        return any(
            not self._history.knew(given.commit, change.commit)
            and not self._history.knew(change.commit, given.commit)
            for thing in {*places, *inside}
            for values in self._given[thing].values()
            for given in values
            if given.commit != change.commit
        )

    def _wrong_fields(
        self, thing: str, fields: Mapping[str, Any], deleted: Sequence[_Given]
    ) -> Iterator[str]:
        wild = [*deleted, *self._given[thing][ALL]]
        for name in sorted({*self._given[thing], *fields} - {"exists", "at", "work", ALL}):
            given = self._given[thing][name]
            last = self._last([*given, *wild])
            # a record that was made again has what its copy had
            allowed = [g.value for g in (given if set(last) & set(wild) else last)]
            if set(last) & set(wild) or not given:
                allowed.append(None)
            if fields.get(name) not in allowed:
                yield f"'{thing}' has {name}: {fields.get(name)}, but {_told(last)}"

    def _last(self, given: Sequence[_Given]) -> list[_Given]:
        """Returns those that nobody has overwritten who knew them."""
        return [
            one
            for one in given
            if not any(self._history.knew(other.commit, one.commit) for other in given)
        ]


def _told(given: Iterable[_Given]) -> str:
    return ", ".join(f"{g.by} said {g.value}" for g in given) or "nobody said anything"


def _lost_work(deeds: Iterable[Deed], final: Final) -> Iterator[str]:
    """Yields what somebody wrote into a file, committed or not, that is not there in the end."""
    last: dict[str, set[str]] = {}
    for deed in deeds:
        for write in deed.writes:
            if write.field == "work" and "no clone" not in deed.error:
                unsure = last.get(write.thing, {""}) if deed.outcome is Outcome.UNKNOWN else set()
                last[write.thing] = {write.value, *unsure}
    for file, contents in last.items():
        if final.get(file, {}).get("content", "") not in contents:
            yield f"'{file}' is {final.get(file)}, not {contents}"
