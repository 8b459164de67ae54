"""Upkeep of data: ``verify``, ``repair`` and ``gc``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from padre_git.cli.group import Session, note
from padre_git.cli.output import print_json, print_table
from padre_git.cli.references import as_json, clones, project_argument

if TYPE_CHECKING:
    from padre_git.artifacts.spare import Unneeded
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


def _copies(help_: str) -> Callable[[Any], Any]:
    return click.option("--copies", type=click.IntRange(1), metavar="N", help=help_)


@click.command()
@project_argument
@_copies("So many data remotes shall have what is published.")
@as_json
@click.pass_context
def verify(context: click.Context, project: str | None, copies: int | None, json_: bool) -> None:
    """Check the data of one clone, or all, in every version.

    Every byte here is hashed; on the data remote, existence and size are looked up. Exits with 1
    if something is wrong.

    \b
    Examples:
      padre-git verify
      padre-git verify demo --json
      padre-git verify demo --copies 2
    """
    session: Session = context.obj
    check = session.store.artifacts.verify
    found = {name: check(name, copies=copies or 1) for name in _projects(session, project)}
    _show(found, json_)
    count = sum(map(len, found.values()))
    if count:
        note(f"{count} things are wrong; padre-git repair mends what has another copy")
        context.exit(1)
    note("all data is sound")


@click.command()
@project_argument
@_copies("Send what is published to so many data remotes.")
@as_json
@click.pass_context
def repair(context: click.Context, project: str | None, copies: int | None, json_: bool) -> None:
    """Fetch data that is damaged, send what the remote lost.

    It is that of PROJECT, or of all clones. What has no other copy is shown; then the exit code
    is 1.

    \b
    Examples:
      padre-git repair demo
      padre-git repair demo --copies 2
    """
    session: Session = context.obj
    mend = session.store.artifacts.repair
    left = {name: mend(name, copies=copies or 1) for name in _projects(session, project)}
    _show(left, json_)
    if any(left.values()):
        note("the rest has no other copy; another clone may have one: padre-git push there")
        context.exit(1)
    note("all data is sound")


@click.command()
@project_argument
@click.option("-n", "--dry-run", is_flag=True, help="Show what would go, and remove nothing.")
@_copies(
    "Also remove published files that so many data remotes have; they are fetched when needed."
)
@as_json
@click.pass_obj
def gc(
    session: Session, project: str | None, dry_run: bool, copies: int | None, json_: bool
) -> None:
    """Remove data from one clone, or all, that nothing means.

    What any branch, tag, reflog, stash, work tree, kept or pending work, or running run means
    stays, and so does what is younger than a day. The data remote is not touched.

    \b
    Examples:
      padre-git gc --dry-run
      padre-git gc demo
      padre-git gc demo --copies 2
    """
    artifacts = session.store.artifacts
    work = artifacts.unneeded if dry_run else artifacts.gc
    found = {name: work(name, copies=copies) for name in _projects(session, project)}
    if json_:
        print_json({name: [_entry(one) for one in objs] for name, objs in found.items()})
    elif any(found.values()):
        rows = [
            [name, one.path or "-", one.md5, _size(one.size)]
            for name, objs in found.items()
            for one in objs
        ]
        print_table(rows, ["project", "of", "object", "size"])
    total = _size(sum(one.size for objs in found.values() for one in objs))
    note(f"{total} would go; nothing was removed" if dry_run else f"{total} removed")


def _entry(one: Unneeded) -> dict[str, object]:
    return {"md5": one.md5, "size": one.size, "of": one.path or None}


COMMANDS = [verify, repair, gc]
