"""The group of all commands, its options, and how errors become exit codes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from padre_git import __version__
from padre_git.cli.conflicts import cells, place
from padre_git.cli.output import shown
from padre_git.errors import ConflictError, OfflineError, PadreGitError, RemoteUnavailableError

if TYPE_CHECKING:
    from padre_git.api.store import Store
    from padre_git.messages import Event

__all__ = ["Session", "commands", "note", "show_events"]

_EXIT_ERROR, _EXIT_CONFLICT, _EXIT_UNAVAILABLE, _EXIT_INTERRUPTED = 1, 3, 4, 130


def exit_code(error: PadreGitError) -> int:
    """Returns the exit code that says what a script could do about this error."""
    if isinstance(error, ConflictError):
        return _EXIT_CONFLICT
    return _EXIT_UNAVAILABLE if isinstance(error, RemoteUnavailableError) else _EXIT_ERROR


def show_error(error: PadreGitError) -> None:
    """Prints the failure, its conflicts and its advice to standard error."""
    reason = str(error) if error.hint is None else str(error).removesuffix(f"\n{error.hint}")
    note(f"error: {reason}")
    for conflict in error.conflicts if isinstance(error, ConflictError) else ():
        _, here, there = cells(conflict)
        note(f"  {place(conflict)}: {shown(here)} here, {shown(there)} there")
    if error.hint is not None:
        note(f"hint: {error.hint}")


@dataclass
class Session:
    """Is what the options before the command say; opens the store when a command needs it."""

    root: str | None = None
    offline: bool = False
    remote: str | None = None
    _store: Store | None = field(default=None, repr=False)

    @property
    def store(self) -> Store:
        """The store, opened once and closed when the command ends."""
        if self._store is None:
            import padre_git

            options: dict[str, Any] = {"policy": "offline"} if self.offline else {}
            self._store = padre_git.open(self.root, remote=self.remote, **options)
            show_events(self._store)
        return self._store

    def check_online(self) -> None:
        """Makes sure that a command which is nothing without the remote may talk to it.

        Raises:
            OfflineError: if it may not, saying why.
        """
        from padre_git.api.settings import offline

        reason = "--offline was given" if self.offline else offline()
        if reason is not None:
            raise OfflineError(reason)

    def close(self) -> None:
        """Closes the store if a command opened it."""
        if self._store is not None:
            try:
                self._store.close()
            except KeyboardInterrupt:
                raise SystemExit(_say_interrupted()) from None


def show_events(store: Store) -> None:
    """Prints what a store says to a person to standard error."""
    from padre_git.messages import Event, Notice

    told: set[str] = set()

    def show(event: Event) -> None:
        if isinstance(event, Notice):  # one command may come by the same trouble twice
            if event.text in told:
                return
            told.add(event.text)
        show_event(event)

    store.subscribe(Event, show)


def show_event(event: Event) -> None:
    """Prints what an event says to a person to standard error; most say nothing."""
    from padre_git.cli.progress import METER
    from padre_git.messages import Notice, Progress, Skipped

    if isinstance(event, Progress):
        METER.show(event)
    elif isinstance(event, Notice | Skipped):
        note(event.text)


def note(text: str) -> None:
    """Prints chatter to standard error."""
    from padre_git.cli.output import printable
    from padre_git.cli.progress import METER

    METER.clear()
    click.echo(printable(text), err=True)


def _say_interrupted() -> int:
    note("interrupted: what was stored stands, and the next sync publishes it")
    return _EXIT_INTERRUPTED


class Commands(click.Group):
    """Turns errors of padre_git into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; an error ends it with one line of failure and one of advice."""
        try:
            return super().invoke(ctx)
        except PadreGitError as error:
            show_error(error)
            ctx.exit(exit_code(error))
        except KeyboardInterrupt:
            ctx.exit(_say_interrupted())
        except BrokenPipeError:
            # the reader of a pipe has seen enough (`padre-git log | head`)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(0)
        except OSError as error:  # a root that cannot be written, a full disk
            place = "" if error.filename is None else f": '{error.filename}'"
            note(f"error: {(error.strerror or str(error)).lower()}{place}")
            ctx.exit(_EXIT_ERROR)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="padre-git")
@click.option("--root", metavar="DIR", help="Where the clones are (else PADRE_ROOT, else ~/padre).")
@click.option("--remote", metavar="URL", help="Where clones meet (else as the root remembers).")
@click.option("--offline", is_flag=True, help="Talk to no remote (also: PADRE_OFFLINE=1).")
@click.option("-v", "--verbose", is_flag=True, help="Say what is done.")
@click.pass_context
def commands(ctx: click.Context, root: str | None, remote: str | None, offline: bool,
             verbose: bool) -> None:  # fmt: skip
    """Versioned storage for machine-learning experiments on plain git.

    A REF is what you would say: PROJECT, PROJECT/EXPERIMENT, PROJECT/EXPERIMENT/RUN (any unique
    part of the run's random letters), a key, or a url.

    \b
    Examples:
      padre-git list                          the projects
      padre-git list demo/svm --order-by -metrics.accuracy --limit 10
      padre-git show demo/svm/k3v9
      padre-git record -e demo/svm -p C=10 -- python train.py
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s: %(message)s"
    )
    session = Session(root=root, offline=offline, remote=remote)
    ctx.obj = session
    ctx.call_on_close(session.close)


def _register() -> None:
    from padre_git.cli import (
        browse,
        change,
        compare,
        completion,
        deleting,
        exchange,
        record,
        remote,
        resolve,
        upkeep,
        worktree,
    )

    registered: list[Callable[..., Any]] = [
        *browse.COMMANDS,
        *compare.COMMANDS,
        *change.COMMANDS,
        *deleting.COMMANDS,
        *exchange.COMMANDS,
        *remote.COMMANDS,
        *resolve.COMMANDS,
        *upkeep.COMMANDS,
        *worktree.COMMANDS,
        *record.COMMANDS,
        *completion.COMMANDS,
    ]
    for command in registered:
        commands.add_command(command)  # type: ignore[arg-type]


_register()
