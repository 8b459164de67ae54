"""The recorder: a run's logbook, and how the run ends and is committed."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, cast

from padre_git.api import interrupts, provenance
from padre_git.api.committing import (
    Circumstances,
    commit_run,
    remember_code,
    run_of,
)
from padre_git.api.home import Home
from padre_git.api.logbook import Logbook
from padre_git.api.provenance import CodeVersion
from padre_git.api.spooling import Former, in_use
from padre_git.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from padre_git.format import decode
from padre_git.messages import Get
from padre_git.model import Kind, Record, Run, Status

__all__ = ["Recorder"]

_ERROR = "error.txt"
_LONGEST_ERROR = 90_000
_ENDS = (Status.FINISHED, Status.FAILED, Status.ABORTED)
_log = logging.getLogger(__name__)


class Recorder(Logbook):
    """Records one run; ``store.start_run`` makes it.

    As a context manager it ends the run when the block is left: finished; failed, with its
    traceback, after an exception, which goes on; aborted after SIGTERM or SIGINT. Without a block,
    call :meth:`end`.
    """

    def __init__(
        self,
        home: Home,
        begun: Circumstances,
        parameters: Mapping[str, Any],
        code: CodeVersion | None,
        former: Former | None = None,
    ) -> None:
        super().__init__(home, begun, parameters, former)
        self.interrupted = False
        self._code = code
        self._outcome: Run | Record | None = None
        interrupts.watch(self)
        home.running.add(self.key)

    def end(self, status: str = "finished") -> Run:
        """Ends and commits the run; returns it. Ending it again the same way does nothing.

        Where git is not installed, it stays in the spool, and is committed by the next ``sync`` or
        ``reconcile`` of a machine that has it.

        Args:
            status: ``"finished"``, ``"failed"`` or ``"aborted"``.

        Raises:
            InvalidInputError: for another status, or if the run has ended with another one.
            PadreGitError: if the commit could not be made; the run is still open, nothing is lost.
        """
        if status not in _ENDS:
            raise InvalidInputError(
                f"a run cannot end as {status!r}", hint="it is 'finished', 'failed' or 'aborted'"
            )
        if self._status not in (Status.RUNNING, status):
            raise self._closed()
        self._end(Status(status), None)
        if isinstance(self._outcome, Record):  # most never ask for it
            self._outcome = cast("Run", decode(self._outcome))
        return cast("Run", self._outcome)

    def end_at_exit(self, status: Status, error: BaseException | None) -> None:
        """See :class:`padre_git.api.interrupts.Interruptible`."""
        try:
            self._end(status, error)
        except Exception:  # noqa: BLE001 - nobody is left who could catch it
            _log.exception("run '%s' could not be recorded%s", self.key, self._whereabouts())

    def disown(self) -> None:
        """See :class:`padre_git.api.interrupts.Interruptible`."""
        self._lock = threading.RLock()
        self._disowned = True
        self._home.running.discard(self.key)
        if self._spool is not None:
            self._spool.close()

    def __enter__(self) -> Self:
        interrupts.enter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            if self._status is Status.RUNNING and not self._disowned:
                self._end(self._status_after(error), error)
        except Exception as failure:
            if error is None:
                raise
            # what went wrong first must not be hidden by what went wrong then
            error.add_note(f"the run was not recorded: {failure}{self._whereabouts()}")
            _log.exception("run '%s' could not be recorded%s", self.key, self._whereabouts())
        finally:
            interrupts.leave(error)

    def __repr__(self) -> str:
        return f"Recorder('{self.key}', {self.status})"

    def _status_after(self, error: BaseException | None) -> Status:
        if isinstance(error, KeyboardInterrupt | GeneratorExit | interrupts.Interrupted):
            return Status.ABORTED
        if error is None or (isinstance(error, SystemExit) and not error.code):
            return Status.ABORTED if self.interrupted else Status.FINISHED
        return Status.FAILED

    def _end(self, status: Status, error: BaseException | None) -> None:
        with self._lock, interrupts.postponed(), self._home.locally():
            if self._status is not Status.RUNNING:
                return
            draft = self._checked_draft()
            self._check_mine()
            if error is not None and status is Status.FAILED:
                text = "".join(traceback.format_exception(error))
                draft.set_text(_ERROR, text[-_LONGEST_ERROR:])
            ended = datetime.now(UTC)
            self._write("end", status, ended.isoformat(), draft.texts.get(_ERROR))
            run = run_of(self._begun.run, draft, status, ended)
            if self._spool is not None and not provenance.has_git():
                self._outcome, self._status = run, status
                self._spool.leave()
            else:
                record = commit_run(self._home, self._begun, run, draft, self._attachments)
                self._outcome, self._status = record, status
                self._leave_spool(status)
            interrupts.forget(self)
            self._home.running.discard(self.key)
            if self._code is not None:
                remember_code(self._home, self.key.project, self._code)

    def _check_mine(self) -> None:
        """Makes sure that no other process has gone on with the run, taking this one for dead."""
        if self._spool is None:
            return
        successor = self._spool.successor()
        if successor is not None:
            raise in_use(self.key, successor)
        if not self._spool.directory.exists() and provenance.has_git():
            self._check_not_ended()

    def _check_not_ended(self) -> None:
        """Makes sure that it was not such a process that has removed the spool at its end."""
        try:
            stored: Run = self._home.session.bus.send(Get(subject=Kind.RUN, key=self.key))
        except NotFoundError:
            return
        if stored.status is not Status.ABORTED:
            self._outcome, self._status = stored, stored.status
            interrupts.forget(self)
            self._home.running.discard(self.key)
            raise AlreadyExistsError(
                f"run '{self.key}' was ended by another process: it is {stored.status}",
                key=self.key,
                hint="that process took this one for dead; begin another run for what this one has",
            )

    def _leave_spool(self, status: Status) -> None:
        """Removes the spool; that of an aborted run is kept for a while, since it may go on."""
        if self._spool is None:
            return
        if status is Status.ABORTED:
            with suppress(OSError):  # then it is recorded once more, as it is
                self._spool.settle()
            self._spool.close()
        else:
            self._spool.remove()

    def _whereabouts(self) -> str:
        return "" if self._spool is None else f"; its log is kept in '{self._spool.directory}'"
