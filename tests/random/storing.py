"""What people store, change, rename and delete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from padre_git import Execution, Experiment, Run
from padre_git.model import Code, Key
from padre_git.model.ids import new_run_id
from tests.random.journal import Outcome, Trace, Write
from tests.random.person import PROJECT, SHARED, Person

__all__ = [
    "FIELDS",
    "change_shared",
    "delete_experiment",
    "delete_run",
    "experiment_writes",
    "note_run",
    "origin_of",
    "put_experiment",
    "put_many",
    "put_run",
    "record_run",
    "rename_experiment",
    "replace_experiment",
    "replace_run",
    "run_writes",
    "tag_run",
]

FIELDS = ("a", "b", "c")


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
    return (SHARED if chosen is None else origin_of(chosen)), executions[0].key


def origin_of(experiment: Experiment) -> str:
    return str(experiment.attributes["origin"])


def run_writes(run: Run, below: str, **fields: Any) -> list[Write]:
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
        parameters=dict.fromkeys(FIELDS, token),
    )  # fmt: skip
    writes = experiment_writes(experiment)
    with (
        person.deed("put experiment", trace=Trace.SUBJECT, writes=writes),
        person.store.transaction(PROJECT, token),
    ):
        person.store.experiments.put(experiment)
        person.store.executions.put(
            Execution(experiment=experiment.key, code=Code(content="ab" * 32))
        )


def experiment_writes(experiment: Experiment) -> list[Write]:
    values: dict[str, Any] = {"exists": True, "name": experiment.name, "title": experiment.title}
    values |= {f"parameters.{name}": value for name, value in experiment.parameters.items()}
    origin = origin_of(experiment)
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
    token, origin = person.token(), origin_of(experiment)
    writes = [Write(thing=origin, field="exists", value=True)]
    if person.chance.random() < 0.3:
        changed = experiment.replace(title=token)
        writes.append(Write(thing=origin, field="title", value=token))
    else:
        name = person.chance.choice(FIELDS)
        changed = experiment.replace(parameters={**experiment.parameters, name: token})
        writes.append(Write(thing=origin, field=f"parameters.{name}", value=token))
    with person.deed("change experiment", trace=Trace.SUBJECT, writes=writes):
        person.store.experiments.put(changed, message=token)


def rename_experiment(person: Person) -> None:
    """Gives one of the person's own experiments another name."""
    if own := _experiments(person):
        chosen, token = person.chance.choice(own), person.token()
        new = f"new-{token}"
        values = {"exists": True, "name": new}
        writes = [Write(thing=origin_of(chosen), field=f, value=v) for f, v in values.items()]
        with person.deed("rename experiment", trace=Trace.SUBJECT, writes=writes):
            person.store.experiments.rename(chosen.key, new, message=token)


def delete_experiment(person: Person) -> None:
    """Deletes one of the person's own experiments with its runs."""
    if own := _experiments(person):
        chosen = person.chance.choice(own)
        writes = [Write(thing=origin_of(chosen), field="exists", value=False)]
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
            "put run", trace=Trace.SUBJECT, writes=run_writes(run, place[0], title=token)
        ):
            person.store.runs.put(run, message=token)


def replace_run(person: Person) -> None:
    """Stores a run of one's own again with another title."""
    run = _pick_run(person)
    if run is not None and str(run.title).startswith(f"{person.name}-"):
        token, below = person.token(), _below(person, run)
        writes = run_writes(run, below, title=token)
        with person.deed("replace run", trace=Trace.SUBJECT, writes=writes):
            person.store.runs.put(run.replace(title=token), message=token)


def _below(person: Person, run: Run) -> str:
    key = run.execution.parent
    assert key is not None
    return origin_of(person.store.experiments.get(key))


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
    writes = [w for run in runs for w in run_writes(run, place[0], title=run.title)]
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
        writes = run_writes(run, _below(person, run), **{f"tag {token}": True})
        with person.deed("tag run", trace=Trace.SUBJECT, writes=writes):
            person.store.runs.tag(run.key, token)


def note_run(person: Person) -> None:
    """Adds a remark to somebody's run."""
    if run := _pick_run(person):
        token = person.token()
        writes = run_writes(run, _below(person, run), **{f"note {token}": True})
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
