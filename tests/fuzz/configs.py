"""Configurations of clones: what git reads in them, our look at them sees."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from padre_git.vcs import knownconfig
from padre_git.vcs.gitconfig import _can_do_something, keys_in, running_key
from tests.fuzz.gitfiles import scratch

__all__ = ["check_config", "config_seeds"]

_PLAIN = b"""[core]
\trepositoryformatversion = 0
\tfilemode = true
[remote "origin"]
\turl = git@example.org:lab/iris.git
\tfetch = +refs/heads/*:refs/remotes/origin/*
[user]
\tname = Ada "L" \\"x\\" # hi
"""


def config_seeds() -> Iterator[bytes]:
    """Yields configurations as git writes them, and as nobody should."""
    yield _PLAIN
    for text in (
        "[core] fsmonitor = /x\n", "[core]\n\tfsmonitor = \\\n/x\n", "[CORE]\n\tFSMONITOR=/x\n",
        "[core] # odd\n;\n\tfsmonitor = /x\n", '[core]\n\tfsmonitor = "/x"\n', "[core]fsmonitor",
        "[filter.odd]\n\tclean = /x\n", '[filter "a\\"b]"]\n\tclean = /x\n',
        "\ufeff[core]\n\tfsmonitor = /x\n", '[remote "origin"]\n\turl = e"xt::"/x\n',
        "[core]\r\n\tfsmonitor = /x\r\n", '[filter "\n"]\n\tclean=x\n', '[a ""]\nb = c\n',
        "[core]\n\tx = y\\\n[filter]\n\tx = y\n", "[include]\n\tpath = ~/x ; y\n",
        '[core]\n\thooksPath = "a\\tb\\n" c # "\n', "[ core ]\na=b\n", '[core "x" ]\na=b\n',
        "[core]\n\x0bfsmonitor = /x\n", "[core]\n\tsshCommand = /x\n[core\n", "[core]\n\ta b = c\n",
        '[filter "ab\\\\"]\nclean = /x\n', '[url "ext::x"]\n\tinsteadOf = y\n', "[core.]\na=b\n",
    ):  # fmt: skip
        yield text.encode()


def check_config(data: bytes) -> None:
    """Whatever git reads we see with its value, and what can run something is named.

    A configuration that is damaged is mended to one that git reads, with nothing in it that could
    run and did not stand there.
    """
    if b"\0" in data:
        return  # at which git ends a value, and we do not
    theirs = _as_git(data)
    ours = keys_in(data)
    git_dir = _place()
    named = running_key(data, git_dir)
    if theirs is None:
        _check_mending(data, git_dir)
        return
    assert ours is not None
    assert _plainly(ours) == _plainly(theirs)
    dangers = [name for name, value in theirs if _can_do_something(name, value, git_dir)]
    assert named == next(iter(dangers), None)


def _plainly(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    # a key alone is true; some versions of git make spaces of tabs
    return [(name, re.sub(r"\s", " ", value) or "true") for name, value in found]


def _check_mending(data: bytes, git_dir: Path) -> None:
    (git_dir / "config").write_bytes(data)
    assert knownconfig.problem(git_dir) is not None
    mended = knownconfig.mended(git_dir, {"core.bare": "false"})
    found = _as_git(mended)
    assert found is not None, mended
    assert ("core.bare", "false") in found or "bare" in data.decode(errors="replace").lower()


def _as_git(data: bytes) -> list[tuple[str, str]] | None:
    """Returns what git reads in a configuration; None if it refuses it."""
    done = subprocess.run(
        ["git", "config", "-z", "--file", "-", "--no-includes", "--list"],
        input=data, capture_output=True, cwd="/", env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip
    if done.returncode:
        return None
    items = done.stdout.decode(errors="replace").split("\0")[:-1]
    return [(name, value) for name, _, value in (item.partition("\n") for item in items)]


@cache
def _place() -> Path:
    root = scratch() / "repository"
    (root / "padre").mkdir(parents=True)
    return root
