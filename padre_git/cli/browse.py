"""Looking at the store: ``list``, ``show``, ``log``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

from padre_git.cli.group import Session, note
from padre_git.cli.output import plain, print_json, print_table, printable, shown
from padre_git.cli.references import as_json, at_option, collection_of, kind_option, kind_shown
from padre_git.errors import ArtifactError, InvalidInputError, RemoteError
from padre_git.model import Entity, Environment, Key, Kind, Project, Run
from padre_git.model.values import flatten

__all__ = ["COMMANDS"]

_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    Kind.PROJECT: ("name", "title", "url"),
    Kind.DATASET: ("name", "title", "version", "url"),
    Kind.EXPERIMENT: ("name", "title", "dataset", "parameters", "metrics", "url"),
    Kind.EXECUTION: ("execution", "entry_point", "code"),
}


@click.command("list")
@click.argument("ref", required=False)
@kind_option
@click.option("--where", metavar="QUERY", help="Such as 'metrics.accuracy > 0.9 and params.C = 1'.")
@click.option("--order-by", metavar="FIELDS", help="Such as -metrics.accuracy,started.")
@click.option("--limit", type=click.IntRange(0), help="At most so many.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out so many first.")
@click.option("--columns", metavar="FIELDS", help="Such as run,params.C,metrics.accuracy.")
@click.option("--deleted", is_flag=True, help="What 'restore' would bring back, of every kind.")
@at_option
@as_json
@click.pass_obj
def list_(session: Session, /, ref: str | None, kind: Kind | None, columns: str | None,
          at: str | None, deleted: bool, json_: bool, **query: Any) -> None:  # fmt: skip
    """List projects, experiments or runs: what is below REF.

    Projects that only the remote has are listed, too, and are not brought here.

    \b
    Examples:
      padre-git list
      padre-git list demo --kind dataset
      padre-git list demo/svm --where "status = finished" --order-by -metrics.accuracy
      padre-git list demo/svm --columns run,params.C,metrics.accuracy --json
      padre-git list demo --deleted
    """
    if deleted:
        if columns or at or any(query.values()):
            raise click.UsageError("--deleted goes with REF, --kind and --json only")
        _list_deleted(session, ref, kind, json_)
        return
    store = session.store
    parent = None if ref is None else store.key(ref, at=at)
    kind = kind or kind_shown(parent)
    if query["order_by"]:
        query["order_by"] = query["order_by"].split(",")
    entities = collection_of(store, kind).list(parent, at=at, **query)
    if json_:
        print_json(entities)
        return
    if not entities:
        click.echo(f"no {kind.directory}" + (f" in '{ref}'" if ref else ""), err=True)
        return
    names = columns.split(",") if columns else _default_columns(kind, entities)
    short = _short_names(session, entities, names, at)
    print_table([[_cell(e, name, short) for name in names] for e in entities], names)


def _list_deleted(session: Session, ref: str | None, kind: Kind | None, json_: bool) -> None:
    found = [gone for gone in session.store.deleted(ref) if kind in (None, gone.key.kind)]
    if json_:
        print_json(found)
        return
    if not found:
        click.echo("nothing deleted" + (f" in '{ref}'" if ref else ""), err=True)
        return
    rows = [
        [gone.key.text, gone.time, gone.author and gone.author.name, gone.state and gone.state[:10]]
        for gone in found
    ]
    print_table(rows, ["deleted", "when", "by", "state"])


def _default_columns(kind: Kind, entities: Sequence[Entity]) -> list[str]:
    if kind is Kind.PROJECT and any(getattr(one, "remote_only", False) for one in entities):
        return ["name", "title", "place", "url"]
    if kind is not Kind.RUN:
        return list(_COLUMNS[kind])
    runs = [entity for entity in entities if isinstance(entity, Run)]
    return ["run", "status", "started", *_varying(runs), *_metrics(runs)]


def _varying(runs: Sequence[Run]) -> list[str]:
    """Returns the parameters in which runs differ; all of them if there is one run."""
    values: dict[str, set[str]] = {}
    flat = [flatten(run.parameters) for run in runs]
    for name in dict.fromkeys(name for parameters in flat for name in parameters):
        values[name] = {repr(parameters.get(name)) for parameters in flat}
    return [f"params.{n}" for n, seen in values.items() if len(seen) > 1 or len(runs) == 1]


def _metrics(runs: Sequence[Run]) -> list[str]:
    return [f"metrics.{name}" for name in dict.fromkeys(n for run in runs for n in run.metrics)]


def _short_names(
    session: Session, entities: Sequence[Entity], names: Sequence[str], at: str | None
) -> dict[Key, str]:
    if not {"run", "execution"} & set(names):
        return {}
    short: dict[Key, str] = session.store.shorten([entity.key for entity in entities], at=at)
    return short


def _cell(entity: Entity, name: str, short: Mapping[Key, str]) -> Any:
    if name in ("run", "execution") and entity.key in short:
        return short[entity.key]
    if name == "place" and isinstance(entity, Project):
        return "remote only" if entity.remote_only else "here"
    head, _, rest = name.partition(".")
    head = {"params": "parameters"}.get(head, head)
    if not hasattr(entity, head):
        raise InvalidInputError(
            f"no column '{name}' in {entity.key.kind.noun}",
            hint=f"is it 'metrics.{name}' or 'params.{name}'? --json shows every field",
        )
    value = getattr(entity, head)
    if rest:
        return (flatten(value) if isinstance(value, Mapping) else {}).get(rest)
    if head == "code":
        return " ".join(f"{k}={str(v)[:12]}" for k, v in plain(value).items() if v)
    return value


@click.command()
@click.argument("ref")
@click.option("--requirements", is_flag=True, help="Print a run's packages, as pip reads them.")
@at_option
@as_json
@click.pass_obj
def show(session: Session, ref: str, requirements: bool, at: str | None, json_: bool) -> None:
    """Show one record with everything that is known of it.

    \b
    Examples:
      padre-git show demo/svm/k3v9
      padre-git show demo/svm/k3v9 --requirements > requirements.txt
      padre-git show demo/svm --at 2026-11-01
    """
    store = session.store
    key = store.key(ref, at=at)
    entity = collection_of(store, key.kind).get(key, at=at)
    if requirements:
        _print_requirements(session, entity, at)
    elif json_:
        print_json(entity)
    else:
        _print_entity(entity)
        if isinstance(entity, Run):
            _print_parts(session, entity, at)


def _print_requirements(session: Session, entity: Entity, at: str | None) -> None:
    if not isinstance(entity, Run):
        raise InvalidInputError("only runs have requirements", key=entity.key)
    environment: Environment = session.store.runs.environment(entity, at=at)
    click.echo(printable(f"# python {environment.python} on {environment.platform}"))
    for name, version in environment.packages.items():
        line = f"{name}=={version}"  # pip takes other lines for options, such as where packages are
        click.echo(printable(line if _PACKAGE.fullmatch(line) else f"# no package: {line}"))


def _print_entity(entity: Entity) -> None:
    click.echo(entity.key.text)
    for name, value in plain(entity).items():
        if name in ("key", "remote_only") or value in (None, [], {}, ""):
            continue
        if isinstance(value, dict):
            click.echo(f"{name}:")
            for inner, item in flatten(value).items():
                click.echo(f"  {printable(inner)}: {shown(item)}")
        elif isinstance(value, list) and isinstance(value[0], dict):
            click.echo(f"{name}:")
            for item in value:
                click.echo(
                    f"  - {shown({k: v for k, v in item.items() if v not in (None, {}, [])})}"
                )
        else:
            text = value if isinstance(value, str) else shown(value)
            click.echo(f"{name}: " + printable(text).replace("\n", "\n  "))


def _print_parts(session: Session, run: Run, at: str | None) -> None:
    store = session.store
    splits = store.splits.list(run, at=at)
    if splits:
        click.echo("splits:")
        for split in splits:
            sizes = {n: len(getattr(split, n) or ()) for n in ("train", "test", "validation")}
            click.echo(f"  {split.number}: {shown({n: s for n, s in sizes.items() if s})}"
                       f"  {shown(split.metrics)}")  # fmt: skip
    try:
        artifacts = store.artifacts.list(run, at=at)
    except (ArtifactError, RemoteError) as error:  # the record itself is here
        note(f"the names of its artifacts are not here: {error}")
        return
    if artifacts:
        click.echo("artifacts:")
        for artifact in artifacts:
            click.echo(f"  {printable(artifact.name)}")


@click.command()
@click.argument("ref")
@click.option("--limit", type=click.IntRange(1), help="At most so many commits.")
@click.option("--only", is_flag=True, help="Only the record itself, not what lies below it.")
@as_json
@click.pass_obj
def log(session: Session, ref: str, limit: int | None, only: bool, json_: bool) -> None:
    """Show who changed a record or what is below it, and when. The newest comes first.

    \b
    Examples:
      padre-git log demo --limit 20
      padre-git log demo/svm --only
    """
    store = session.store
    versions = store.history(ref, limit=limit) if only else store.log(ref, limit=limit)
    if json_:
        print_json(versions)
        return
    print_table(
        [[v.state[:10], v.time, v.author.name, v.op, v.subject] for v in versions],
        ["commit", "time", "author", "op", "subject"],
    )


COMMANDS = [list_, show, log]
