"""The sweep: a deed under one fault after the other, and what is found after each."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.faults.planted import EVERYTHING
from tests.faults.shim import Calls, Fault, built
from tests.faults.states import below, state

__all__ = ["FAULTS", "Bench", "Workshop"]

_ROOT = Path(__file__).parents[2]
#: What nobody may leave behind, whatever happened to them: the next write takes it away.
_LEFT = re.compile(r"\.lock$|^tmp_|^\.tmp|\.tmp$|^\.now-|\.padre-git$|^\.[\w.-]+\.[0-9a-f]{6,}$")
#: What is left of work that was killed, and what takes it away (docs/durability).
_HALVES = re.compile(
    r"^tmp_(pack|idx|obj|objdir|rev|mtimes|graph)[_-]|^\.tmp-|\.(lock|tmp|padre-git)$"
    r"|^\.[\w.-]+\.[0-9a-f]{6,}$"
)
_NEVER = 1 << 62
#: A git that is killed while it takes a push has moved some objects of it, and no ref names them:
#: what misses another one among them is no damage, and only of this does fsck complain then.
_FSCK = ("-c", "fsck.gitattributesMissing=ignore", "fsck", "--strict", "--full", "--no-dangling")
_TAKEN = Calls.OPEN | Calls.WRITE | Calls.NAME | Calls.SYNC
_ALLOWED = Calls.OPEN | Calls.NAME | Calls.REMOVE | Calls.MODE
FAULTS = {
    str(fault): fault
    for onward in (False, True)
    for fault in (
        Fault(error=0),
        Fault(error=errno.ENOSPC, onward=onward, calls=_TAKEN),
        Fault(error=errno.EIO, onward=onward),
        Fault(error=errno.EACCES, onward=onward, calls=_ALLOWED),
        Fault(error=errno.EMFILE, onward=onward, calls=Calls.OPEN | Calls.READ),
    )
}


class Workshop:
    """Has a process under the shim, and the labs that deeds begin with.

    Args:
        directory: a place for it alone.
    """

    def __init__(self, directory: Path) -> None:
        self.lab = directory / "now"
        self._directory = directory
        self._begun: set[str] = set()
        self._benches: dict[str, Bench] = {}
        (directory / "home").mkdir(parents=True)
        (directory / "home" / "gitconfig").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.org\n"
        )
        (directory / "control").write_bytes(bytes(4096))
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.server", str(self.lab)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment(),
            cwd=_ROOT,
        )

    def _environment(self) -> dict[str, str]:
        home = self._directory / "home"
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {
            **kept,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(home / "dvc"),
            "LD_PRELOAD": str(built(self._directory)),
            "FAULTS_CONTROL": str(self._directory / "control"),
            "FAULTS_COMPLAINTS": str(self._directory / "complaints"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(_ROOT),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(timeout=30)
        self._server.stdout.close()

    def ask(self, deed: str, step: str, **more: Any) -> dict[str, Any]:
        """Lets a fork of the process do one step of a deed; returns what came of it."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps({"deed": deed, "step": step, **more}) + "\n")
        self._server.stdin.flush()
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer

    def step(self, deed: str, step: str, **more: Any) -> dict[str, Any]:
        """Does the same where nothing may go wrong."""
        answer = self.ask(deed, step, **more)
        assert "result" in answer, answer.get("text", answer)
        return answer

    def bench(self, deed: str) -> Bench:
        """Returns the bench of a deed, which knows what all faults before have left."""
        if deed not in self._benches:
            self._benches[deed] = Bench(self, deed)
        return self._benches[deed]

    def begin(self, deed: str) -> None:
        """Makes the lab as it is before a deed."""
        template = EVERYTHING[deed].template
        kept = self._directory / template
        shutil.rmtree(self.lab, ignore_errors=True)
        if template not in self._begun:
            self.lab.mkdir()
            self.step(deed, "prepare")
            self.lab.rename(kept)
            self._begun.add(template)
        # the paths in it are those of the place where it is used
        subprocess.run(["cp", "-a", str(kept), str(self.lab)], check=True)


class Bench:
    """Does one deed again and again.

    Args:
        workshop: where.
        name: of the deed.

    Attributes:
        hit: the call that failed last; empty if none did.
    """

    def __init__(self, workshop: Workshop, name: str) -> None:
        self.name = name
        self.hit = ""
        self._known: dict[str, _Aftermath] = {}
        self._sound: set[str] = set()
        self._store = EVERYTHING[name].store
        self._shop = workshop
        workshop.begin(name)
        self._old = workshop.step(name, "look")["result"]
        workshop.step(name, "load")
        workshop.begin(name)
        self._counts: dict[Calls, int] = {}
        self._counts[Calls.CHANGES] = self._work(Fault(error=1), _NEVER)["count"]
        self._new = workshop.step(name, "look")["result"]
        assert self._old != self._new or not EVERYTHING[name].is_seen, "it changes nothing"

    def calls(self, fault: Fault) -> int:
        """Returns how many calls could fail in this way when none does."""
        if fault.calls not in self._counts:
            self._shop.begin(self.name)
            counted = Fault(error=1, calls=fault.calls)
            self._counts[fault.calls] = self._work(counted, _NEVER)["count"]
        return self._counts[fault.calls]

    def _work(self, fault: Fault, number: int) -> dict[str, Any]:
        return self._shop.ask(
            self.name,
            "work",
            target=number,
            error=fault.error,
            onward=fault.onward,
            calls=fault.calls,
        )

    def point(self, fault: Fault, number: int) -> list[str]:
        """Does the deed with a fault at its n-th call; returns what is wrong after it."""
        self._shop.begin(self.name)
        answer = self._work(fault, number)
        self.hit = answer.get("hit", "")
        return [
            f"{self.name}, {fault} at {number} ({self.hit}): {what}"
            for what in self._wrong(answer, fault)
        ]

    def _wrong(self, answer: dict[str, Any], fault: Fault) -> Iterator[str]:
        yield from _untrue(answer, fault)
        # most faults of reading leave what another one has left: nothing new comes of that
        left = state(self._shop.lab)
        if left not in self._known:
            self._known[left] = self._afterwards()
        known = self._known[left]
        if "result" in known.seen:
            yield from self._states(known.seen["result"], done="result" in answer)
        yield from known.found
        yield from self._littered(known.left, fault)

    def _afterwards(self) -> _Aftermath:
        seen = self._shop.ask(self.name, "look")
        if "result" not in seen:
            return _Aftermath(seen=seen, found=[f"it cannot be read: {seen}"])
        found = [] if EVERYTHING[self.name].template == "damaged" else [*self._unsound()]
        self._let_time_pass()
        after = self._shop.ask(self.name, "after")
        if "result" not in after:
            return _Aftermath(seen=seen, found=[*found, f"the next write fails: {after}"])
        found += [*self._unsound(), *self._unclean()]
        return _Aftermath(seen=seen, found=found, left=[*self._left()])

    def _states(self, seen: dict[str, Any], *, done: bool) -> Iterator[str]:
        if done and any(
            seen[aspect] != self._new[aspect] for aspect in EVERYTHING[self.name].certain
        ):
            yield f"success, and not so: {_difference(seen, self._new)}"
        for aspect in ("here", "remote"):
            if seen[aspect] not in (self._old[aspect], self._new[aspect]):
                yield (
                    f"{aspect} is neither old nor new: {_difference(seen, self._old)}"
                    f" / {_difference(seen, self._new)}"
                )
        # a file is given away when what it was given for stands
        own = self._old["mine"], self._new["mine"]
        if seen["mine"] not in own or (
            seen["mine"] != own[0] and seen["here"] != self._new["here"]
        ):
            yield f"a file of the user's is gone: {_difference(seen, self._old)}"

    def _unsound(self) -> Iterator[str]:
        begun = [head.parent for head in self._shop.lab.glob("remote/*.git/HEAD")]
        begun += [head.parents[1] for head in self._shop.lab.glob(f"{self._store}/[!.]*/.git/HEAD")]
        for clone in begun:
            if (found := state(clone)) in self._sound:
                continue
            done = _git(clone, *_FSCK)
            if done.returncode:
                yield f"git fsck in {clone.name}: {done.stdout}{done.stderr}"
            else:
                self._sound.add(found)

    def _unclean(self) -> Iterator[str]:
        for clone in (self._shop.lab / self._store).glob("[!.]*/.git"):
            status = _git(clone.parent, "status", "--porcelain")
            if status.stdout or status.returncode:
                yield f"git status: {status.stdout}{status.stderr}"

    def _let_time_pass(self) -> None:
        """Lets two minutes pass for what a killed process has left of locks and halves."""
        for path in below(self._shop.lab):
            if path.endswith((".lock", ".padre-git", "padre/upkeep")):
                before = os.lstat(path).st_mtime - 120
                os.utime(path, (before, before), follow_symlinks=False)

    def _left(self) -> list[Path]:
        paths = map(Path, below(self._shop.lab))
        return [path for path in paths if _LEFT.search(path.name)]

    def _littered(self, left: list[Path], fault: Fault) -> Iterator[str]:
        # what could not be removed stays; a git that is killed, or cannot go on in its own upkeep,
        # leaves what that takes away another time
        excused = not fault.error or self._is_removing(fault) or self.name == "maintain"
        for path in left:
            if not (excused and _HALVES.search(path.name)):
                yield f"left behind: {path.relative_to(self._shop.lab)}"

    def _is_removing(self, fault: Fault) -> bool:
        return self.hit.startswith(("unlink", "rmdir", "remove")) or (
            fault.onward and bool(fault.calls & Calls.REMOVE)
        )


@dataclass(frozen=True, kw_only=True)
class _Aftermath:
    """Is what came of a state: what was seen, what is wrong, and which files nobody has removed."""

    seen: dict[str, Any]
    found: list[str]
    left: list[Path] = field(default_factory=list)


def _git(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=clone, capture_output=True, text=True)


def _untrue(answer: dict[str, Any], fault: Fault) -> Iterator[str]:
    if answer["hung"]:
        yield f"it hung: {answer['complaints']}"
    elif "raw" in answer:
        yield f"raw: {answer['text']}"
    elif fault.error and not answer["answered"]:
        yield f"it died with {answer['status']}: {answer['complaints']}"
    # GitPython logs what it raises, too
    if "Traceback" in answer["complaints"] and "GitConfigParser" not in answer["complaints"]:
        yield f"it complained: {answer['complaints']}"
    if fault.error and answer["left"]:
        yield f"{answer['left']} processes are left"


def _difference(seen: dict[str, Any], wanted: dict[str, Any]) -> str:
    found: list[str] = []
    for aspect, values in wanted.items():
        now = seen[aspect]
        found += [
            f"{aspect} {key}: {now.get(key)} not {values.get(key)}"
            for key in sorted({*values, *now})
            if values.get(key) != now.get(key)
        ]
    return "; ".join(found)[:1500]
