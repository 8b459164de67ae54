"""Clones of others: whatever their configuration, hooks and links say, no verb follows it."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from padre_git import Skipped, UntrustedProjectError
from padre_git.api.copying import copy_project
from padre_git.vcs.gitconfig import running_key
from padre_git.vcs.trust import check_clone
from tests.conftest import git
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.hostile.projects import HOOKS, KEYS, LAYOUTS, filled, link_to, pipe_at
from tests.hostile.verbs import RUN, VERBS, use
from tests.servers.processes import needs_root

#: What goes on with other projects, and tells which it has left.
TELLING = {"list", "reconcile"}


def refused_by_every_verb(victim: Victim, word: str) -> None:
    """Makes sure that no verb does anything, and that each says what is wrong and what to do."""
    with victim.store() as store:
        skipped: list[Skipped] = []
        store.subscribe(Skipped, skipped.append)
        errors = use(store, victim.scratch)
    assert set(errors) == set(VERBS) - TELLING
    for verb, error in errors.items():
        assert isinstance(error, UntrustedProjectError), (verb, error)
        assert word in error.message, (verb, error)
        assert "padre-git --root NEW clone" in (error.hint or "")
        assert "git config --global --add padre.trusted" in (error.hint or "")
    assert {type(event.error) for event in skipped} == {UntrustedProjectError}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_could_run_a_program_or_lead_elsewhere(
    victim: Victim, canary: Canary, key: str
) -> None:
    name = filled(key, victim, canary)
    git("config", name, filled(KEYS[key], victim, canary), cwd=victim.clone)
    word = name.rpartition(".")[2].lower()
    refused_by_every_verb(victim, "'" if len(name) > 50 else word)


@pytest.mark.parametrize("name", [*HOOKS, "of-a-later-git"])
def test_a_hook_of_any_name(victim: Victim, canary: Canary, name: str) -> None:
    hooks = victim.clone / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    shutil.copy(canary.program, hooks / name)
    refused_by_every_verb(victim, f"the hook '{name}'")


WRITTEN = {
    "on one line": "[core] fsmonitor = {canary}\n",
    "going on": "[core]\n\tfsmonitor = \\\n{canary}\n",
    "in capitals": "[CORE]\n\tFSMONITOR={canary}\n",
    "after a comment": "[core] # odd\n;\n\tfsmonitor = {canary}\n",
    "in quotes": '[core]\n\tfsmonitor = "{canary}"\n',
    "with a dot": "[filter.odd]\n\tclean = {canary}\n",
    "quoted section": '[filter "a\\"b]"]\n\tclean = {canary}\n',
    "behind a mark of bytes": "\ufeff[core]\n\tfsmonitor = {canary}\n",
    "with a value in pieces": '[remote "origin"]\n\turl = e"xt::"{canary}\n',
    "with carriage returns": "[core]\r\n\tfsmonitor = {canary}\r\n",
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_configuration_that_was_written_by_hand(victim: Victim, canary: Canary, how: str) -> None:
    config = victim.clone / ".git" / "config"
    text = filled(WRITTEN[how].replace("{canary}", str(canary.program)), victim, canary)
    config.write_bytes(text.encode() + config.read_bytes())
    listed = git("config", "--file", config, "--list", cwd=victim.scratch)
    assert str(canary.program) in listed  # git understands it, too
    refused_by_every_verb(victim, "can run a program")


def test_the_configuration_of_one_work_tree_counts_too(victim: Victim, canary: Canary) -> None:
    git("config", "extensions.worktreeConfig", "true", cwd=victim.clone)
    git("config", "--worktree", "core.fsmonitor", canary.program, cwd=victim.clone)
    refused_by_every_verb(victim, "config.worktree")


def linked_to(victim: Victim) -> Path:
    """Returns what the clone keeps of a linked work tree, which goes wherever the clone goes."""
    place = victim.clone.parent / "linked"
    git("checkout", "-q", "-b", "other", cwd=victim.clone)
    git("worktree", "add", "-q", place, "main", cwd=victim.clone)
    kept = victim.clone / ".git" / "worktrees" / "linked"
    (kept / "gitdir").write_text("../../../../linked/.git\n")
    (place / ".git").write_text("gitdir: ../iris/.git/worktrees/linked\n")
    git("update-index", "--index-version", "4", cwd=place)  # only git itself can change it
    (victim.clone / ".git" / "info" / "attributes").write_text("* filter=odd\n")
    return kept


def test_the_configuration_of_a_linked_work_tree_counts_too(victim: Victim, canary: Canary) -> None:
    kept = linked_to(victim)
    git("config", "extensions.worktreeConfig", "true", cwd=victim.clone)
    git("config", "--file", kept / "config.worktree", "filter.odd.smudge", canary.program, cwd=kept)
    refused_by_every_verb(victim, "config.worktree")


@pytest.mark.parametrize("how", ["of another", "of its own"])
def test_a_linked_work_tree_of_another_repository(victim: Victim, canary: Canary, how: str) -> None:
    kept = linked_to(victim)
    other = kept if how == "of its own" else victim.clone.parent / "other"
    shutil.copytree(victim.clone / ".git" / "objects", other / "objects")
    shutil.copytree(victim.clone / ".git" / "refs", other / "refs", dirs_exist_ok=True)
    shutil.copytree(victim.clone / ".git" / "info", other / "info", dirs_exist_ok=True)
    shutil.copy(victim.clone / ".git" / "config", other / "config")
    git("config", "--file", other / "config", "filter.odd.smudge", canary.program, cwd=kept)
    (kept / "commondir").write_text("../../../../other\n")
    if how == "of its own":
        (kept / "commondir").unlink()
    else:
        (other / "HEAD").write_text("ref: refs/heads/main\n")
    refused_by_every_verb(victim, "work tree of another repository")


def test_a_linked_work_tree_is_no_danger(victim: Victim, canary: Canary) -> None:
    linked_to(victim)
    with victim.store() as store:
        store.runs.note(f"iris/svm/{RUN}", "hello")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_repository_that_leads_elsewhere_or_never_ends(
    victim: Victim, canary: Canary, layout: str
) -> None:
    LAYOUTS[layout](victim.clone / ".git", canary)
    refused_by_every_verb(victim, "is not opened")


def test_what_plain_git_would_do_there(victim: Victim, canary: Canary) -> None:
    """The traps are real: the first word of git in such a clone springs them."""
    git("config", "core.fsmonitor", canary.program, cwd=victim.clone)
    git("status", cwd=victim.clone, check=False)
    assert canary.is_dead
    canary.mark.unlink()


def test_a_link_work_tree_that_does_not_point_back_is_not_written(
    victim: Victim, canary: Canary
) -> None:
    linked = victim.clone / ".git" / "worktrees" / "evil"
    linked.mkdir(parents=True)
    (canary.outside / ".git").mkdir()
    canary.expect_this()
    (linked / "gitdir").write_text(f"{canary.outside}/.git\n")
    (linked / "HEAD").write_text("ref: refs/heads/main\n")
    (linked / "commondir").write_text("../..\n")
    shutil.copy(victim.clone / ".git" / "index", linked / "index")
    with victim.store() as store:
        store.runs.note(f"iris/svm/{RUN}", "hello")
        assert use(store, victim.scratch).keys() <= {
            "models.load",
            "restore",
            "rename",
            "delete here",
        }


HARMLESS = {
    "core.autocrlf": "input",
    "core.fsmonitor": "true",
    "user.email": "ada@example.org",
    "user.signingKey": "ABCD",
    "remote.origin.prune": "true",
    "remote.upstream.url": "git@example.org:lab/iris.git",
    "branch.main.vscode-merge-base": "origin/main",
    "pull.rebase": "true",
    "gitflow.branch.master": "main",
    "lfs.repositoryformatversion": "0",
    "lfs.https://example.org/lab/iris.git/info/lfs.access": "basic",
    "gui.geometry": "1x1",
    "gc.auto": "1",
}


@pytest.mark.parametrize("key", HARMLESS)
def test_what_people_set_in_their_own_clones_stays_possible(
    victim: Victim, canary: Canary, key: str
) -> None:
    git("config", key, HARMLESS[key], cwd=victim.clone)
    with victim.store() as store:
        assert store.runs.get(f"iris/svm/{RUN}").metrics == {"accuracy": 0.9}
        assert len(store.log("iris")) > 1


def test_a_clone_that_was_made_with_plain_git_needs_no_word(victim: Victim, canary: Canary) -> None:
    shutil.rmtree(victim.clone)
    git("clone", "-q", victim.lab / "iris.git", victim.clone, cwd=victim.root)
    with victim.store() as store:
        assert use(store, victim.scratch).keys() <= {
            "models.load",
            "restore",
            "rename",
            "delete here",
        }


def test_the_owner_of_a_clone_can_trust_it(victim: Victim, canary: Canary) -> None:
    git("config", "core.pager", "less", cwd=victim.clone)
    with victim.store() as store, pytest.raises(UntrustedProjectError) as caught:
        store.projects.get("iris")
    command = (caught.value.hint or "").rpartition("your own doing: ")[2]
    git(*shlex.split(command)[1:], cwd=victim.scratch)
    with victim.store() as store:
        assert store.projects.get("iris").name == "iris"


@pytest.mark.parametrize("named", ["*", "{root}", "{root}/iris/.git", "{root}/other"])
def test_trust_is_for_one_directory(victim: Victim, canary: Canary, named: str) -> None:
    git("config", "core.pager", "less", cwd=victim.clone)
    value = named.format(root=victim.root)
    git("config", "--global", "--add", "padre.trusted", value, cwd=victim.scratch)
    with victim.store() as store, pytest.raises(UntrustedProjectError):
        store.projects.get("iris")


def test_a_clone_cannot_trust_itself(victim: Victim, canary: Canary) -> None:
    git("config", "core.fsmonitor", canary.program, cwd=victim.clone)
    git("config", "padre.trusted", victim.clone, cwd=victim.clone)
    refused_by_every_verb(victim, "fsmonitor")


def test_one_letter_that_a_disk_has_changed_is_damage_and_no_attack(
    victim: Victim, canary: Canary
) -> None:
    config = victim.clone / ".git" / "config"
    whole = config.read_bytes()
    opened = 0
    for place in range(0, len(whole), 7):
        config.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with suppress(UntrustedProjectError):
            check_clone(victim.clone)
            opened += 1
    assert opened > 0.9 * len(range(0, len(whole), 7))


def test_no_key_that_runs_something_is_one_letter_away_from_a_harmless_one(
    victim: Victim, canary: Canary
) -> None:
    for key in KEYS:
        name = filled(key, victim, canary)
        section, _, option = name.lower().rpartition(".")
        head, _, sub = section.partition(".")
        text = f'[{head} "{sub}"]' if sub else f"[{head}]"
        value = filled(KEYS[key], victim, canary)
        for place in range(len(option)):
            near = f"{text}\n\t{option[:place]}x{option[place + 1 :]} = {value}\n"
            assert running_key(near.encode(), victim.clone / ".git") or key.endswith("url")


def test_a_clone_of_another_user_is_opened_where_git_would_open_it(
    victim: Victim, canary: Canary
) -> None:
    needs_root()
    for path in (victim.clone, *victim.clone.rglob("*")):
        os.chown(path, 65534, -1, follow_symlinks=False)
    with victim.store() as store, pytest.raises(UntrustedProjectError, match="another user") as e:
        store.projects.get("iris")
    copy_project(victim.clone, root=victim.scratch / "own")
    command = (e.value.hint or "").rpartition("your own doing: ")[2]
    assert "safe.directory" in command
    git(*shlex.split(command)[1:], cwd=victim.scratch)
    with victim.store() as store:
        assert store.projects.get("iris").name == "iris"
    git("config", "core.fsmonitor", canary.program, cwd=victim.clone)
    refused_by_every_verb(victim, "fsmonitor")


def test_what_is_there_for_a_moment_or_is_git_s_own_socket_is_no_danger(
    victim: Victim, canary: Canary, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(victim.clone / ".git")
        try:
            listening.bind("fsmonitor--daemon.ipc")
        finally:
            os.chdir(tmp_path)
        check_clone(victim.clone)


SPOOL = "padre/spool/r-20261121t101500-k3v9x2m7q4ab"


@pytest.mark.parametrize(
    "name", [SPOOL, "padre/spool", "padre/spare", f"{SPOOL}/events", f"{SPOOL}/owner"]
)
@pytest.mark.parametrize("how", [link_to, pipe_at])
def test_a_spool_that_leads_elsewhere_is_not_read_recorded_or_removed(
    victim: Victim,
    canary: Canary,
    in_time: None,
    name: str,
    how: Callable[[str], Callable[[Path, Canary], None]],
) -> None:
    (canary.outside / "deep" / "r-20261121t101500-k3v9x2m7q4ab").mkdir()
    for path in (canary.outside / "deep").rglob("*"):
        os.utime(path, (1, 1))
    canary.expect_this()
    place = victim.clone / ".git" / name
    if place.is_dir():
        shutil.rmtree(place)
    how(name)(victim.clone / ".git", canary)
    with victim.store() as store:
        assert store.reconcile("iris") == []
        assert store.reconcile() == []
    refused_by_every_verb(victim, "is not opened")


@pytest.mark.parametrize("name", [".padre", ".padre/spool", ".padre/spool/iris"])
def test_spools_beside_the_clones_that_lead_elsewhere_are_left_alone(
    victim: Victim, canary: Canary, name: str
) -> None:
    for above in ("spool/iris", "iris", "."):
        (canary.outside / "deep" / above / Path(SPOOL).name).mkdir(parents=True)
    for path in (canary.outside / "deep").rglob("*"):
        os.utime(path, (1, 1))
    canary.expect_this()
    place = victim.root / name
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(canary.outside / "deep")
    with victim.store() as store:
        assert store.reconcile("iris") == []
        assert store.reconcile() == []
