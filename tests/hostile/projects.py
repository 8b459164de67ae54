"""A corpus of what a project that is handed over can hold: keys, hooks and layouts of ``.git``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim

__all__ = ["HOOKS", "KEYS", "LAYOUTS", "SOME_LAYOUTS", "filled", "link_to", "pipe_at"]

#: What a configuration can say; ``{canary}`` is the program, ``{outside}`` what must not change.
KEYS = {
    "core.sshCommand": "{canary}",
    "core.fsmonitor": "{canary}",
    "core.hooksPath": "{outside}",
    "core.editor": "{canary}",
    "core.pager": "{canary}",
    "core.askPass": "{canary}",
    "core.gitProxy": "{canary}",
    "core.alternateRefsCommand": "{canary}",
    "core.worktree": "{outside}",
    "core.attributesFile": "{outside}/attributes",
    "core.excludesFile": "{outside}/ignored",
    "core.protectHFS": "false",
    "credential.helper": "!{canary}",
    "credential.https://example.org.helper": "{canary}",
    "diff.external": "{canary}",
    "diff.odd.textconv": "{canary}",
    "diff.odd.command": "{canary}",
    "filter.odd.clean": "{canary}",
    "filter.odd.smudge": "{canary}",
    "filter.odd.process": "{canary}",
    "merge.odd.driver": "{canary}",
    "merge.padre.driver": "{canary} %O %A %B",
    "merge.tool": "odd",
    "mergetool.odd.cmd": "{canary}",
    "difftool.odd.cmd": "{canary}",
    "gpg.program": "{canary}",
    "gpg.ssh.program": "{canary}",
    "gpg.ssh.defaultKeyCommand": "{canary}",
    "alias.status": "!{canary}",
    "uploadpack.packObjectsHook": "{canary}",
    "remote.origin.uploadpack": "{canary}",
    "remote.origin.receivepack": "{canary}",
    "remote.origin.vcs": "{canary}",
    "remote.origin.proxy": "http://127.0.0.1:{port}",
    "remote.origin.url": "ext::{canary}",
    "remote.origin.pushurl": "--upload-pack={canary}",
    "remote.{lab}/iris.git.uploadpack": "{canary}",
    "remote.{lab}/iris.git.receivepack": "{canary}",
    "url.ext::{canary} .insteadOf": "{lab}",
    "url.http://127.0.0.1:{port}/.pushInsteadOf": "{lab}",
    "protocol.ext.allow": "always",
    "include.path": "{outside}/precious",
    "includeIf.gitdir:**.path": "{outside}/precious",
    "sendemail.smtpServer": "{canary}",
    "ssh.variant": "simple",
    "init.templateDir": "{outside}",
    "commit.template": "{outside}/precious",
    "submodule.odd.update": "!{canary}",
    "submodule.recurse": "true",
    "push.gpgSign": "true",
    "http.proxy": "http://127.0.0.1:{port}",
    "http.sslVerify": "false",
    "http.https://example.org.extraHeader": "X: y",
    "extensions.partialClone": "origin",
    "remote.origin.promisor": "true",
    "gc.recentObjectsHook": "{canary}",
    "fetch.fsckObjects": "false",
    "fsck.hasDotgit": "ignore",
    "fetch.fsck.hasDotgit": "ignore",
    "receive.denyCurrentBranch": "updateInstead",
    "receive.fsck.hasDotgit": "ignore",
    "transfer.bundleURI": "true",
    "trailer.odd.command": "{canary}",
    "pager.log": "{canary}",
    "interactive.diffFilter": "{canary}",
    "sequence.editor": "{canary}",
    "browser.odd.cmd": "{canary}",
    "man.odd.cmd": "{canary}",
    "tar.odd.command": "{canary}",
    "mailmap.file": "{outside}/precious",
    "hook.odd.command": "{canary}",
    "guitool.odd.cmd": "{canary}",
    "lfs.standaloneTransferAgent": "odd",
    "lfs.customTransfer.odd.path": "{canary}",
    "lfs.extension.odd.clean": "{canary}",
    "annex.secure-erase-command": "{canary}",
}


def filled(text: str, victim: Victim, canary: Canary) -> str:
    lab = (victim.lab).as_uri()
    return text.format(canary=canary.program, outside=canary.outside, port=canary.port, lab=lab)


HOOKS = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "update",
    "proc-receive",
    "post-receive",
    "post-update",
    "reference-transaction",
    "push-to-checkout",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "fsmonitor-watchman",
    "post-index-change",
]


def link_to(name: str) -> Callable[[Path, Canary], None]:
    def plant(git_dir: Path, canary: Canary) -> None:
        place = git_dir / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        place.symlink_to(canary.outside / "deep" if "." not in name else canary.outside)

    return plant


def pipe_at(name: str) -> Callable[[Path, Canary], None]:
    def plant(git_dir: Path, _: Canary) -> None:
        place = git_dir / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        os.mkfifo(place)

    return plant


def moved_out(git_dir: Path, canary: Canary) -> None:
    git_dir.rename(canary.outside.parent / "elsewhere")
    git_dir.symlink_to(canary.outside.parent / "elsewhere")


def named_by_a_file(git_dir: Path, canary: Canary) -> None:
    git_dir.rename(canary.outside.parent / "elsewhere")
    git_dir.write_text(f"gitdir: {canary.outside.parent}/elsewhere\n")


def shared_elsewhere(git_dir: Path, canary: Canary) -> None:
    (git_dir / "commondir").write_text(f"{canary.outside}\n")


def borrowing(git_dir: Path, canary: Canary) -> None:
    (git_dir / "objects" / "info").mkdir(exist_ok=True)
    (git_dir / "objects" / "info" / "alternates").write_text(f"{canary.outside}\n")


def deep_in(name: str) -> Callable[[Path, Canary], None]:
    def plant(git_dir: Path, _: Canary) -> None:
        (git_dir / name / "/".join(["a"] * 400)).mkdir(parents=True)

    return plant


LAYOUTS = {
    **{f"no end of {name}": deep_in(name) for name in ("refs", "logs", "padre/spool")},
    "a link for .git": moved_out,
    "a file for .git": named_by_a_file,
    "commondir": shared_elsewhere,
    "alternates": borrowing,
    **{f"a link for {name}": link_to(name) for name in (
        "objects", "objects/ab", "objects/pack", "objects/info", "refs", "refs/heads",
        "refs/heads/main", "refs/padre", "logs", "logs/refs/heads", "info", "padre",
        "padre/spool", "padre/spool/r-1", "padre/cache", "padre/cache/files/md5", "hooks", "HEAD",
        "index", "config", "packed-refs", "worktrees/x/logs",
    )},
    **{f"a pipe for {name}": pipe_at(name) for name in (
        "HEAD", "index", "config", "config.worktree", "packed-refs", "refs/heads/main",
        "refs/heads/other", "refs/padre/pending", "logs/HEAD", "info/attributes", "commondir",
        "objects/info/alternates", "padre/lock", "MERGE_HEAD",
    )},
}  # fmt: skip


#: A sample for tests that do the same once more; all of it nightly.
SOME_LAYOUTS = [
    name if number % 6 == 0 else pytest.param(name, marks=pytest.mark.nightly)
    for number, name in enumerate(LAYOUTS)
]
