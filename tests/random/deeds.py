"""What people do with a store, and with plain git beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from padre_git import Execution, Experiment, Run
from padre_git.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PadreGitError,
)
from padre_git.messages.settling import Choice, Decision
from padre_git.model import Code, Key, Kind
from padre_git.model.ids import new_run_id
from tests.random.journal import ALL, Deed, Outcome, Trace, Write
from tests.random.person import PROJECT, SHARED, Person

__all__ = ["draw", "found", "settle"]

_FIELDS = ("a", "b", "c")
_THEIRS = "refs/remotes/origin/main"
_SIDES = (Choice.OURS, Choice.THEIRS)


# ------------------------------------------------------------------------------- what is there


def _experiments(person: Person) -> list[Experiment]:
    """Returns the person's own experiments, whatever they are called by now."""
    found = person.store.experiments.list(PROJECT)
    return [e for e in found if str(e.attributes.get("origin", "")).startswith(f"{person.name}-")]


def _pick_run(person: Person) -> Run | None:
    found = person.store.runs.list(PROJECT)
    own = [run for run in found if str(run.title).startswith(f"{person.name}-")]
    among = own if own and person.chance.random() < 0.7 else found
    return person.chance.choice(among) if among else None


def _place(person: Person) -> tuple[str, Key] | None:
    """Returns an experiment's origin and an execution in it to put runs below."""
    own = _experiments(person)
    chosen: Experiment | None = None
    if own and person.chance.random() < 0.4:
        chosen = person.chance.choice(own)
    parent = chosen.key if chosen is not None else Key.project_named(PROJECT).experiment(SHARED)
    executions = person.store.executions.list(parent)
    if not executions:
        return None
    return (SHARED if chosen is None else _origin(chosen)), executions[0].key


def _origin(experiment: Experiment) -> str:
    return str(experiment.attributes["origin"])


def _run_writes(run: Run, below: str, **fields: Any) -> list[Write]:
    values = {"exists": True, **fields}
    return [
        Write(thing=str(run.id), field=field, value=value, below=below)
        for field, value in values.items()
    ]


# ------------------------------------------------------------------------------------ writing


def put_experiment(person: Person) -> None:
    """Makes an experiment with an execution, in a transaction."""
    token = person.token()
    experiment = Experiment(
        project=PROJECT, name=f"of-{token}", title=token, attributes={"origin": token},
        parameters=dict.fromkeys(_FIELDS, token),
    )  # fmt: skip
    writes = _experiment_writes(experiment)
    with (
        person.deed("put experiment", trace=Trace.SUBJECT, writes=writes),
        person.store.transaction(PROJECT, token),
    ):
        person.store.experiments.put(experiment)
        person.store.executions.put(
            Execution(experiment=experiment.key, code=Code(content="ab" * 32))
        )


def _experiment_writes(experiment: Experiment) -> list[Write]:
    values: dict[str, Any] = {"exists": True, "title": experiment.title}
    values |= {f"parameters.{name}": value for name, value in experiment.parameters.items()}
    origin = _origin(experiment)
    return [Write(thing=origin, field=field, value=value) for field, value in values.items()]


def replace_experiment(person: Person) -> None:
    """Changes one of the person's own experiments."""
    if own := _experiments(person):
        _change(person, person.chance.choice(own))


def change_shared(person: Person) -> None:
    """Changes what everybody changes."""
    with person.deed("get shared", name=f"{person.token()}-get") as looked:
        shared = person.store.experiments.get(f"{PROJECT}/{SHARED}")
    if looked.outcome is Outcome.DONE:
        _change(person, shared)


def _change(person: Person, experiment: Experiment) -> None:
    token, origin = person.token(), _origin(experiment)
    writes = [Write(thing=origin, field="exists", value=True)]
    if person.chance.random() < 0.3:
        changed = experiment.replace(title=token)
        writes.append(Write(thing=origin, field="title", value=token))
    else:
        name = person.chance.choice(_FIELDS)
        changed = experiment.replace(parameters={**experiment.parameters, name: token})
        writes.append(Write(thing=origin, field=f"parameters.{name}", value=token))
    with person.deed("change experiment", trace=Trace.SUBJECT, writes=writes):
        person.store.experiments.put(changed, message=token)


def rename_experiment(person: Person) -> None:
    """Gives one of the person's own experiments another name."""
    if own := _experiments(person):
        chosen, token = person.chance.choice(own), person.token()
        writes = [Write(thing=_origin(chosen), field="exists", value=True)]
        with person.deed("rename experiment", trace=Trace.SUBJECT, writes=writes):
            person.store.experiments.rename(chosen.key, f"new-{token}", message=token)


def delete_experiment(person: Person) -> None:
    """Deletes one of the person's own experiments with its runs."""
    if own := _experiments(person):
        chosen = person.chance.choice(own)
        writes = [Write(thing=_origin(chosen), field="exists", value=False)]
        mode = person.chance.choice(("all", "all", "remote"))
        with person.deed(
            f"delete experiment {mode}", trace=Trace.TRAILERS, op="delete",
            key=chosen.key.text, writes=writes,
        ):  # fmt: skip
            person.store.experiments.delete(chosen.key, mode=mode)


def put_run(person: Person) -> None:
    """Stores one run that ended elsewhere."""
    token, place = person.token(), _place(person)
    if place is not None:
        run = Run(execution=place[1], id=new_run_id(datetime.now(UTC)), title=token)
        with person.deed(
            "put run", trace=Trace.SUBJECT, writes=_run_writes(run, place[0], title=token)
        ):
            person.store.runs.put(run, message=token)


def replace_run(person: Person) -> None:
    """Stores a run of one's own again with another title."""
    run = _pick_run(person)
    if run is not None and str(run.title).startswith(f"{person.name}-"):
        token, below = person.token(), _below(person, run)
        writes = _run_writes(run, below, title=token)
        with person.deed("replace run", trace=Trace.SUBJECT, writes=writes):
            person.store.runs.put(run.replace(title=token), message=token)


def _below(person: Person, run: Run) -> str:
    key = run.execution.parent
    assert key is not None
    return _origin(person.store.experiments.get(key))


def record_run(person: Person) -> None:
    """Records a run with the recorder, now and then with a file."""
    token, place = person.token(), _place(person)
    if place is None:
        return
    experiment = place[1].parent
    assert experiment is not None
    id_ = new_run_id(datetime.now(UTC))
    writes = [
        Write(thing=id_, field="exists", value=True, below=place[0]),
        Write(thing=id_, field="title", value=token, below=place[0]),
    ]
    with (
        person.deed("record run", trace=Trace.TRAILERS, op="record", writes=writes) as deed,
        person.store.start_run(experiment, {"n": person.step}, id=id_, title=token) as run,
    ):
        deed.key = run.key.text
        person.journal.write(deed)
        for step in range(3):
            run.log_metric("loss", 1 / (step + 1), step=step)
        if person.chance.random() < 0.15:
            file = person.root.parent / f"{token}.bin"
            file.write_bytes(token.encode() * 2000)
            run.log_artifact(file)


def put_many(person: Person) -> None:
    """Stores several runs in one transaction."""
    token, place = person.token(), _place(person)
    if place is None:
        return
    runs = [
        Run(execution=place[1], id=new_run_id(datetime.now(UTC)), title=f"{token}.{n}")
        for n in range(person.chance.randint(2, 4))
    ]
    writes = [w for run in runs for w in _run_writes(run, place[0], title=run.title)]
    with (
        person.deed("transaction", trace=Trace.SUBJECT, writes=writes),
        person.store.transaction(PROJECT, token),
    ):
        for run in runs:
            person.store.runs.put(run)


def tag_run(person: Person) -> None:
    """Labels somebody's run."""
    if run := _pick_run(person):
        token = person.token()
        writes = _run_writes(run, _below(person, run), **{f"tag {token}": True})
        with person.deed("tag run", trace=Trace.SUBJECT, writes=writes):
            person.store.runs.tag(run.key, token)


def note_run(person: Person) -> None:
    """Adds a remark to somebody's run."""
    if run := _pick_run(person):
        token = person.token()
        writes = _run_writes(run, _below(person, run), **{f"note {token}": True})
        with person.deed(
            "note run", trace=Trace.TRAILERS, op="put", key=run.key.text, ending=": note",
            writes=writes,
        ):  # fmt: skip
            person.store.runs.note(run.key, token)


def delete_run(person: Person) -> None:
    """Deletes somebody's run, from one side or both."""
    if run := _pick_run(person):
        mode = person.chance.choice(("all", "remote", "local", "local"))
        if mode == "local":
            with person.deed("evict run"):
                person.store.runs.delete(run.key, mode=mode)
            return
        below = _below(person, run)
        writes = [Write(thing=str(run.id), field="exists", value=False, below=below)]
        with person.deed(
            f"delete run {mode}", trace=Trace.TRAILERS, op="delete", key=run.key.text,
            writes=writes,
        ):  # fmt: skip
            person.store.runs.delete(run.key, mode=mode)


# ------------------------------------------------------------------------- reading and meeting


def look(person: Person) -> None:
    """Reads one thing or everything."""
    with person.deed("look"):
        runs = person.store.runs.list(PROJECT)
        assert len({run.id for run in runs}) == len(runs), "a run is listed twice"
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
            deed.writes = _experiment_writes(theirs)
        person.journal.write(deed)
        records.put(theirs.stamped(revision=None), message=name)


def _thing(person: Person, key: Key) -> str:
    if key.kind is Kind.RUN:
        return key.name
    return _origin(person.store.experiments.get(key))


def _whole_run(run: Run) -> list[Write]:
    whole = Write(thing=str(run.id), field=ALL, value=None)
    return [*_run_writes(run, "", title=run.title), whole]


# -------------------------------------------------------------------------------- plain git


def user_commits(person: Person) -> None:
    """Commits a file of one's own with plain git."""
    token, file = person.token(), f"notes-{person.name}.md"
    writes = [*_file_writes(file, token), Write(thing=file, field="work", value=token)]
    with person.deed("user commits", trace=Trace.SUBJECT, writes=writes) as deed:
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
        if (person.clone / ".git/MERGE_HEAD").exists():
            person.git("merge", "--abort")
        else:
            person.git("push", "-q")


def _commit(person: Person, deed: Deed, file: str) -> None:
    person.git("add", file)
    done = person.git("commit", "-qm", deed.name, "--", file)
    if done.returncode:
        raise AlreadyExistsError(done.stdout + done.stderr)


# ------------------------------------------------------------------------------------- drawing

_OFTEN: dict[Callable[[Person], None], int] = {
    put_experiment: 4, replace_experiment: 4, change_shared: 4, rename_experiment: 2,
    delete_experiment: 1, put_run: 7, replace_run: 3, record_run: 6, put_many: 3, tag_run: 5,
    note_run: 4, delete_run: 5, look: 4, status: 3, sync: 7, push: 4, pull: 4, flush: 2, plug: 4,
    reopen: 3, remove_clone: 1, user_commits: 3, user_leaves_work: 2, user_pulls_and_pushes: 3,
}  # fmt: skip


def draw(person: Person) -> None:
    """Does the deed that the step's luck chooses."""
    (deed,) = person.chance.choices(list(_OFTEN), list(_OFTEN.values()))
    try:
        deed(person)
    except PadreGitError as error:
        # reading what the deed should be about has failed; only some failures may
        with person.deed(f"prepare {deed.__name__}", name=f"{person.token()}-prepare"):
            raise error  # noqa: TRY201 - it is not the one that is being handled there


def found(person: Person) -> None:
    """Makes the project and what everybody changes."""
    from padre_git import Project

    shared = Experiment(
        project=PROJECT, name=SHARED, title="nobody", attributes={"origin": SHARED},
        parameters=dict.fromkeys(_FIELDS, "nobody"),
    )  # fmt: skip
    with (
        person.deed("found", trace=Trace.SUBJECT, writes=_experiment_writes(shared)),
        person.store.transaction(PROJECT, person.token()),
    ):
        person.store.projects.put(Project(name=PROJECT))
        person.store.experiments.put(shared)
        person.store.executions.put(Execution(experiment=shared.key, code=Code(content="cd" * 32)))


def settle(person: Person) -> None:
    """Brings a clone and the remote to rest: everything here is there, and the other way round."""
    person.store.close()
    person.store = person.open("manual")
    pull(person)
    _commit_what_was_left(person)
    for _ in range(10):
        person.step += 1
        with person.deed("last sync", name=f"{person.token()}-last") as deed:
            person.store.sync(PROJECT)
        if deed.outcome is Outcome.DONE:
            return
        sync(person)
    raise AssertionError(f"{person.name} does not come to rest: {deed.error}")


def _commit_what_was_left(person: Person) -> None:
    file = f"notes-{person.name}.md"
    if not person.git("status", "--porcelain", "--", file).stdout.strip():
        return
    left = (person.clone / file).read_text().strip()
    writes = _file_writes(file, left)
    with person.deed("commit what was left", trace=Trace.SUBJECT, writes=writes) as deed:
        _commit(person, deed, file)
