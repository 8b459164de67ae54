"""Copies of projects that somebody handed over: all that they hold, nothing that they would do."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from padre_git import NotFoundError, UnsupportedError, UnsupportedFormatError
from padre_git.api.copying import copy_project
from padre_git.api.opening import open_store
from padre_git.cli.group import commands
from padre_git.errors import AlreadyExistsError, PadreGitError
from tests.conftest import git
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.hostile.projects import HOOKS, KEYS, LAYOUTS, SOME_LAYOUTS, filled
from tests.hostile.verbs import RUN, use


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


def booby_trapped(victim: Victim, canary: Canary) -> None:
    """Sets every key and every hook that there is, and puts attributes and a work tree to it."""
    for key in KEYS:
        name, value = filled(key, victim, canary), filled(KEYS[key], victim, canary)
        git("config", "--file", victim.clone / ".git" / "config", name, value, cwd=victim.scratch)
    hooks = victim.clone / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        shutil.copy(canary.program, hooks / name)
    (victim.clone / ".git" / "info").mkdir(exist_ok=True)
    (victim.clone / ".git" / "info" / "attributes").write_text("* filter=odd diff=odd merge=odd\n")
    os.mkfifo(victim.clone / ".git" / "padre" / "pipe")


def test_a_copy_has_the_history_and_the_data_and_does_nothing(
    victim: Victim, canary: Canary, own: Path
) -> None:
    head = git("rev-parse", "HEAD", cwd=victim.clone).strip()
    booby_trapped(victim, canary)
    ran = CliRunner().invoke(commands, ["--root", str(own), "clone", str(victim.clone)])
    assert ran.exit_code == 0, ran.output
    assert ran.output.split() == [str(own / "iris")]
    git("fsck", "--full", "--strict", cwd=own / "iris")
    assert git("status", "--porcelain", cwd=own / "iris") == ""
    assert git("rev-parse", "HEAD", cwd=own / "iris").strip() == head
    with open_store(own, policy="manual") as store:
        assert store.runs.get(f"iris/svm/{RUN}").metrics == {"accuracy": 0.9}
        assert store.artifacts.get(f"iris/svm/{RUN}", "notes.txt").read_text() == "notes\n"
        assert store.artifacts.verify("iris") == ()
        assert set(use(store, victim.scratch)) <= {"pull", "push", "sync", "delete here"}
    assert not (own / "padre-git.yaml").exists()


def test_commits_that_waited_there_come_along(victim: Victim, canary: Canary, own: Path) -> None:
    (victim.clone / ".git" / "MERGE_HEAD").write_text("0" * 40 + "\n")
    with victim.store() as store:
        store.runs.note(f"iris/svm/{RUN}", "written meanwhile")
    assert git("rev-parse", "refs/padre/pending", cwd=victim.clone)
    copy_project(victim.clone, root=own)
    with open_store(own, policy="manual") as store:
        assert [note.text for note in store.runs.get(f"iris/svm/{RUN}").notes] == [
            "written meanwhile"
        ]


@pytest.mark.parametrize("layout", SOME_LAYOUTS)
def test_a_copy_of_what_leads_elsewhere_is_whole_or_refused(
    victim: Victim, canary: Canary, own: Path, layout: str
) -> None:
    LAYOUTS[layout](victim.clone / ".git", canary)
    try:
        copy_project(victim.clone, root=own)
    except PadreGitError:
        assert not (own / "iris").exists()
        return
    with open_store(own, policy="manual") as store:
        assert store.runs.get(f"iris/svm/{RUN}").metrics == {"accuracy": 0.9}


@pytest.mark.parametrize("name", ["info/commit-graph", "pack/multi-pack-index"])
def test_what_somebody_has_made_of_the_objects_is_not_believed(
    victim: Victim, canary: Canary, own: Path, name: str
) -> None:
    for number in range(3):
        git("commit", "-q", "--allow-empty", "-m", f"{number}", cwd=victim.clone)
    git("repack", "-q", "-d", cwd=victim.clone)
    git("commit-graph", "write", "--reachable", cwd=victim.clone)
    git("multi-pack-index", "write", cwd=victim.clone)
    forged = victim.clone / ".git" / "objects" / name
    content = bytearray(forged.read_bytes()[:-20])
    for place in range(len(content) // 3, len(content), 29):
        content[place] ^= 0xFF
    forged.chmod(0o644)
    forged.write_bytes(content + hashlib.sha1(content, usedforsecurity=False).digest())
    copy_project(victim.clone, root=own)
    head = git("rev-parse", "HEAD", cwd=victim.clone)
    assert git("rev-parse", "HEAD", cwd=own / "iris") == head
    git("fsck", "--full", "--strict", cwd=own / "iris")


def test_objects_that_are_forged_are_not_copied(victim: Victim, canary: Canary, own: Path) -> None:
    packs = victim.clone / ".git" / "objects" / "pack"
    for pack in packs.glob("*.pack"):
        content = bytearray(pack.read_bytes())
        content[len(content) // 2] ^= 1
        pack.chmod(0o644)
        pack.write_bytes(content)
    with pytest.raises(PadreGitError):
        copy_project(victim.clone, root=own)
    assert not (own / "iris").exists()


def test_data_that_is_damaged_is_left_out(victim: Victim, canary: Canary, own: Path) -> None:
    objects = victim.clone / ".git" / "padre" / "cache" / "files" / "md5"
    files = [path for path in objects.rglob("*") if path.is_file()]
    for path in files:
        path.chmod(0o644)
        path.write_bytes(b"other")
    os.mkfifo(files[0].with_name("0" * 30))
    copy_project(victim.clone, root=own)
    copied = own / "iris" / ".git" / "padre" / "cache" / "files"
    assert [path for path in copied.rglob("*") if path.is_file()] == []


def test_a_copy_needs_a_free_name_and_a_project(victim: Victim, canary: Canary, own: Path) -> None:
    copy_project(victim.clone, "other", root=own)
    with pytest.raises(AlreadyExistsError, match="other"):
        copy_project(victim.clone, "other", root=own)
    with pytest.raises(NotFoundError):
        copy_project(victim.scratch, root=own)
    git("branch", "-m", "main", "trunk", cwd=victim.clone)
    with pytest.raises(NotFoundError, match="no branch 'main'"):
        copy_project(victim.clone, root=own)
    git("init", "-q", "-b", "main", victim.scratch / "code", cwd=victim.scratch)
    git("commit", "-q", "--allow-empty", "-m", "code", cwd=victim.scratch / "code")
    with pytest.raises((UnsupportedFormatError, UnsupportedError)):
        copy_project(victim.scratch / "code", root=own)
