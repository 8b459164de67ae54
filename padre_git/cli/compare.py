"""Comparing: ``diff`` of two runs, or of a project at two states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from padre_git.cli.group import Session
from padre_git.cli.output import plain, print_json, print_table
from padre_git.cli.references import as_json, collection_of
from padre_git.errors import NotFoundError
from padre_git.model import Entity, Execution, Key, Kind
from padre_git.model.values import flatten

if TYPE_CHECKING:
    from padre_git.api.store import Store

__all__ = ["COMMANDS"]

#: Says nothing about what differs between two records.
_LEFT_OUT = frozenset(["key", "revision", "id", "url", "run"])


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--project", metavar="NAME", help="A and B are states (commits, tags, dates) of it.")
@as_json
@click.pass_obj
def diff(session: Session, a: str, b: str, project: str | None, json_: bool) -> None:
    """Say in which fields two records or two states differ.

    \b
    Examples:
      padre-git diff demo/svm/k3v9 demo/svm/7q4t
      padre-git diff --project demo HEAD~5 HEAD
      padre-git diff --project demo 2026-11-01 main --json
    """
    if project is not None:
        _diff_states(session.store, project, a, b, json_)
    else:
        _diff_records(session.store, a, b, json_)


def _diff_records(store: Store, a: str, b: str, json_: bool) -> None:
    keys = store.key(a), store.key(b)
    before, after = (collection_of(store, key.kind).get(key) for key in keys)
    rows = differences(before, after)
    if json_:
        print_json([{"field": f, "a": x, "b": y} for f, x, y in rows])
    elif rows:
        print_table(rows, ["field", keys[0].name, keys[1].name])
    else:
        click.echo("no difference", err=True)


def _diff_states(store: Store, project: str, a: str, b: str, json_: bool) -> None:
    found = []
    changes = store.changes(project, a, b)
    for key in changes.stored:
        before, after = _at(store, key, a), _at(store, key, b)
        if after is not None:
            rows = differences(before, after) if before is not None else _values(after)
            found.append((key, "changed" if before is not None else "added", rows))
    found += [(key, "deleted", []) for key in changes.deleted]
    if json_:
        print_json(
            [{"key": k, "change": c, "fields": [list(row) for row in rows]} for k, c, rows in found]
        )
        return
    for key, change, rows in found:
        click.echo(f"{change} {key}")
        for row in rows:
            click.echo(
                "  "
                + (f"{row[0]}: {row[1]} -> {row[2]}" if len(row) > 2 else f"{row[0]}: {row[1]}")
            )
    if not found:
        click.echo("no difference", err=True)


def _at(store: Store, key: Key, at: str) -> Entity | None:
    if key.kind is Kind.ENVIRONMENT:
        return None
    try:
        found: Entity = collection_of(store, key.kind).get(key, at=at)
    except NotFoundError:
        return None
    return found


def _values(entity: Entity) -> list[tuple[str, Any]]:
    """Returns the parameters and metrics of a run that is new."""
    flat = _flat(entity)
    return [(n, v) for n, v in flat.items() if n.startswith(("parameters.", "metrics."))]


def differences(a: Entity, b: Entity) -> list[tuple[str, Any, Any]]:
    """Returns field, value in ``a`` and value in ``b`` wherever two entities differ."""
    ours, theirs = _flat(a), _flat(b)
    if isinstance(a, Execution) and isinstance(b, Execution) and a.id != b.id:
        ours["id"], theirs["id"] = a.id, b.id
    return [
        (name, ours.get(name), theirs.get(name))
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    ]


def _flat(entity: Entity) -> dict[str, Any]:
    values = {n: v for n, v in plain(entity).items() if n not in _LEFT_OUT}
    values = {n: v for n, v in values.items() if v not in (None, [], {})}
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{inner}": v for inner, v in flatten(value, name).items()})
        else:
            flat[name] = value
    return flat


COMMANDS = [diff]
