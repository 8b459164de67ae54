"""Directories as remotes: git would run what is in them as whoever pushes; we look first."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest

from padre_git import RemoteUntrustedError
from padre_git.api.opening import open_store
from padre_git.api.relocating import move_remote
from padre_git.vcs.network import ask
from tests.conftest import git
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.servers.processes import needs_root

_NOBODY = 65534


def planted(hooks: Path, name: str, canary: Canary) -> None:
    hooks.mkdir(exist_ok=True)
    shutil.copy(canary.program, hooks / name)


def refused(victim: Victim, word: str) -> RemoteUntrustedError:
    """Pushes a change, which must be refused and stay in the clone."""
    with victim.store() as store:
        store.projects.put(store.projects.get("iris").replace(title="mine"))
        for verb in (store.push, store.sync):
            with pytest.raises(RemoteUntrustedError, match=word) as caught:
                verb("iris")
        assert store.projects.get("iris").title == "mine"
    return caught.value


@pytest.mark.parametrize(
    "name",
    ["pre-receive", "update", "post-receive", "post-update", "reference-transaction",
     "proc-receive", "push-to-checkout", "pre-auto-gc"],
)  # fmt: skip
def test_a_hook_of_a_directory_does_not_run_as_whoever_pushes(
    victim: Victim, canary: Canary, name: str
) -> None:
    planted(victim.lab / "iris.git" / "hooks", name, canary)
    refused(victim, f"the hook '{name}'")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.worktree", "{outside}"),
        ("receive.denyCurrentBranch", "updateInstead"),
        ("core.alternateRefsCommand", "{canary}"),
        ("core.hooksPath", "{outside}"),
        ("gpg.program", "{canary}"),
        ("gc.recentObjectsHook", "{canary}"),
        ("include.path", "{outside}/precious"),
    ],
)
def test_a_key_of_a_directory_that_runs_something_stops_a_push(
    victim: Victim, canary: Canary, key: str, value: str
) -> None:
    text = value.format(canary=canary.program, outside=canary.outside)
    git("config", key, text, cwd=victim.lab / "iris.git")
    refused(victim, key.lower())


def test_whoever_trusts_a_directory_gets_its_hooks_run(victim: Victim, canary: Canary) -> None:
    hook = victim.lab / "iris.git" / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {victim.scratch}/ran\n")
    hook.chmod(0o755)
    hint = refused(victim, "post-receive").hint or ""
    git(*shlex.split(hint.partition(": ")[2])[1:], cwd=victim.scratch)
    with victim.store() as store:
        store.push("iris")
    assert (victim.scratch / "ran").exists()


def test_cloning_from_a_directory_runs_nothing_that_it_configures(
    victim: Victim, canary: Canary, tmp_path: Path
) -> None:
    base = victim.lab / "iris.git"
    for name in ("post-checkout", "reference-transaction", "post-update"):
        planted(base / "hooks", name, canary)
    for key in (
        "core.fsmonitor", "uploadpack.packObjectsHook", "core.alternateRefsCommand",
        "core.sshCommand", "remote.origin.uploadpack", "credential.helper", "filter.odd.smudge",
    ):  # fmt: skip
        git("config", key, canary.program, cwd=base)
    git("config", "core.worktree", canary.outside, cwd=base)
    git("config", "core.bare", "false", cwd=base)
    with open_store(tmp_path / "fresh", remote=victim.lab, policy="manual") as store:
        store.pull("iris")
        assert store.projects.get("iris").name == "iris"
        assert len(store.runs.list("iris/svm")) == 1


def test_a_hook_that_a_member_plants_at_the_last_moment_does_not_run(
    victim: Victim, canary: Canary
) -> None:
    needs_root()
    base = victim.lab / "iris.git"
    planted(base / "hooks", "post-receive", canary)
    for path in (victim.lab, *victim.lab.rglob("*")):
        os.chown(path, -1, os.getegid())
        if path.is_dir():
            path.chmod(0o2770)
    os.chown(base, _NOBODY, -1)
    head = git("rev-parse", "HEAD", cwd=victim.clone).strip()
    pushed = ["push", "--", base.as_uri(), f"{head}:refs/heads/new"]
    assert ask(pushed, victim.clone, 30, url=base.as_uri()).code == 0
    seen = git(f"--git-dir={base}", "rev-parse", "new", cwd=victim.scratch)
    assert seen.strip() == head


def test_moving_to_a_directory_pushes_nothing_where_a_program_would_run(
    victim: Victim, canary: Canary, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    git("init", "-q", "--bare", new / "iris.git", cwd=tmp_path)
    planted(new / "iris.git" / "hooks", "post-receive", canary)
    with pytest.raises(RemoteUntrustedError, match="post-receive"):
        move_remote(new, victim.root)
