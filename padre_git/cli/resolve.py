"""Settling conflicts: ``resolve`` for clone and remote, ``merge-file`` for git itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from padre_git.cli.conflicts import cells, place
from padre_git.cli.group import Session, note
from padre_git.cli.output import print_json, print_table
from padre_git.cli.references import as_json
from padre_git.errors import Conflict, InvalidInputError, NotFoundError, PadreGitError
from padre_git.messages import Choice, Decision
from padre_git.model import Key, Kind
from padre_git.model.ids import short_id

__all__ = ["COMMANDS"]

_IDS = (Kind.RUN, Kind.EXECUTION, Kind.ENVIRONMENT)
_KEEP, _DELETE = "keep", "delete"
_CONTRADICTION, _NOT_OURS = 3, 4
_CHOICE = f"{__name__}.choice"


def _choose(ctx: click.Context, parameter: click.Parameter, is_given: bool) -> None:
    """Notes which choice was made; two at once are a mistake, whichever comes last."""
    if not is_given:
        return
    other = ctx.meta.setdefault(_CHOICE, parameter.name)
    if other != parameter.name:
        raise click.UsageError(f"--{other} and --{parameter.name} at once; give one of them")


def _choice(name: str, help_: str) -> Callable[[Any], Any]:
    return click.option(f"--{name}", is_flag=True, expose_value=False, callback=_choose, help=help_)


@click.command()
@click.argument("project")
@click.argument("ref", required=False)
@click.argument("field", required=False)
@_choice(Choice.OURS.value, "What is here counts.")
@_choice(Choice.THEIRS.value, "What is at the remote counts.")
@_choice(_KEEP, "What only one side deleted, stays.")
@_choice(_DELETE, "What only one side deleted, goes.")
@click.option(
    "--value",
    metavar="VALUE",
    help="FIELD gets this value; unless it is text, JSON is read as JSON.",
)
@as_json
@click.pass_obj
def resolve(
    session: Session,
    project: str,
    ref: str | None,
    field: str | None,
    value: str | None,
    json_: bool,
) -> None:
    """Show the conflicts of a clone and its remote, or settle them.

    Without a choice nothing is settled. A choice counts for every place of PROJECT, for those of
    the record REF and what is below it, or for its FIELD. When the last place is settled, all is
    merged in one commit that says what was chosen; until then nothing is, and a second choice for
    the same REF or FIELD replaces the first.

    \b
    Examples:
      padre-git resolve demo
      padre-git resolve demo --ours
      padre-git resolve demo svm parameters.C --theirs
      padre-git resolve demo svm parameters.C --value 2.5
      padre-git resolve demo svm/k3v9 --keep
    """
    choice: str | None = click.get_current_context().meta.get(_CHOICE)
    if value is not None and (choice is not None or field is None):
        raise click.UsageError("--value takes a REF and a FIELD, and no other choice")
    if choice is None and value is None:
        _show(_about(session, project, session.store.conflicts(project), ref, field), json_)
        for one in session.store.decisions(project):
            note(f"decided: {place(one.conflict)}: {one.choice}")
        return
    found = session.store.conflicts(project)
    if ref is not None:  # who names a place again has changed their mind
        found += tuple(one.conflict for one in session.store.decisions(project))
    wanted = _about(session, project, found, ref, field)
    if not wanted and (ref is not None or field is not None):
        raise NotFoundError(
            f"nothing is open at '{' '.join(filter(None, (ref, field)))}'",
            key=project,
            hint=f"padre-git resolve {project} shows what is",
        )
    left = session.store.settle(project, *_decisions(wanted, choice, value))
    if left or json_:
        _show(left, json_)
    if left:
        note(f"{len(left)} {'place' if len(left) == 1 else 'places'} left; nothing is merged yet")
    else:
        note(f"{project}: merged" if found else f"{project}: nothing to settle")


def _decisions(wanted: Sequence[Conflict], choice: str | None, value: str | None) -> list[Decision]:
    if value is not None:
        return [Decision(conflict, Choice.VALUE, _parsed(value, conflict)) for conflict in wanted]
    if choice in (_KEEP, _DELETE):
        chosen = [(conflict, _one_sided(conflict, keep=choice == _KEEP)) for conflict in wanted]
        return [Decision(conflict, side) for conflict, side in chosen if side is not None]
    return [Decision(conflict, Choice(str(choice))) for conflict in wanted]


def _one_sided(conflict: Conflict, *, keep: bool) -> Choice | None:
    """Returns the side that has it, or has not; None if both have it."""
    if conflict.field is not None or (conflict.ours is None) is (conflict.theirs is None):
        return None
    return Choice.OURS if (conflict.ours is not None) is keep else Choice.THEIRS


def _parsed(text: str, conflict: Conflict) -> Any:
    """Returns a value as typed where the field is text, else as JSON if it is JSON."""
    if all(isinstance(side, str | None) for side in (conflict.ours, conflict.theirs)):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _about(
    session: Session,
    project: str,
    conflicts: Sequence[Conflict],
    ref: str | None,
    field: str | None,
) -> tuple[Conflict, ...]:
    """Returns the conflicts of a record, with what lies below it, or of one field."""
    if ref is None:
        return tuple(conflicts)
    names = {ref.rstrip("/"), f"{project}/{ref}".rstrip("/"), *_resolved(session, project, ref)}
    found = (c for c in conflicts if any(_covers(name, c.key) for name in names))
    return tuple(c for c in found if field is None or c.field == field)


def _resolved(session: Session, project: str, ref: str) -> list[str]:
    """Returns the keys that a reference means; what is deleted here may have none."""
    keys = []
    for text in (ref, f"{project}/{ref}"):
        try:
            with session.store.session.locally():  # the remote was asked what stands between
                keys.append(session.store.key(text).text)
        except PadreGitError:
            continue  # it is looked for among the conflicts by its names
    return keys


def _covers(name: str, key: str) -> bool:
    """Returns whether a key or path is ``name`` or below it, collections' names left out or not."""
    if key == name or key.startswith(f"{name}/"):
        return True
    try:
        record = Key.parse(key)
    except PadreGitError:
        return False  # a file that belongs to no record
    line = [*reversed(record.ancestors()), record]
    wanted = name.split("/")
    return any(_begin(line[start:], wanted) for start in range(min(2, len(line))))


def _begin(line: Sequence[Key], wanted: Sequence[str]) -> bool:
    """Returns whether a line of records begins with these names; of ids a part is enough."""
    if len(wanted) > len(line):
        return False
    return all(
        short_id(key.name).startswith(name) if key.kind in _IDS else key.name == name
        for key, name in zip(line, wanted, strict=False)
    )


def _show(conflicts: Sequence[Conflict], json_: bool) -> None:
    if json_:
        print_json(list(conflicts))
        return
    if not conflicts:
        note("nothing to settle")
        return
    rows = [[conflict.key, conflict.field, *cells(conflict)] for conflict in conflicts]
    print_table(rows, ["record", "field", "before", "ours", "theirs"])


@click.command("merge-file")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@click.argument("path")
@click.pass_context
def merge_file(ctx: click.Context, base: Path, ours: Path, theirs: Path, path: str) -> None:
    """Merge one document by field: git calls this by itself.

    See merge.padre.driver in the clone's configuration. OURS gets the result.

    Exit codes: 0 merged, 3 contradictions with markers around them, 4 no document of ours.

    \b
    Examples:
      padre-git merge-file %O %A %B %P
    """
    from padre_git.format.marking import merge_one

    versions = (base.read_bytes(), ours.read_bytes(), theirs.read_bytes())
    merged = merge_one(path, *versions, project=_project_name(Path.cwd()))
    if merged is None:
        ctx.exit(_NOT_OURS)
    ours.write_bytes(merged.content)
    ctx.exit(0 if merged.is_clean else _CONTRADICTION)


def _project_name(directory: Path) -> str:
    """Returns the name of the project in a directory; any will do where it has none."""
    try:
        return Key.project_named(directory.name).name
    except InvalidInputError:
        return "project"


COMMANDS = [resolve, merge_file]
