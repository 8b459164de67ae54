"""Upkeep of data: ``verify``, ``repair`` and ``gc``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from padre_git.cli.group import Session, note
from padre_git.cli.output import print_json, print_table
from padre_git.cli.references import as_json, clones, project_argument

if TYPE_CHECKING:
    from padre_git.artifacts.upkeep import Damage

__all__ = ["COMMANDS"]

_UNITS = ("B", "KB", "MB", "GB", "TB")


def _size(size: int) -> str:
    number = float(size)
    for unit in _UNITS[:-1]:
        if number < 1000:
            return f"{number:.4g} {unit}"
        number /= 1000
    return f"{number:.4g} {_UNITS[-1]}"


def _projects(session: Session, project: str | None) -> list[str]:
    """Returns the named project, or those that have a clone."""
    return clones(session.store) if project is None else [project]


def _show(found: Mapping[str, Sequence[Damage]], json_: bool) -> None:
    if json_:
        print_json(found)
        return
    rows = [[name, d.problem, d.path, d.md5] for name, all_ in found.items() for d in all_]
    if rows:
        print_table(rows, ["project", "problem", "path", "object"])


@click.command()
@project_argument
@as_json
@click.pass_context
def verify(context: click.Context, project: str | None, json_: bool) -> None:
    """Check the data of one clone, or all, in every version.

    Every byte here is hashed; on the data remote, existence and size are looked up. Exits with 1
    if something is wrong.

    \b
    Examples:
      padre-git verify
      padre-git verify demo --json
    """
    session: Session = context.obj
    store = session.store
    found = {name: store.artifacts.verify(name) for name in _projects(session, project)}
    _show(found, json_)
    count = sum(map(len, found.values()))
    if count:
        note(f"{count} things are wrong; padre-git repair mends what has another copy")
        context.exit(1)
    note("all data is sound")


@click.command()
@project_argument
@as_json
@click.pass_context
def repair(context: click.Context, project: str | None, json_: bool) -> None:
    """Fetch data that is damaged, send what the remote lost.

    It is that of PROJECT, or of all clones. What has no other copy is shown; then the exit code
    is 1.

    \b
    Examples:
      padre-git repair demo
    """
    session: Session = context.obj
    left = {n: session.store.artifacts.repair(n) for n in _projects(session, project)}
    _show(left, json_)
    if any(left.values()):
        note("the rest has no other copy; another clone may have one: padre-git push there")
        context.exit(1)
    note("all data is sound")


@click.command()
@project_argument
@click.option("-n", "--dry-run", is_flag=True, help="Show what would go, and remove nothing.")
@as_json
@click.pass_obj
def gc(session: Session, project: str | None, dry_run: bool, json_: bool) -> None:
    """Remove data from one clone, or all, that nothing means.

    What any branch, tag, reflog, stash, work tree, kept or pending work, or running run means
    stays, and so does what is younger than a day. The data remote is not touched.

    \b
    Examples:
      padre-git gc --dry-run
      padre-git gc demo
    """
    artifacts = session.store.artifacts
    found = {name: artifacts.unneeded(name) for name in _projects(session, project)}
    if json_:
        print_json({n: [{"md5": o.md5, "size": o.size} for o in objs] for n, objs in found.items()})
    else:
        rows = [[name, one.md5, _size(one.size)] for name, objs in found.items() for one in objs]
        if rows:
            print_table(rows, ["project", "object", "size"])
    if dry_run:
        total = sum(one.size for objs in found.values() for one in objs)
        note(f"{_size(total)} would go; nothing was removed")
    else:
        note(f"{_size(sum(map(artifacts.gc, found)))} removed")


COMMANDS = [verify, repair, gc]
