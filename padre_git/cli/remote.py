"""Where clones meet: ``remote`` and ``remote move``."""

from __future__ import annotations

import click

from padre_git.cli.group import Session, note, show_event
from padre_git.cli.output import print_json, printable
from padre_git.cli.references import as_json

__all__ = ["COMMANDS"]


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def remote(ctx: click.Context, json_: bool) -> None:
    """Show where clones meet, and where their data is shared.

    \b
    Examples:
      padre-git remote
      padre-git remote move git@host:lab
    """
    if ctx.invoked_subcommand is not None:
        return
    session: Session = ctx.obj
    store = session.store
    found = {
        "root": str(store.root),
        "remote": store.remote,
        "data": None if store.data is None else store.data.place,
    }
    if json_:
        print_json(found)
        return
    for name, value in found.items():
        click.echo(f"{name:8}{printable(value or 'none')}")


@remote.command()
@click.argument("new")
@click.pass_obj
def move(session: Session, new: str) -> None:
    """Move every project with its data to another remote.

    Repositories are made at NEW where that can be done from here. The old ones stay as they are,
    with a sign for others, who run the same command. If it is interrupted, run it again.

    \b
    Examples:
      padre-git remote move git@newhost:lab
      padre-git --root ~/research remote move /srv/lab
    """
    from padre_git.api.relocating import move_remote

    session.check_online()
    for name in move_remote(new, session.root, subscriber=show_event):
        click.echo(name)
    note(f"the clones meet at '{new}' from now on")


COMMANDS = [remote]
