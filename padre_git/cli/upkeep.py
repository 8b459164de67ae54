"""Upkeep of clones: ``verify``, ``repair``, ``maintain`` and ``gc``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from padre_git.cli.group import Session, note
from padre_git.cli.output import print_json, print_table
from padre_git.cli.references import as_json, clones, project_argument

if TYPE_CHECKING:
    from padre_git.artifacts.spare import Unneeded
    from padre_git.messages import Damage, Maintained

__all__ = ["COMMANDS"]

_UNITS = ("B", "KB", "MB", "GB", "TB")
#: Records that are named in a line of a table; ``--json`` names all.
_NAMED = 3


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
    rows = [_row(damage) for all_ in found.values() for damage in all_]
    if rows:
        print_table(rows, ["project", "damaged", "problem", "name", "records", "restored from"])


def _row(damage: Damage) -> list[object]:
    named = ", ".join(key.text for key in damage.records[:_NAMED])
    more = len(damage.records) - _NAMED
    records = f"{named} and {more} more" if more > 0 else named
    source = damage.source or "nothing known"
    return [damage.project, damage.piece, damage.problem, damage.name, records, source]


def _copies(help_: str) -> Callable[[Any], Any]:
    return click.option("--copies", type=click.IntRange(1), metavar="N", help=help_)


@click.command()
@project_argument
@_copies("So many data remotes shall have what is published.")
@as_json
@click.pass_context
def verify(context: click.Context, project: str | None, copies: int | None, json_: bool) -> None:
    """Look for damage in one clone, or all, and change nothing.

    Every byte here is read: git's objects, packs, refs and index, what runs have logged, documents
    in the work tree, and the data of every version. On the data remote, existence and size are
    looked up. Exits with 1 if something is wrong.

    \b
    Examples:
      padre-git verify
      padre-git verify demo --json
      padre-git verify demo --copies 2
    """
    session: Session = context.obj
    check = session.store.verify
    found = {name: check(name, copies=copies or 1) for name in _projects(session, project)}
    _show(found, json_)
    count = sum(map(len, found.values()))
    if count:
        things = "one thing is" if count == 1 else f"{count} things are"
        mending = "padre-git repair" + (f" --copies {copies}" if copies else "")
        note(f"{things} wrong; {mending} mends what has another copy")
        context.exit(1)
    note("all is sound")


@click.command()
@project_argument
@_copies("Send what is published to so many data remotes.")
@as_json
@click.pass_context
def repair(context: click.Context, project: str | None, copies: int | None, json_: bool) -> None:
    """Mend what is damaged in one clone, or all.

    What has another copy is restored: from the remote, the logs of refs, the work tree or the
    history. Data that the remote has lost is sent again. Nothing is deleted: what is replaced is
    kept below .git/padre/damaged. What has no other copy is shown with the records it was part
    of; then the exit code is 1.

    \b
    Examples:
      padre-git repair demo
      padre-git repair demo --copies 2
    """
    session: Session = context.obj
    mend = session.store.repair
    left = {name: mend(name, copies=copies or 1) for name in _projects(session, project)}
    _show(left, json_)
    if any(left.values()):
        note("the rest has no other copy; another clone may have one: padre-git push there")
        context.exit(1)
    note("all is sound")


@click.command()
@project_argument
@as_json
@click.pass_obj
def maintain(session: Session, project: str | None, json_: bool) -> None:
    """Tidy clones up: few packs, quick history, no leftovers.

    Nothing goes that a commit needs, be it anybody's, written or being written. It can run while
    others work.

    \b
    Examples:
      padre-git maintain
      padre-git maintain demo --json
    """
    done = {name: session.store.maintain(name) for name in _projects(session, project)}
    if json_:
        print_json(done)
        return
    for one in done.values():
        _say(one)


def _say(done: Maintained) -> None:
    was, now = done.before, done.after
    click.echo(
        f"{done.project}: {_size(was.bytes)} in {was.files} files with {was.packs} packs,"
        f" now {_size(now.bytes)} in {now.files} files with {now.packs} packs"
    )
    for step in done.done:
        note(f"  {step}")


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


COMMANDS = [verify, repair, maintain, gc]
