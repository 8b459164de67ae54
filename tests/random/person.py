"""One person: a process with a clone, a journal and a network of its own.

``python -m tests.random.person SETTINGS live FIRST END`` does the steps from FIRST to before END.
What a step is depends on the seed, the name and its number only, so a person who was killed goes
on as if nothing had been. ``found STEP`` makes the project, ``settle STEP`` brings a clone to rest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import padre_git
from padre_git.errors import (
    AlreadyExistsError,
    ConflictError,
    NotFoundError,
    PadreGitError,
    RemoteError,
    RemoteMissingError,
    UnpublishedError,
)
from tests.random.journal import Deed, Journal, Outcome
from tests.servers.processes import HOST
from tests.servers.proxy import Proxy, Trouble
from tests.servers.web import credentials

__all__ = ["PROJECT", "SHARED", "Person"]

PROJECT = "iris"
SHARED = "shared"
#: What trouble and other people can bring about. Everything else is a defect.
_EXPECTED = (RemoteError, ConflictError, NotFoundError, AlreadyExistsError, UnpublishedError)
_NEVER = (RemoteMissingError,)  # a remote that is out of reach is not gone
_POLICIES = ("auto", "auto", "always", "manual")


class Person:
    """Is somebody with a store.

    Attributes:
        name: who.
        store: their store, opened anew now and then.
        chance: the luck of the present step.
        step: the number of the present step.
    """

    def __init__(self, settings: dict[str, Any], *, calm: bool = False) -> None:
        self.settings = settings
        self.name: str = settings["name"]
        self.root = Path(settings["root"])
        self.clone = self.root / PROJECT
        self.step = 0
        self._at = self.root.with_suffix(".step")
        self.chance = random.Random()
        self.journal = Journal(Path(settings["journal"]))
        self.network = self._connect(calm=calm)
        self.store = self.open("auto", push_every=0.5)

    def _connect(self, *, calm: bool) -> Proxy | None:
        """Starts a network of one's own and leads git through it."""
        server = self.settings.get("server")
        if server is None:
            return None
        seed = f"{self.settings['seed']} {self.name} network {os.getpid() if calm else ''}"
        network = Proxy(
            server["host"], server["port"], seed=random.Random(seed).getrandbits(32),
            rate=0.0 if calm else self.settings["rate"],
        )  # fmt: skip
        if server["ssh"]:
            self._lead_ssh(server, network.port)
        else:
            _lead_http(server, network.port)
        return network

    def _lead_ssh(self, server: dict[str, Any], port: int) -> None:
        """Writes what ssh needs to go through the person's own network."""
        config = self.root.with_suffix(".ssh")
        config.write_text(
            f"Host {server['alias']}\n  HostName {HOST}\n  Port {port}\n  HostKeyAlias lab\n"
            f"Include {server['ssh']}\n"
        )
        os.environ["GIT_SSH_COMMAND"] = f"ssh -F {config}"

    # ---------------------------------------------------------------------------- the store

    def open(self, policy: str, **options: Any) -> padre_git.Store:
        """Opens the store, for somebody with little patience."""
        store = padre_git.open(
            self.root,
            remote=self.settings["remote"],
            artifacts=self.settings["artifacts"],
            author=f"{self.name} <{self.name}@example.org>",
            policy=policy,
            **options,
        )
        # git itself waits for ever when a server dies in the middle of its answer to a push
        exchange = store._backend._exchange  # type: ignore[attr-defined]
        exchange.terms = dataclasses.replace(exchange.terms, silence=8.0)
        return store

    def reopen(self) -> None:
        """Closes the store and opens it in another way."""
        self.store.close()
        self.store = self.open(
            self.chance.choice(_POLICIES),
            max_age=self.chance.choice((0, 0.5, 60)),
            push_every=self.chance.choice((0.1, 1, 30)),
        )

    def close(self) -> None:
        """Ends everything."""
        self.store.close()
        self.journal.close()
        if self.network is not None:
            self.network.close()

    # ----------------------------------------------------------------------------- what is done

    def live(self, first: int, last: int) -> None:
        """Does the steps from ``first`` to before ``last``."""
        from tests.random.deeds import draw

        if first == 0:
            self._begin()
        for self.step in range(first, last):
            fresh = self._at.with_suffix(".new")
            fresh.write_text(str(self.step))
            fresh.replace(self._at)
            self.chance = random.Random(f"{self.settings['seed']} {self.name} {self.step}")
            if self.chance.random() < self.settings["killed"]:
                after = self.chance.random() ** 2 * 1.5
                killer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGKILL))
                killer.daemon = True
                killer.start()
            draw(self)

    def _begin(self) -> None:
        """Gets the project, in peace: a story about somebody without a clone is a short one."""
        if self.network is not None:
            self.network.trouble = Trouble.NONE
        self.store.pull(PROJECT)
        self.go_online()

    @contextlib.contextmanager
    def deed(self, what: str, **facts: Any) -> Iterator[Deed]:
        """Does something and keeps a journal of it; what may fail, fails quietly."""
        deed = Deed(who=self.name, name=facts.pop("name", self.token()), what=what, **facts)
        self.journal.write(deed)
        begun = time.monotonic()
        try:
            yield deed
            deed.outcome = Outcome.DONE
        except _EXPECTED as error:
            deed.outcome = Outcome.FAILED
            deed.error = f"{type(error).__name__}: {error}"
            if isinstance(error, _NEVER):
                deed.outcome = Outcome.BROKEN
        except (PadreGitError, Exception):
            deed.outcome = Outcome.BROKEN
            deed.error = traceback.format_exc()
        finally:
            deed.took = time.monotonic() - begun
            self.journal.write(deed)

    def token(self) -> str:
        """Returns the name of the present step's deed."""
        return f"{self.name}-{self.step}"

    def git(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs plain git in the clone, as a user does in another window, whatever comes of it.

        It goes on if the person's process is killed. A push hangs for ever if the server dies in
        the middle of its answer; users press Ctrl-C.
        """
        if not (self.clone / ".git").exists():
            return subprocess.CompletedProcess(words, 1, "", "no clone")
        window = self.root.with_suffix(f".{self.step}.git.txt")
        with window.open("w") as output:
            process = subprocess.Popen(
                ["git", *words], cwd=self.clone, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                code = process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGINT)
                code = process.wait(15)
        return subprocess.CompletedProcess(words, code, window.read_text(errors="replace"), "")

    def go_offline(self) -> None:
        """Pulls the plug."""
        if self.network is not None:
            self.network.trouble = Trouble.REFUSE

    def go_online(self) -> None:
        """Puts it back."""
        if self.network is not None:
            self.network.trouble = None


def _lead_http(server: dict[str, Any], port: int) -> None:
    """Leads git through the person's own network, and gives it the password for it."""
    os.environ.update(credentials(port, server["secret"]))
    os.environ.update(
        GIT_CONFIG_COUNT="2",
        GIT_CONFIG_KEY_1=f"url.http://{HOST}:{port}/.insteadOf",
        GIT_CONFIG_VALUE_1=f"http://{server['alias']}/",
        GIT_HTTP_LOW_SPEED_LIMIT="1",
        GIT_HTTP_LOW_SPEED_TIME="4",
    )


def main() -> None:
    """Does what the command line says."""
    from tests.random import deeds

    settings = json.loads(Path(sys.argv[1]).read_text())
    what, *steps = sys.argv[2], *map(int, sys.argv[3:])
    person = Person(settings, calm=what != "live")
    try:
        if what == "live":
            person.live(*steps)
        else:
            (person.step,) = steps
            {"found": deeds.found, "settle": deeds.settle}[what](person)
    finally:
        person.close()


if __name__ == "__main__":
    main()
