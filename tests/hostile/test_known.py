"""Known clones: what a person does to their own clone is theirs, what came with a file is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from padre_git import Project, RemoteUntrustedError, UntrustedProjectError
from padre_git.api.opening import open_store
from padre_git.cli.group import commands
from padre_git.vcs.trust import check_clone, check_receiver, take_clone
from tests.conftest import git
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.hostile.test_clones import refused_by_every_verb
from tests.hostile.verbs import RUN, use
from tests.servers.processes import needs_root

_NOBODY = 65534


@pytest.fixture
def own(victim: Victim) -> Victim:
    """Somebody's own project, which they have used before."""
    with victim.store() as store:
        assert store.runs.get(f"iris/svm/{RUN}").metrics == {"accuracy": 0.9}
    return victim


def plant(hook: Path, program: Path) -> None:
    hook.parent.mkdir(exist_ok=True)
    hook.write_bytes(program.read_bytes())
    hook.chmod(0o755)


def archived(project: Path, archive: Path) -> Path:
    """Packs a project as somebody does who hands it over."""
    subprocess.run(["tar", "-cf", archive, "-C", project.parent, project.name], check=True)
    return archive


def unpacked(archive: Path, place: Path, *words: str) -> None:
    subprocess.run(["tar", "-xf", archive, "-C", place, *words], check=True)


def evil(own: Victim, canary: Canary) -> Path:
    """Returns an archive of a project with a hook and a key, as old as an hour."""
    copy = own.scratch / "iris"
    shutil.copytree(own.clone, copy, symlinks=True)
    plant(copy / ".git" / "hooks" / "pre-push", canary.program)
    git("config", "core.fsmonitor", canary.program, cwd=copy)
    for name in ("hooks/pre-push", "config"):
        seen = (copy / ".git" / name).stat()
        os.utime(copy / ".git" / name, (seen.st_atime, seen.st_mtime - 3600))
    return archived(copy, own.scratch / "iris.tar")


# -- what people do in their own clones --------------------------------------------------------


def configured(own: Victim) -> None:
    git("config", "core.sshCommand", "ssh -o ServerAliveInterval=30", cwd=own.clone)
    git("config", "commit.gpgsign", "true", cwd=own.clone)
    git("config", "gpg.program", "gpg2", cwd=own.clone)


def with_lfs(own: Victim) -> None:
    for key, value in (
        ("clean", "git-lfs clean -- %f"),
        ("smudge", "git-lfs smudge -- %f"),
        ("process", "git-lfs filter-process"),
        ("required", "true"),
    ):
        git("config", f"filter.lfs.{key}", value, cwd=own.clone)
    for name in ("post-checkout", "post-commit", "post-merge", "pre-push"):
        hook = own.clone / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 0\n")
        hook.chmod(0o755)


def with_pre_commit(own: Victim) -> None:
    command = [sys.executable, "-m", "pre_commit", "install"]
    subprocess.run(command, cwd=own.clone, check=True, capture_output=True)


@pytest.mark.parametrize("done", [configured, with_lfs, with_pre_commit])
def test_what_a_person_does_in_their_own_clone_needs_no_word(
    own: Victim, done: Callable[[Victim], None]
) -> None:
    done(own)
    with own.store() as store:
        errors = use(store, own.scratch)
    assert not [e for e in errors.values() if isinstance(e, UntrustedProjectError)], errors


def test_a_clone_that_we_made_is_known_before_it_is_opened_again(tmp_path: Path) -> None:
    with open_store(tmp_path / "ada", remote=tmp_path / "lab", policy="manual") as store:
        (tmp_path / "lab").mkdir()
        store.projects.put(Project(name="iris"))
        store.sync("iris")
    with open_store(tmp_path / "ben", remote=tmp_path / "lab", policy="manual") as store:
        store.pull("iris")
    for name in ("ada", "ben"):
        plant(tmp_path / name / "iris" / ".git" / "hooks" / "pre-commit", Path("/bin/true"))
        with open_store(tmp_path / name, policy="manual") as store:
            assert store.projects.get("iris").name == "iris"


def test_a_clone_that_was_moved_or_renamed_is_known_all_the_same(own: Victim) -> None:
    own.root.rename(own.scratch / "moved")
    git("config", "core.pager", "less", cwd=own.scratch / "moved" / "iris")
    check_clone(own.scratch / "moved" / "iris")


def test_whoever_only_looks_for_damage_leaves_no_mark(victim: Victim, canary: Canary) -> None:
    marks = [victim.clone / ".git" / "padre" / name for name in ("here", "known")]
    for mark in marks:
        mark.unlink()
    with victim.store() as store:
        assert store.verify("iris") == ()
        assert not any(mark.exists() for mark in marks)
        assert store.runs.get(f"iris/svm/{RUN}").metrics == {"accuracy": 0.9}
        assert all(mark.exists() for mark in marks)


def test_a_copy_of_a_known_clone_is_not_known(own: Victim, canary: Canary) -> None:
    plant(own.clone / ".git" / "hooks" / "pre-push", canary.program)
    check_clone(own.clone)
    subprocess.run(["cp", "-a", own.clone, own.root / "other"], check=True)
    with pytest.raises(UntrustedProjectError):
        check_clone(own.root / "other")


# -- what comes with an archive ----------------------------------------------------------------


def test_an_archive_in_the_place_of_a_known_clone_is_refused(own: Victim, canary: Canary) -> None:
    """It is made from the clone itself, so it has the mark, and often the same inode."""
    archive = evil(own, canary)
    for words in ([], ["--touch"]):  # without it, the times of the files tell as well
        shutil.rmtree(own.clone)
        unpacked(archive, own.root, *words)
        refused_by_every_verb(own, "fsmonitor")


def test_an_archive_over_a_known_clone_is_refused(own: Victim, canary: Canary) -> None:
    """Whoever knows of the mark leaves it as it is."""
    unpacked(evil(own, canary), own.root, "--exclude=iris/.git/padre")
    refused_by_every_verb(own, "fsmonitor")


@pytest.mark.parametrize("name", ["hooks/pre-push", "config"])
def test_one_file_of_an_archive_in_a_known_clone_is_refused(
    own: Victim, canary: Canary, name: str
) -> None:
    archive = evil(own, canary)
    (own.clone / ".git" / "padre" / "config").unlink(missing_ok=True)
    unpacked(archive, own.root, f"iris/.git/{name}")
    refused_by_every_verb(own, "pre-push" if "hooks" in name else "fsmonitor")


def test_an_archive_beside_a_known_clone_cannot_borrow_its_mark(
    own: Victim, canary: Canary
) -> None:
    plant(own.clone / ".git" / "hooks" / "pre-push", canary.program)
    check_clone(own.clone)
    for how in (os.symlink, os.link):
        beside = own.root / how.__name__
        shutil.copytree(own.clone, beside, symlinks=True)
        for name in ("here", "known"):
            (beside / ".git" / "padre" / name).unlink()
            how(own.clone / ".git" / "padre" / name, beside / ".git" / "padre" / name)
        with pytest.raises(UntrustedProjectError):
            check_clone(beside)
    beside = own.root / "all"
    shutil.copytree(own.clone, beside, symlinks=True)
    shutil.rmtree(beside / ".git" / "padre")
    (beside / ".git" / "padre").symlink_to(own.clone / ".git" / "padre")
    with pytest.raises(UntrustedProjectError):
        check_clone(beside)


def test_a_clone_becomes_known_only_if_git_can_read_its_configuration(
    victim: Victim, canary: Canary
) -> None:
    """Else a repair would make a key out of what is damaged, or remembered, in an archive."""
    config = victim.clone / ".git" / "config"
    good = config.read_text()
    damaged = f"{good}[core]\n\tsshCommand = {canary.program}\n[core\n"
    remembered = f'{good}[remote "lab"]\n\turl = ext::{canary.program}\n'
    for text, kept in ((damaged, good), (good.rstrip("\n"), remembered)):
        config.write_text(text)
        (victim.clone / ".git" / "padre" / "config").write_text(kept)
        for words in (["status"], ["verify"], ["repair"], ["status"], ["sync"]):
            CliRunner().invoke(commands, ["--root", str(victim.root), *words, "iris"])
            canary.check()
    with pytest.raises(UntrustedProjectError):
        check_clone(victim.clone)


# -- who else could have put it there ------------------------------------------------------------


def owned_by_another(clone: Path) -> None:
    os.chown(clone / ".git" / "hooks" / "pre-push", _NOBODY, -1)


def writable_by(*names: str, mode: int) -> Callable[[Path], None]:
    def change(clone: Path) -> None:
        for name in names:
            os.chown(clone / name, -1, _NOBODY)
            (clone / name).chmod(mode)

    return change


OPEN = {
    "the hook is another user's": owned_by_another,
    "a group can write the hook": writable_by(".git/hooks/pre-push", mode=0o775),
    "all can write the hook": writable_by(".git/hooks/pre-push", mode=0o757),
    "a group can write hooks": writable_by(".git/hooks", mode=0o2775),
    "all can add hooks": writable_by(".git/hooks", mode=0o1777),
    "a group can replace .git": writable_by(".", mode=0o775),
    "a group can replace the clone": writable_by("..", mode=0o770),
}


@pytest.mark.parametrize("how", OPEN)
def test_what_others_could_have_put_there_is_not_taken_for_ones_own(
    own: Victim, canary: Canary, how: str
) -> None:
    needs_root()
    plant(own.clone / ".git" / "hooks" / "pre-push", canary.program)
    check_clone(own.clone)
    OPEN[how](own.clone)
    with pytest.raises(UntrustedProjectError):
        check_clone(own.clone)


def test_a_group_of_nobody_but_oneself_is_no_other(own: Victim, canary: Canary) -> None:
    """Many systems give everybody a group of their own, and make everything writable to it."""
    needs_root()
    plant(own.clone / ".git" / "hooks" / "pre-push", canary.program)
    for path in (own.root, own.clone, own.clone / ".git", own.clone / ".git" / "hooks"):
        os.chown(path, -1, os.getgid())
        path.chmod(0o775)
    check_clone(own.clone)


def test_what_leads_elsewhere_is_refused_in_a_known_clone_too(own: Victim, canary: Canary) -> None:
    (own.clone / ".git" / "hooks").mkdir(exist_ok=True)
    (own.clone / ".git" / "hooks" / "pre-push").symlink_to(canary.program)
    refused_by_every_verb(own, "is not opened")


def test_a_clone_that_cannot_be_written_is_looked_at_and_stays_unknown(
    victim: Victim, canary: Canary
) -> None:
    shutil.rmtree(victim.clone / ".git" / "padre")
    (victim.clone / ".git" / "padre").write_text("in the way")
    take_clone(victim.clone)
    plant(victim.clone / ".git" / "hooks" / "pre-push", canary.program)
    with pytest.raises(UntrustedProjectError):
        check_clone(victim.clone)


# -- directories that one pushes to --------------------------------------------------------------


def pushed(victim: Victim, title: str) -> None:
    with victim.store() as store:
        store.projects.put(store.projects.get("iris").replace(title=title))
        store.push("iris")


def test_a_hook_in_ones_own_remote_runs_once_one_has_pushed_there(own: Victim) -> None:
    pushed(own, "first")
    bare, ran = own.lab / "iris.git", own.scratch / "ran"
    plant(bare / "hooks" / "post-receive", Path("/bin/true"))
    (bare / "hooks" / "post-receive").write_text(f"#!/bin/sh\ntouch {ran}\n")
    git("config", "receive.denyCurrentBranch", "warn", cwd=bare)
    pushed(own, "second")
    assert ran.exists()


def test_an_archive_in_the_place_of_ones_remote_is_refused(own: Victim, canary: Canary) -> None:
    pushed(own, "first")
    bare = own.lab / "iris.git"
    plant(bare / "hooks" / "post-receive", canary.program)
    check_receiver(bare)
    archive = archived(bare, own.scratch / "iris.git.tar")
    os.utime(bare / "hooks" / "post-receive", (1, 1))
    with pytest.raises(RemoteUntrustedError, match="post-receive"):
        check_receiver(bare)
    shutil.rmtree(bare)
    unpacked(archive, own.lab, "--touch")
    with pytest.raises(RemoteUntrustedError, match="post-receive"):
        pushed(own, "second")


def test_a_remote_that_others_can_write_to_does_not_become_known(
    own: Victim, canary: Canary
) -> None:
    needs_root()
    bare = own.lab / "iris.git"
    shutil.rmtree(bare / "padre")
    os.chown(bare, -1, _NOBODY)
    bare.chmod(0o2770)
    pushed(own, "first")
    assert not (bare / "padre").exists()
    plant(bare / "hooks" / "post-receive", canary.program)
    with pytest.raises(RemoteUntrustedError, match="post-receive"):
        pushed(own, "second")


def test_a_place_that_is_no_repository_is_left_as_it_is(tmp_path: Path) -> None:
    check_receiver(tmp_path)
    check_receiver(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
