"""What people do with the remote, and with plain git beside it."""

from __future__ import annotations

import contextlib
from typing import Any

from padre_git import Experiment, Run
from padre_git.errors import AlreadyExistsError, ConflictError, InvalidInputError, NotFoundError
from padre_git.messages.settling import Choice, Decision
from padre_git.model import Key, Kind
from tests.random.journal import ALL, Deed, Trace, Write
from tests.random.person import PROJECT, Person
from tests.random.storing import experiment_writes, origin_of, run_writes

__all__ = [
    "commit_what_was_left",
    "flush",
    "give_up_merge",
    "look",
    "plug",
    "pull",
    "push",
    "remove_clone",
    "reopen",
    "status",
    "sync",
    "user_commits",
    "user_leaves_work",
    "user_pulls_and_pushes",
]

_THEIRS = "refs/remotes/origin/main"
_SIDES = (Choice.OURS, Choice.THEIRS)


# ------------------------------------------------------------------------- reading and meeting


def look(person: Person) -> None:
    """Reads one thing or everything."""
    with person.deed("look"):
        runs = person.store.runs.list(PROJECT)
        assert len({run.key for run in runs}) == len(runs), "a run is listed twice"
        if runs:
            chosen = person.chance.choice(runs)
            assert person.store.runs.get(chosen.key).id == chosen.id


def status(person: Person) -> None:
    """Asks how things stand."""
    with person.deed("status"):
        person.store.status(PROJECT)


def sync(person: Person) -> None:
    """Syncs, and decides what only a person can decide."""
    keys: set[str] = set()
    with person.deed("sync"):
        try:
            person.store.sync(PROJECT)
        except ConflictError as error:
            keys = {c.key for c in error.conflicts if c.key.startswith(f"{PROJECT}/")}
            raise
    if keys and person.chance.random() < 0.8:
        _settle_conflicts(person)
    else:
        for number, key in enumerate(sorted(keys)):
            _take_theirs(person, key, number)


def _settle_conflicts(person: Person) -> None:
    """Decides every conflict, all alike or one by one; what cannot be decided so stays open."""
    with person.deed("settle", name=f"{person.token()}-settled"):
        if person.chance.random() < 0.5:
            person.store.settle(PROJECT, rest=person.chance.choice(_SIDES))
            return
        for conflict in person.store.conflicts(PROJECT):
            with contextlib.suppress(InvalidInputError):
                choice = person.chance.choice(_SIDES)
                person.store.settle(PROJECT, Decision(conflict, choice))


def push(person: Person) -> None:
    """Pushes."""
    with person.deed("push"):
        person.store.push(PROJECT)


def pull(person: Person) -> None:
    """Pulls."""
    with person.deed("pull"):
        person.store.pull(PROJECT)


def flush(person: Person) -> None:
    """Publishes what waits."""
    with person.deed("flush"):
        person.store.flush()


def plug(person: Person) -> None:
    """Goes offline, or online again."""
    (person.go_offline if person.chance.random() < 0.4 else person.go_online)()


def reopen(person: Person) -> None:
    """Closes the store and opens it with another policy."""
    with person.deed("reopen"):
        person.reopen()


def remove_clone(person: Person) -> None:
    """Removes the whole clone from this machine, if nothing is only here, and gets it again."""
    with person.deed("remove the clone"):
        person.store.projects.delete(PROJECT, mode="local")
    with person.deed("get the clone again", name=f"{person.token()}-again"):
        person.store.pull(PROJECT)


def _collections(person: Person) -> dict[Kind, Any]:
    store = person.store
    return {
        Kind.PROJECT: store.projects, Kind.EXPERIMENT: store.experiments, Kind.RUN: store.runs,
        Kind.EXECUTION: store.executions, Kind.ENVIRONMENT: store.environments,
    }  # fmt: skip


def _take_theirs(person: Person, text: str, number: int) -> None:
    """Makes a record here what it is at the remote."""
    name = f"{person.token()}-theirs{number}"
    with person.deed("take theirs", name=name) as deed:
        key = Key.parse(text)
        records = _collections(person)[key.kind]
        try:
            theirs = records.get(key, at=_THEIRS)
        except NotFoundError:
            deed.trace, deed.op, deed.key = Trace.TRAILERS, "delete", key.text
            deed.writes = [Write(thing=_thing(person, key), field="exists", value=False)]
            person.journal.write(deed)
            records.delete(key)
            return
        deed.trace = Trace.SUBJECT
        if isinstance(theirs, Run):
            deed.writes = _whole_run(theirs)
        elif isinstance(theirs, Experiment):
            deed.writes = experiment_writes(theirs)
        person.journal.write(deed)
        records.put(theirs.stamped(revision=None), message=name)


def _thing(person: Person, key: Key) -> str:
    if key.kind is Kind.RUN:
        return key.name
    return origin_of(person.store.experiments.get(key))


def _whole_run(run: Run) -> list[Write]:
    whole = Write(thing=str(run.id), field=ALL, value=None)
    return [*run_writes(run, "", title=run.title), whole]


# -------------------------------------------------------------------------------- plain git


def user_commits(person: Person) -> None:
    """Commits a file of one's own with plain git."""
    token, file = person.token(), f"notes-{person.name}.md"
    writes = [*_file_writes(file, token), Write(thing=file, field="work", value=token)]
    with person.deed("user commits", trace=Trace.SUBJECT, writes=writes) as deed:
        give_up_merge(person)  # left by a kill; git would give up what is staged with it
        _write_notes(person, token)
        _commit(person, deed, file)


def _file_writes(file: str, content: str) -> list[Write]:
    return [
        Write(thing=file, field="exists", value=True),
        Write(thing=file, field="content", value=content),
    ]


def user_leaves_work(person: Person) -> None:
    """Changes a file and does not commit it."""
    file = f"notes-{person.name}.md"
    writes = [Write(thing=file, field="work", value=person.token())]
    with person.deed("user leaves work", writes=writes):
        _write_notes(person, person.token())


def _write_notes(person: Person, token: str) -> None:
    if not (person.clone / ".git").exists():
        raise NotFoundError("no clone")
    (person.clone / f"notes-{person.name}.md").write_text(f"{token}\n")


def user_pulls_and_pushes(person: Person) -> None:
    """Pulls and pushes with plain git; a merge with conflicts is given up."""
    with person.deed("user pulls and pushes"):
        person.git("pull", "-q", "--no-rebase", "--no-edit")
        if not give_up_merge(person):
            person.git("push", "-q")


def give_up_merge(person: Person) -> bool:
    """Gives up a merge with conflicts, and returns whether there was one."""
    if not (person.clone / ".git/MERGE_HEAD").exists():
        return False
    person.git("merge", "--abort")
    return True


def _commit(person: Person, deed: Deed, file: str) -> None:
    person.git("add", file)
    done = person.git("commit", "-qm", deed.name, "--", file)
    if done.returncode:
        raise AlreadyExistsError(done.stdout + done.stderr)


def commit_what_was_left(person: Person) -> None:
    file = f"notes-{person.name}.md"
    if not person.git("status", "--porcelain", "--", file).stdout.strip():
        return
    left = (person.clone / file).read_text().strip()
    writes = _file_writes(file, left)
    with person.deed("commit what was left", trace=Trace.SUBJECT, writes=writes) as deed:
        _commit(person, deed, file)
