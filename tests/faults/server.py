"""A process that has loaded everything, under the shim, and forks for every piece of work.

It reads one request per line (JSON) and answers with one; started by :mod:`tests.faults.sweep`.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Self

from padre_git.errors import PadreGitError
from tests.faults.deeds import Deed
from tests.faults.planted import EVERYTHING
from tests.faults.shim import Calls, Control, Fault

__all__ = ["main"]

_SUBREAPER = 36
_OURS = (PadreGitError,)
#: What writes down when it was done.
_DATED = ("padre_git.vcs.plan", "padre_git.vcs.reflog", "padre_git.backends.grouping")


def _answer(deed: Deed, step: str, lab: Path) -> dict[str, Any]:
    """Does one step; an error that is no answer comes with its traceback."""
    try:
        return {"result": getattr(deed, step)(lab)}
    except _OURS as error:
        return {"error": type(error).__name__, "text": str(error)}
    except BaseException as error:
        return {"raw": type(error).__name__, "text": traceback.format_exc()}


class _Stopped(datetime):
    """Is a clock that stands still, for dates that are written down and nothing else."""

    moment = datetime.now(UTC)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        here = cls.moment.astimezone(tz)
        return cls.combine(here.date(), here.time(), here.tzinfo)


def _stop_the_clock() -> None:
    """Lets the same deed make the same commits every time, so that states can be told apart."""
    for name in _DATED:
        vars(importlib.import_module(name))["datetime"] = _Stopped
    for name in ("GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"):
        os.environ[name] = f"{int(_Stopped.moment.timestamp())} +0000"


def _child(request: dict[str, Any], control: Control, lab: Path, out: int) -> None:
    os.setsid()
    sys.stdout.flush()
    complaints = os.open(os.environ["FAULTS_COMPLAINTS"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(complaints, 1)
    os.dup2(complaints, 2)
    deed = EVERYTHING[request["deed"]]
    os.chdir(lab)
    if "target" in request:
        fault = Fault(
            error=request["error"], onward=request["onward"], calls=Calls(request["calls"])
        )
        _stop_the_clock()
        control.arm(fault, request["target"])
    answer = _answer(deed, request["step"], lab)
    count, hit = control.disarm()
    if request["step"] == "load":
        answer["modules"] = list(sys.modules)
    with contextlib.suppress(BrokenPipeError):
        os.write(out, json.dumps({**answer, "count": count, "hit": hit}).encode())


def _serve(request: dict[str, Any], control: Control, lab: Path) -> dict[str, Any]:
    heard, says = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(heard)
            _child(request, control, lab, says)
        finally:
            os._exit(0)
    os.close(says)
    data = _heard(heard, request.get("seconds", 60))
    hung = data is None
    if hung:
        os.kill(child, signal.SIGABRT)
        time.sleep(0.3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    left = _bury()
    count, hit = control.disarm()
    answer = json.loads(data) if data else {"count": count, "hit": hit}
    complaints = Path(os.environ["FAULTS_COMPLAINTS"]).read_text(errors="replace")
    return {
        "answered": bool(data), "hung": hung, "status": os.waitstatus_to_exitcode(status),
        "left": left, "complaints": complaints[-6000:], **answer,
    }  # fmt: skip


def _heard(pipe: int, seconds: float) -> bytes | None:
    """Returns what a child says until it ends; None if it does not."""
    deadline, data = time.monotonic() + seconds, b""
    while True:
        ready = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]
        if not ready:
            os.close(pipe)
            return None
        part = os.read(pipe, 1 << 16)
        if not part:
            os.close(pipe)
            return data
        data += part


def _bury() -> int:
    """Ends what a dead child has left running; returns how many processes.

    A git whose other end is gone ends by itself, a moment after the child has.
    """
    left: set[int] = set()
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    patience = time.monotonic() + 10
    while found := children.read_text().split():
        for process in map(int, found):
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                if os.waitpid(process, os.WNOHANG)[0] == 0 and time.monotonic() > patience:
                    left.add(process)
                    os.kill(process, signal.SIGKILL)
                    os.waitpid(process, 0)
        time.sleep(0.002)
    return len(left)


def main() -> None:
    """Answers requests until there are none."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import faulthandler

    faulthandler.enable()
    lab = Path(sys.argv[1])
    control = Control(Path(os.environ["FAULTS_CONTROL"]), lab)
    for line in sys.stdin:
        request = json.loads(line)
        answer = _serve(request, control, lab)
        if request["step"] == "load":
            _Stopped.moment = datetime.now(UTC)
        for name in answer.pop("modules", []):
            if not name.startswith(("tests.", "__main__", "_pytest", "pytest")):
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
