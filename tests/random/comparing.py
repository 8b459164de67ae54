"""Whether clones say what they may say, and say the same in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import padre_git
from padre_git.errors import ConflictError
from tests.conftest import git
from tests.random.clones import NAMES, PROJECT, Clones
from tests.random.facts import Known

__all__ = ["agree", "check", "settle"]

Seen = dict[str, dict[str, Any]]


def look(store: padre_git.Store) -> Seen:
    """Returns every thing with its fields, as a store has them."""
    seen: Seen = {}
    for experiment in store.experiments.list(PROJECT):
        origin = str(experiment.attributes["origin"])
        assert origin not in seen, f"'{origin}' exists twice"
        seen[origin] = {"title": experiment.title, "name": experiment.name}
        if experiment.description:
            seen[origin]["description"] = experiment.description
    for run in store.runs.list(PROJECT):
        assert run.id not in seen, f"'{run.id}' is listed twice"
        marks = Counter([f"tag {tag}" for tag in run.tags])
        marks.update(f"note {note.text.strip()}" for note in run.notes)
        assert not [mark for mark, count in marks.items() if count > 1]
        seen[str(run.id)] = {"title": run.title, **dict.fromkeys(marks, True)}
    return seen


def check(clones: Clones, name: str) -> None:
    """Compares what a person's store says with what it may say."""
    known = clones.history(name)
    seen = look(clones.stores[name])
    # what the remote has is listed, too, also while there is a conflict
    either = known, clones.fetched(name), clones.waiting(name)
    _compare(clones, seen, either, clones.kept[name], name)


def _compare(clones: Clones, seen: Seen, either: Sequence[Known], kept: set[str], who: str) -> None:
    """Makes sure that what is seen is what one may see who knows this much, or that much."""
    facts = clones.facts
    things = [thing for thing in facts.things() if not thing.endswith(".md")]
    assert seen.keys() <= set(things), who
    for thing in things:
        there = thing in seen
        if thing not in kept:
            allowed = set().union(*(facts.existence(thing, known) for known in either))
            assert there in allowed, f"{who} sees {thing}: {there}\n{facts.told(thing)}"
        if not there or thing in kept:
            continue
        fields = set().union(*(facts.fields(thing, known) for known in either))
        assert seen[thing].keys() - {"name", "title"} <= fields, (who, thing)
        for field in fields:
            values = [facts.values(thing, field, known) for known in either]
            found = seen[thing].get(field)
            assert (
                None in values
                or any(found in v for v in values if v is not None)
                or (found is None and set() in values)
            ), f"{who} sees {thing}: {field} {found}, not {values}\n{facts.told(thing)}"


def settle(clones: Clones) -> None:
    """Brings everybody to rest, in peace."""
    if clones.away:
        clones.unplug()
    clones.let_go_of_indexes()
    for round_ in range(8):
        for name in NAMES:
            clones.give_up_merge(name)
            clones.reopen(name)
            _sync(clones.stores[name], "ours" if round_ % 2 else "theirs")
            check(clones, name)
        heads = {git("rev-parse", "main", cwd=clones.clone(name)) for name in NAMES}
        if heads == {git("rev-parse", "main", cwd=clones.bare)}:
            return
    raise AssertionError("the clones do not come to rest")


def _sync(store: padre_git.Store, side: str) -> None:
    try:
        store.sync(PROJECT)
    except ConflictError:
        left = store.settle(PROJECT, rest=side)
        assert left == ()
        store.sync(PROJECT)


def agree(clones: Clones) -> None:
    """Makes sure that all clones and a fresh one say the same, and that git finds all sound."""
    fresh = clones.open("fresh")
    try:
        fresh.pull(PROJECT)
        final = look(fresh)
    finally:
        fresh.close()
    known = clones.history("ada")
    for write in clones.facts.writes:
        assert write.commit in known, f"{write} is lost"
    _compare(clones, final, (known,), set(), "fresh")
    for name in NAMES:
        seen = look(clones.stores[name])
        kept = {thing for thing in clones.kept[name] if thing not in final}
        assert {t: s for t, s in seen.items() if t not in kept} == final, name
    for path in (clones.bare, *map(clones.clone, (*NAMES, "fresh"))):
        assert git("fsck", "--full", "--strict", "--no-dangling", cwd=path) == "", path
        if path != clones.bare:
            status = git("status", "--porcelain", cwd=path)
            assert status == "", (path, status, git("diff", "HEAD", cwd=path))
            # those of refs that only we have are taken over by whoever needs them next
            locks = [lock for lock in (path / ".git").rglob("*.lock") if "padre" not in lock.parts]
            assert not locks, locks
    _files(clones, known)


def _files(clones: Clones, known: Known) -> None:
    """What the users committed with plain git is in every clone."""
    for file in (thing for thing in clones.facts.things() if thing.endswith(".md")):
        allowed = clones.facts.values(file, "content", known) or set()
        for name in (*NAMES, "fresh"):
            assert (clones.clone(name) / file).read_text().strip() in allowed, (name, file)
