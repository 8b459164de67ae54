"""Deleting and taking it back: ``delete``, ``restore``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from padre_git.cli.group import Session, note
from padre_git.cli.output import print_json, printable
from padre_git.cli.references import as_json, collection_of
from padre_git.messages import DeleteMode
from padre_git.model import Key, Kind

__all__ = ["COMMANDS"]

_BELOW = {
    Kind.PROJECT: (Kind.DATASET, Kind.EXPERIMENT, Kind.EXECUTION, Kind.RUN),
    Kind.EXPERIMENT: (Kind.EXECUTION, Kind.RUN),
}


@click.command()
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.option("--mode", type=click.Choice(["all", "remote", "local"]), default="all",
              show_default=True, help="From where.")  # fmt: skip
@click.option("-f", "--force", is_flag=True,
              help="With --mode local: lose what a clone has and nobody else.")  # fmt: skip
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(session: Session, refs: tuple[str, ...], mode: str, force: bool, yes: bool) -> None:
    """Delete records with all below them; 'restore' undoes it.

    \b
    all     here and on the remote, for every clone
    remote  on the remote; this clone keeps its copy
    local   from this clone's work tree only; it comes back when asked for
    \b
    Examples:
      padre-git delete demo/svm/k3v9
      padre-git delete demo/old --mode local
    """
    store = session.store
    keys = list(dict.fromkeys(store.key(ref) for ref in refs))
    keys = [key for key in keys if not any(above in keys for above in key.ancestors())]
    bulky = len(keys) > 1 or any(key.kind in _BELOW for key in keys)
    if (force or (bulky and mode != DeleteMode.LOCAL)) and not yes:
        _ask(session, keys, DeleteMode(mode))
    together = _together(keys) if mode == DeleteMode.ALL else {}
    for project, of_project in together.items():
        with store.transaction(project, f"delete {len(of_project)} records"):
            for key in of_project:
                collection_of(store, key.kind).delete(key)
    alone = set(keys).difference(*together.values())
    for key in keys:
        if key in alone:
            collection_of(store, key.kind).delete(key, mode=mode, force=force)
        note(f"deleted {key} ({mode})")


def _together(keys: Sequence[Key]) -> dict[str, list[Key]]:
    """Returns the records of each project that can be deleted in one commit, if it is several."""
    found: dict[str, list[Key]] = {}
    for key in keys:
        if key.kind not in (Kind.PROJECT, Kind.EXECUTION):
            found.setdefault(key.project, []).append(key)
    return {project: several for project, several in found.items() if len(several) > 1}


def _ask(session: Session, keys: Sequence[Key], mode: DeleteMode) -> None:
    """Says what will go and asks for it; where nobody can be asked nothing is done."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            "deleting this needs --yes when nobody can be asked: it is more than one record"
            if mode is not DeleteMode.LOCAL
            else "--force needs --yes when nobody can be asked"
        )
    for key in keys:
        note(f"{key}{_contents(session, key)}")
    places = {
        DeleteMode.ALL: "here and at the remote",
        DeleteMode.REMOTE: "at the remote, this clone keeps a copy",
        DeleteMode.LOCAL: "in this clone, with what is nowhere else",
    }
    click.confirm(f"delete {places[mode]}?", abort=True, err=True)


def _contents(session: Session, key: Key) -> str:
    """Returns in words what lies below a record, and how much of it is nowhere else."""
    from padre_git.backends.status import State

    store = session.store
    keys = [
        found.key
        for kind in _BELOW.get(key.kind, ())
        for found in collection_of(store, kind).list(key)
    ]
    counts = {kind: sum(found.kind is kind for found in keys) for kind in Kind}
    words = [f"{n} {kind.directory if n > 1 else kind}" for kind, n in counts.items() if n]
    stands = store.status(key.project)
    here = sum(stands.of(found) in (State.LOCAL_ONLY, State.AHEAD) for found in keys)
    if here and stands.url is not None:
        words.append(f"{here} of them not published")
    return f" with {', '.join(words)}" if words else ""


@click.command()
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.option("--at", metavar="STATE", help="A commit, tag, branch or date that has it.")
@click.option("-m", "--message", help="Subject of the commit.")
@as_json
@click.pass_obj
def restore(
    session: Session, refs: tuple[str, ...], at: str | None, message: str | None, json_: bool
) -> None:
    """Bring back what was deleted, with all that lay below it.

    With --at, a living record goes back to the values that it had; what lies below it stays.

    \b
    Examples:
      padre-git restore demo/svm/k3v9
      padre-git restore demo/svm --at 2026-11-01
      padre-git list demo --deleted           what there is to restore
    """
    restored = [session.store.restore(ref, at=at, message=message) for ref in refs]
    if json_:
        print_json(restored)
        return
    for entity in restored:
        click.echo(printable(entity.key.text))


COMMANDS = [delete, restore]
