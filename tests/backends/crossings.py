"""What crosses: two merges of the same two commits, and people who go on at random."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from padre_git.backends.reconciling import ContradictionError, plan_merge
from padre_git.errors import Conflict
from padre_git.format import tombstone
from padre_git.format.fields import Decide, nobody_decides
from padre_git.format.reading import parse_document
from padre_git.format.schemas import OF_KIND, checked
from padre_git.messages import Choice, Decision, Message, Op
from padre_git.model import Kind
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.repository import Repository
from tests.conftest import git
from tests.format.sides import (
    PROJECT,
    RUN,
    SVM,
    Files,
    a_run,
    deleted,
    edited,
    files,
    home,
    noted,
    renamed,
    tagged,
)
from tests.format.test_plain_git_merges import below_tombstones

__all__ = [
    "DOCUMENT",
    "commit",
    "conflicts",
    "content",
    "crossed",
    "live",
    "merge",
    "title",
    "titled",
]

MERGE = Message(op=Op.MERGE, subject="merge")
DOCUMENT = f"{home(SVM.key)}/experiment.yaml"
KERNELS = DOCUMENT.replace("svm", "kernels")
FIELDS = ("title", "description", "seed", "parameters.a", "parameters.b")


def content(clone: Repository, commit: str) -> Files:
    """Returns the files of a commit."""
    snapshot = clone.snapshot(commit)
    return snapshot.blobs(path for path, _ in snapshot.walk())


def commit(clone: Repository, parent: str, after: Files) -> str:
    """Commits exactly these files on top of a commit."""
    before = content(clone, parent)
    edits = {path: after.get(path) for path in {*before, *after}}
    changes = {path: data for path, data in edits.items() if before.get(path) != data}
    return clone.build(parent, [NewCommit(edits=changes, text="x")])


def merge(clone: Repository, ours: str, theirs: str, decide: Decide = nobody_decides) -> str:
    planned = plan_merge(clone, PROJECT, ours, theirs, message=MERGE, decide=decide)
    return clone.build(ours, [planned.commit])


def conflicts(clone: Repository, ours: str, theirs: str) -> list[tuple[str, str | None]]:
    with pytest.raises(ContradictionError) as caught:
        merge(clone, ours, theirs)
    return [(c.key, c.field) for c in caught.value.conflicts]


def titled(clone: Repository, parent: str, title: str | None) -> str:
    now = content(clone, parent)
    document = edited(now, SVM, title=title)[DOCUMENT]
    return commit(clone, parent, now | {DOCUMENT: document})


def title(clone: Repository, commit_: str) -> object:
    return parse_document(content(clone, commit_)[DOCUMENT]).values.get("title")


def crossed(clone: Repository) -> tuple[str, str, str, str]:
    """Returns two commits, of which one has another title, and both merges of them."""
    root = str(clone.tip())
    one = titled(clone, root, "one")
    other = commit(clone, root, content(clone, root) | files(a_run(3)))
    found = one, other, merge(clone, one, other), merge(clone, other, one)
    assert len(clone.merge_bases(found[2], found[3])) == 2
    return found


@dataclass
class History:
    """Is two branches whose people change fields, each to a value that nobody else gives.

    It knows for each commit where every field's value was written. A value must never give way
    by itself to one of a side that has not seen it. While nothing is deleted, a model that knows of
    single values only says what becomes of each.
    """

    clone: Repository
    chance: random.Random
    is_simple: bool
    count: int = 0
    writes: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    values: dict[str, dict[str, object]] = field(default_factory=dict)

    def begin(self) -> str:
        root = str(self.clone.tip())
        self._know(root, {name: frozenset([root]) for name in FIELDS})
        return root

    def change(self, tip: str) -> str:
        deeds = [self._field, self._field, self._field]
        deed = self.chance.choice(deeds if self.is_simple else [*deeds, self._other])
        new = commit(self.clone, tip, deed(content(self.clone, tip)))
        if new != tip:
            self._know(new, dict(self.writes[tip]))
            for name in FIELDS:
                if self.values[new].get(name) != self.values[tip].get(name):
                    self.writes[new][name] = frozenset([new])
        return new

    def _field(self, now: Files) -> Files:
        if b"deleted/" in now[DOCUMENT]:
            return now
        self.count += 1
        name = self.chance.choice(FIELDS)
        values = _fields_of(now)
        values[name] = self.count if name != "title" and name != "description" else f"v{self.count}"
        fields = {n: values.get(n) for n in ("title", "description", "seed")}
        parameters = {n.split(".")[1]: v for n, v in values.items() if n.startswith("parameters.")}
        kept = {k: v for k, v in SVM.parameters.items() if k not in ("a", "b")}
        return edited(now, SVM, **fields, parameters={**kept, **parameters})

    def _other(self, now: Files) -> Files:
        self.count += 1
        run = self.chance.choice([RUN, a_run(2)])
        alive = f"{home(run.key)}/run.yaml" in now and b"deleted/" not in now[DOCUMENT]
        if b"deleted/" not in now[DOCUMENT] and not alive:
            return now | files(run)
        deeds = [
            lambda: tagged(now, run, f"t{self.count}"),
            lambda: noted(now, run, f"n{self.count}", "x\n"),
            lambda: now | files(a_run(10 + self.count % 49)),
            lambda: deleted(now, run.key),
            lambda: now | {f"file{self.count % 3}.md": f"{self.count}\n".encode()},
            lambda: now if KERNELS in now else renamed(now, SVM.key, "kernels"),
            lambda: deleted(now, SVM.key) if self.chance.random() < 0.2 else now,
        ]
        if alive and b"deleted/" not in now[f"{home(run.key)}/run.yaml"]:
            return self.chance.choice(deeds)()
        return now

    def merge(self, ours: str, theirs: str) -> str:
        """Merges with plain git if that goes, or with us; what contradicts is decided at random."""
        if self.chance.random() < 0.3:
            merged = self._plain(ours, theirs)
            if merged is not None:
                self._check(ours, theirs, merged, None)
                return merged
        whole = self.chance.choice([Choice.OURS, Choice.THEIRS])
        asked: set[str] = set()

        def decide(conflict: Conflict) -> Decision:
            if conflict.field is None:
                return Decision(conflict, whole)
            asked.add(conflict.field)
            return Decision(conflict, self.chance.choice([Choice.OURS, Choice.THEIRS]))

        self._check_both_ways(ours, theirs)
        choices: dict[object, Decision] = {}
        merged = merge(
            self.clone, ours, theirs,
            lambda c: choices.setdefault((c.key, c.field, c.ours, c.theirs), decide(c)),
        )  # fmt: skip
        assert below_tombstones(content(self.clone, merged)) == []
        self._check(ours, theirs, merged, asked)
        return merged

    def _plain(self, ours: str, theirs: str) -> str | None:
        done = git("merge-tree", "--write-tree", ours, theirs, cwd=self.clone.path, check=False)
        if "CONFLICT" in done:
            return None
        tree = done.split("\n")[0]
        words = ["commit-tree", tree, "-p", ours, "-p", theirs, "-m", "plain"]
        return git(*words, cwd=self.clone.path).strip()

    def _check_both_ways(self, ours: str, theirs: str) -> None:
        """Makes sure that which side is which does not matter."""
        found = []
        for one, other in ((ours, theirs), (theirs, ours)):
            try:
                merged = merge(self.clone, one, other)
            except ContradictionError as error:
                found.append(
                    {(c.key, c.field): {repr(c.ours), repr(c.theirs)} for c in error.conflicts}
                )
            else:
                found.append({("tree", None): {self.clone.snapshot(merged).tree}})
                assert below_tombstones(content(self.clone, merged)) == []
        assert found[0] == found[1]

    def _check(self, ours: str, theirs: str, merged: str, asked: set[str] | None) -> None:
        """Makes sure that no field was decided by itself between writes that were concurrent."""
        self._know(merged, {})
        for name in FIELDS:
            o, t = self.writes[ours][name], self.writes[theirs][name]
            left, right = (self.values[c].get(name) for c in (ours, theirs))
            now = self.values[merged].get(name)
            if left == right:
                self.writes[merged][name] = o | t
                continue
            self.writes[merged][name] = o if now == left else t
            lost, side = (t, ours) if now == left else (o, theirs)
            alive = all(map(self.values.get, (ours, theirs, merged)))
            seen = self._has_seen(side, lost) or name in (asked or ())
            assert seen or not alive, (name, left, right)
            if self.is_simple and asked is not None:  # git may choose where crossings cross
                self._check_model(ours, theirs, merged, name, asked)

    def _check_model(self, ours: str, theirs: str, merged: str, name: str, asked: set[str]) -> None:
        before = self._before((ours,), theirs, name)
        wanted = _three(before, *(self.values[c].get(name) for c in (ours, theirs)))
        assert (wanted is UNKNOWN) is (name in asked), (name, before)
        if wanted is not UNKNOWN:
            assert self.values[merged].get(name) == wanted, name

    def _before(self, left: tuple[str, ...], right: str, name: str) -> object:
        """Returns what both sides began with, for one value alone."""
        bases = sorted(self.clone.merge_bases(right, *left))
        value = self.values[bases[0]].get(name)
        for n, base in enumerate(bases[1:], start=1):
            earlier = self._before(tuple(bases[:n]), base, name)
            value = _three(earlier, value, self.values[base].get(name))
        return value

    def _has_seen(self, commit_: str, writes: frozenset[str]) -> bool:
        """Returns whether a side has had a value before; if it has another, it has left that."""
        return any(self.clone.is_ancestor(write, commit_) for write in writes)

    def _know(self, commit_: str, writes: dict[str, frozenset[str]]) -> None:
        self.writes[commit_] = writes
        self.values[commit_] = _fields_of(content(self.clone, commit_))


UNKNOWN = object()


def _three(base: object, ours: object, theirs: object) -> object:
    """Returns the three-way merge of one value."""
    if ours == theirs or theirs == base:
        return ours
    return theirs if ours == base else UNKNOWN


def _fields_of(now: Files) -> dict[str, object]:
    """Returns the fields of the experiment's document; nothing for a deleted one."""
    if b"deleted/" in now.get(DOCUMENT, tombstone(None)):
        return {}
    values = checked(parse_document(now[DOCUMENT]), OF_KIND[Kind.EXPERIMENT])
    found = {name: values[name] for name in ("title", "description", "seed") if name in values}
    parameters = values.get("parameters", {})
    return found | {f"parameters.{n}": parameters[n] for n in ("a", "b") if n in parameters}


def live(clone: Repository, seed: int, steps: int) -> None:
    chance = random.Random(seed)
    history = History(clone, chance, is_simple=seed % 2 == 0)
    tips = [history.begin()] * 2
    for _ in range(steps):
        what = chance.random()
        if what < 0.7:
            n = chance.randrange(2)
            tips[n] = history.change(tips[n])
        elif what < 0.85:  # both merge the other without knowing that the other does
            tips = [history.merge(tips[0], tips[1]), history.merge(tips[1], tips[0])]
        elif tips[0] != tips[1]:
            n = chance.randrange(2)
            tips[n] = history.merge(tips[n], tips[1 - n])
