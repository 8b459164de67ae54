"""What of a project is in the work tree: ``checkout``."""

from __future__ import annotations

import click

from padre_git.cli.group import Session, note
from padre_git.model import Kind

__all__ = ["COMMANDS"]


@click.command()
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.option("--no-runs", is_flag=True, help="Leave all runs of these projects out.")
@click.pass_obj
def checkout(session: Session, refs: tuple[str, ...], no_runs: bool) -> None:
    """Bring records into the work tree, as files to look at.

    Clones of large projects leave runs out of it; everything else works without them. A run or
    all runs of an experiment are brought, or with a project everything. Then 'dvc' works, too.

    \b
    Examples:
      padre-git checkout demo/svm/k3v9
      padre-git checkout demo                 everything
      padre-git checkout demo --no-runs       the other way
    """
    store = session.store
    for key in dict.fromkeys(store.key(ref) for ref in refs):
        if no_runs and key.kind is not Kind.PROJECT:
            raise click.UsageError(f"--no-runs is for a whole project, not for '{key}'")
        if no_runs:
            store.leave_out(key)
        else:
            store.checkout(key)
        note(f"runs of '{key}' are left out" if no_runs else f"'{key}' is in the work tree")


COMMANDS = [checkout]
