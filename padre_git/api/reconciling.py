"""Reconciling: runs that nobody will end become records, with everything that they logged."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from padre_git.api import provenance
from padre_git.api.committing import Circumstances, commit_run, run_of
from padre_git.api.continuing import circumstances_of, replayed
from padre_git.api.home import Home
from padre_git.api.output import ARTIFACT, OUTPUT, long_output
from padre_git.api.owners import Owner, claim, owner_of
from padre_git.api.replaying import Ending, Replayed
from padre_git.api.spool import Spool, is_blank, is_settled
from padre_git.bus import refusing
from padre_git.errors import NotFoundError, PadreGitError, UntrustedProjectError
from padre_git.format import decode
from padre_git.format.spools import SETTLED
from padre_git.messages import Get, Notice, Recall, Skipped
from padre_git.model import Experiment, Key, Run, Status
from padre_git.vcs.trust import check_clone

__all__ = ["reconcile"]

#: Lines of damage that a record tells.
_TOLD = 20
#: Seconds for which the spool of a run that may return is kept after it was recorded.
_KEPT = 14 * 86400.0


def reconcile(home: Home, project: str) -> list[Run]:
    """Records the runs of a project that are lost, and those that ended and were not recorded.

    What one spool keeps from being recorded is told, and keeps no other from it.

    Returns:
        The runs, as stored.
    """
    found: list[Run] = []
    try:
        with refusing():
            _check(home, project)
    except PadreGitError as error:
        home.session.bus.publish(Skipped(key=Key.project_named(project), error=error))
        return found
    home.clear_spares(project)
    for directory in home.spools(project):
        try:
            run = _reconciled(home, project, directory)
        except FileExistsError:  # somebody else was faster, and does it
            continue
        except PermissionError:
            _tell(home, project, f"run '{directory.name}' belongs to another user, and is left")
        except OSError as error:
            text = f"run '{directory.name}' is left: its spool cannot be read: {error}"
            _tell(home, project, text)
        except PadreGitError as error:
            key = error.key or Key.project_named(project)
            home.session.bus.publish(Skipped(key=Key.parse(str(key)), error=error))
        else:
            found += [] if run is None else [run]
    return found


def _check(home: Home, project: str) -> None:
    """Makes sure that the spools are our own: what is over is removed there."""
    private = home.private(project)
    if private is not None:
        check_clone(private.parent.parent)
    beside = (home.root or Path()) / ".padre" / "spool" / project
    link = next(
        (place for place in (beside, *list(beside.parents)[:2]) if place.is_symlink()), None
    )
    if link is not None:
        raise UntrustedProjectError(
            f"'{link}' is a link", key=project, hint="spools are in a directory of the root's own"
        )


def _reconciled(home: Home, project: str, directory: Path) -> Run | None:
    """Returns the run of a spool as it was recorded; None if there was nothing to do."""
    owner = owner_of(directory)
    if is_settled(directory):
        is_over = owner.records or owner.is_lost()
        if is_over and time.time() - (directory / SETTLED).lstat().st_mtime > _KEPT:
            shutil.rmtree(directory, ignore_errors=True)
        return None
    if not owner.is_lost(provenance.job()) and not (owner.records and owner.is_me()):
        return None
    if is_blank(directory):
        shutil.rmtree(directory, ignore_errors=True)
        return None
    with home.locally():
        found = replayed(home, directory, project)
        begun = _below_what_lives(home, circumstances_of(home, found, directory))
        # which may still go on with it
        claim(directory, owner.number, job=owner.job, records=True)
        spool = Spool(directory)
        try:
            _complete(home, found, spool, owner)
            run = _recorded(home, directory, found, begun)
            (directory / OUTPUT).unlink(missing_ok=True)
            spool.settle()  # kept for a while: its process may return
        finally:
            spool.close()
    return run


def _complete(home: Home, found: Replayed, spool: Spool, owner: Owner) -> None:
    """Ends a run that its process did not end, and notes what is missing of it."""
    if found.ending is None:
        ended = datetime.fromtimestamp(owner.seen, UTC)
        found.ending = Ending(status=Status.ABORTED, ended=ended, error=None)
        found.draft.add_note("The process of this run ended without ending it.")
        spool.write("end", Status.ABORTED, ended.isoformat(), None)
    if found.damage:
        found.draft.add_note("\n".join(["Of its log is lost:", "", *found.damage[:_TOLD]]))
        text = f"run '{found.run.key}': {len(found.damage)} pieces of its log are lost"
        _tell(home, found.run.key.project, f"{text}; {found.damage[0]}")


def _recorded(home: Home, directory: Path, found: Replayed, begun: Circumstances) -> Run:
    ending = cast("Ending", found.ending)
    if long_output(directory / OUTPUT):
        found.attachments.add(directory / OUTPUT, ARTIFACT)
    if ending.error is not None:
        found.draft.set_text("error.txt", ending.error)
    run = run_of(begun.run, found.draft, ending.status, ending.ended)
    record = commit_run(home, begun, run, found.draft, found.attachments)
    return cast("Run", decode(record))


def _below_what_lives(home: Home, begun: Circumstances) -> Circumstances:
    """Returns what a run began with, below its experiment as that is called now.

    Raises:
        NotFoundError: if somebody has deleted it: it does not come back with a run that is lost.
    """
    run, key = begun.run, begun.run.experiment
    try:
        there: Experiment = home.session.bus.send(Get(subject=key.kind, key=key))
    except NotFoundError as error:
        if not _was_there(home, key):
            return begun  # it comes with the run
        raise NotFoundError(
            f"run '{run.key}' is lost, and its experiment was deleted",
            key=run.key,
            hint="restore the experiment to have it recorded, or delete the run",
        ) from error
    execution = begun.execution.replace(experiment=there.key)
    moved = run.replace(execution=execution.key)
    return replace(begun, run=moved, experiment=there, execution=execution)


def _was_there(home: Home, key: Key) -> bool:
    try:
        home.session.bus.send(Recall(subject=key.kind, reference=key))
    except NotFoundError:
        return False
    return True


def _tell(home: Home, project: str, text: str) -> None:
    home.session.bus.publish(Notice(text=text, project=project))
