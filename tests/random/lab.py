"""Where it happens: a server, people in processes, and what is left when everybody has gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tests
from tests.conftest import git, trust
from tests.random.journal import Deed, Outcome, read_journal
from tests.random.person import PROJECT
from tests.servers import Server

__all__ = ["Lab", "Plan"]

PEOPLE = ("ada", "ben", "cleo", "dan", "eva", "finn")
#: What everybody calls the server; git finds the way to it through each one's own network.
_ALIAS = "lab.test"
#: Kills the process that takes a push now and then: before the branch has moved, or after it.
_KILLING = """\
n=$(cat "$GIT_DIR/pushes" 2>/dev/null || echo 0); n=$((n + 1)); echo $n > "$GIT_DIR/pushes"
if [ $((n % {every})) -eq {at} ]; then kill -9 $PPID; fi
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Is how a story goes.

    Attributes:
        seed: where its luck comes from.
        people: how many there are.
        steps: how much each of them does.
        rate: the share of connections that are in trouble.
        killed: the share of deeds in whose middle a process may be killed.
    """

    seed: int
    people: int
    steps: int
    rate: float = 0.15
    killed: float = 0.05


class Lab:
    """Is people with clones of one project.

    Args:
        directory: where everything is.
        plan: how the story goes.
        server: where the project is; None for a directory that everybody reaches.
    """

    def __init__(self, directory: Path, plan: Plan, server: Server | None) -> None:
        self.directory = directory
        self.plan = plan
        self.people = PEOPLE[: plan.people]
        self._server = server
        self._output = (directory / "output.txt").open("wb")
        place = server.directory if server is not None else directory / "lab"
        place.mkdir(exist_ok=True)
        self.bare = place / f"{PROJECT}.git"
        git("init", "-q", "--bare", "--initial-branch=main", self.bare, cwd=place)
        git("config", "core.logAllRefUpdates", "always", cwd=self.bare)
        git("config", "receive.denyNonFastForwards", "false", cwd=self.bare)
        for name in self.people:
            self._settings(name).write_text(json.dumps(self._said(name)))

    def _settings(self, name: str) -> Path:
        return self.directory / f"{name}.json"

    def clone(self, name: str) -> Path:
        """Returns the directory of a person's clone."""
        return self.directory / name / PROJECT

    def _said(self, name: str) -> Mapping[str, Any]:
        server = self._server
        remote = str(self.bare.parent)
        known = None
        if server is not None:
            scheme, _, rest = server.base.partition("://")
            remote = f"{scheme}://{_ALIAS}/{rest.partition('/')[2]}"
            ssh = server.environment.get("GIT_SSH_COMMAND", "").rpartition(" ")[2]
            known = {"host": server.host, "port": server.port, "secret": server.secret}
            known |= {"alias": _ALIAS, "ssh": ssh}
        return {
            "name": name, "seed": self.plan.seed, "rate": self.plan.rate,
            "killed": self.plan.killed, "root": str(self.directory / name),
            "journal": str(self.directory / f"{name}.jsonl"), "remote": remote,
            "artifacts": str(self.directory / "artifacts"), "server": known,
        }  # fmt: skip

    # ------------------------------------------------------------------------------ the story

    def found(self) -> None:
        """Makes the project, in peace."""
        self._run(self.people[0], "found", "900000")

    def live(self, limit: float) -> None:
        """Lets everybody do all their steps at the same time; who is killed comes back."""
        for number, name in enumerate(("pre-receive", "post-receive")):
            hook = self.bare / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text("#!/bin/sh\n" + _KILLING.format(every=23, at=7 + 9 * number))
            hook.chmod(0o700)
        trust(self.bare)
        end = time.monotonic() + limit
        living = {
            name: self._start(name, "live", "0", str(self.plan.steps)) for name in self.people
        }
        while living:
            time.sleep(0.05)
            assert time.monotonic() < end, f"still busy: {sorted(living)}"
            for name, process in list(living.items()):
                if process.poll() is None:
                    continue
                assert process.returncode <= 0, f"{name}: {self.output()[-3000:]}"
                del living[name]
                step = self._last_step(name) + 1
                if process.returncode < 0 and step < self.plan.steps:
                    living[name] = self._start(name, "live", str(step), str(self.plan.steps))
        for name in ("pre-receive", "post-receive"):
            (self.bare / "hooks" / name).unlink()

    def settle(self) -> None:
        """Lets everybody sync in peace until all have the same."""
        for round_ in range(1, 5):
            for name in self.people:
                self._run(name, "settle", str(round_ * 1_000_000))
            if len({self.head(name) for name in self.people} | {self.remote_head()}) == 1:
                return
        raise AssertionError({name: self.head(name) for name in self.people})

    def head(self, name: str) -> str:
        """Returns the commit of a person's branch."""
        return git("rev-parse", "main", cwd=self.clone(name)).strip()

    def remote_head(self) -> str:
        """Returns the commit of the remote's branch."""
        return git("rev-parse", "main", cwd=self.bare).strip()

    def deeds(self) -> Iterator[Deed]:
        """Yields what everybody did."""
        for name in self.people:
            path = self.directory / f"{name}.jsonl"
            if path.exists():
                yield from read_journal(path)

    def output(self) -> str:
        """Returns what the processes printed."""
        self._output.flush()
        return (self.directory / "output.txt").read_text(errors="replace")

    def close(self) -> None:
        """Closes what is open."""
        self._output.close()

    def _last_step(self, name: str) -> int:
        path = self.directory / f"{name}.step"
        return int(path.read_text()) if path.exists() else -1

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        package = Path(tests.__file__).parent.parent
        command = [sys.executable, "-W", "error", "-m", "tests.random.person"]
        return subprocess.Popen(
            [*command, str(self._settings(name)), *words],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(package)},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
        )

    def _run(self, name: str, *words: str) -> None:
        code = self._start(name, *words).wait(300)
        broken = [d for d in self.deeds() if d.outcome is Outcome.BROKEN]
        assert code == 0, f"{name} {words}: {self.output()[-3000:]} {broken[-3:]}"
