"""Two people and a remote in trouble: nothing is lost or comes twice, and a person is told."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from pathlib import Path

import pytest

from padre_git.backends.policy import Policy
from padre_git.errors import (
    BranchMissingError,
    ConflictError,
    RejectedError,
    RemoteError,
    RemoteRewrittenError,
    RemoteUnavailableError,
)
from padre_git.messages import Notice, Pushed
from padre_git.model import Kind
from padre_git.testing.documents import EXPERIMENT, IRIS, put, run_key, store
from padre_git.vcs.leftovers import receiving
from tests.backends.dual_stores import Lab
from tests.conftest import git
from tests.faults.disks import small_disk

RUN = run_key(1)


def hook(lab: Lab, name: str, script: str) -> Path:
    path = lab.bare() / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def commands(error: RemoteRewrittenError) -> list[list[str]]:
    """Returns the commands that a hint shows, as somebody would type them."""
    lines = [line.strip() for line in str(error.hint).splitlines() if "git -C" in line]
    return [shlex.split(line.partition("   (")[0]) for line in lines]


def erase_last(lab: Lab, count: int) -> None:
    """Rewrites the remote's history: its last commits go and another one comes instead."""
    work = lab.directory / "admin"
    git("clone", "-q", "-b", "main", lab.bare(), work, cwd=lab.directory)
    git("reset", "-q", "--hard", f"HEAD~{count}", cwd=work)
    (work / "README.md").write_text("we had to erase something\n")
    git("add", "README.md", cwd=work)
    git("commit", "-qm", "erase", cwd=work)
    git("push", "-q", "--force", "origin", "main", cwd=work)


# -- lost answers ------------------------------------------------------------------------------


def test_a_push_that_landed_and_was_built_upon_is_known_to_have_landed(
    lab: Lab, tmp_path: Path
) -> None:
    ada, ben = lab.store("ada"), lab.store("ben")
    store(ada, IRIS, EXPERIMENT)
    ben.pull("iris")
    # the answer is lost after somebody else has fetched and pushed on top of what landed
    clone = lab.clone("ben")
    hook(
        lab,
        "post-receive",
        f"rm -f hooks/post-receive; unset GIT_DIR GIT_QUARANTINE_PATH; cd {clone} &&"
        " git pull -q && echo flowers > README.md && git add README.md &&"
        " git commit -qm readme && git push -q; kill -9 $PPID",
    )
    lab.events.clear()
    put(ada, RUN)
    assert git("log", "--format=%s", "-1", cwd=lab.bare()).strip() == "readme"
    assert git("log", "--format=%s", cwd=lab.bare()).splitlines().count("put run r-1") <= 1
    assert git("rev-parse", "main", cwd=lab.clone("ada")).strip() == lab.head()
    assert [event.commits for event in lab.heard(Pushed)] == [1]
    assert git("rev-list", "--merges", "--count", "main", cwd=lab.bare()) == "0\n"


def test_a_push_that_was_cut_before_it_landed_is_made_again(lab: Lab) -> None:
    ada = lab.store("ada", max_age=3600)
    store(ada, IRIS, EXPERIMENT)
    before = lab.head()
    killer = hook(lab, "pre-receive", "kill -9 $PPID")
    put(ada, RUN)  # the remote went away; the commit stands
    assert lab.head() == before
    assert any("offline" in notice.text for notice in lab.heard(Notice))
    with pytest.raises(RemoteUnavailableError):
        ada.push("iris")
    killer.unlink()
    ada.sync("iris")
    assert RUN in lab.store("ben").read([RUN])


# -- refused pushes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("pre-receive", r'printf "\033]0;title\007\033[31mnot\033[0m on\b Fridays\n" >&2; exit 1'),
        ("update", r'printf "\233 31mnot\t on Fridays\n" >&2; exit 1'),
    ],
)
def test_a_hook_that_declines_is_quoted_in_words_only(lab: Lab, name: str, script: str) -> None:
    ada = lab.store("ada")
    store(ada, IRIS)
    hook(lab, name, script)
    with pytest.raises(RejectedError) as caught:
        put(ada, EXPERIMENT)
    assert caught.value.message.isprintable()
    assert "on Fridays" in " ".join(caught.value.message.split())
    assert "title" not in caught.value.message
    assert EXPERIMENT in ada.read([EXPERIMENT])


def test_a_talkative_hook_is_cut_short(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS)
    hook(lab, "pre-receive", "yes 'no no no' | head -c 3000000 >&2; echo last words >&2; exit 1")
    with pytest.raises(RejectedError) as caught:
        put(ada, EXPERIMENT)
    assert len(str(caught.value)) < 3000


def test_a_remote_with_the_branch_checked_out_refuses(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS)
    git("clone", "-q", "-b", "main", lab.bare(), "seat", cwd=lab.directory)
    lab.bare().rename(lab.remote / "old.git")
    (lab.directory / "seat").rename(lab.bare())
    with pytest.raises(RejectedError, match="checked out"):
        put(ada, EXPERIMENT)
    (lab.remote / "old.git").rename(lab.directory / "old.git")


def test_a_branch_whose_lock_stays_is_no_race_and_is_told(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS)
    (lab.bare() / "refs/heads/main.lock").touch()
    with pytest.raises(RejectedError, match=r"main\.lock"):
        put(ada, EXPERIMENT)
    (lab.bare() / "refs/heads/main.lock").unlink()
    ada.sync("iris")


def test_a_server_without_room_refuses_and_nothing_is_lost(lab: Lab) -> None:
    lab.remote.rmdir()
    with small_disk(lab.remote, "size=300k"):
        ada = lab.store("ada", policy=Policy.MANUAL)
        store(ada, IRIS, EXPERIMENT)
        ada.push("iris")
        big = lab.clone("ada") / "notes.bin"
        big.write_bytes(bytes(range(256)) * 20)
        git("add", "notes.bin", cwd=lab.clone("ada"))
        git("commit", "-qm", "small", cwd=lab.clone("ada"))
        big.write_bytes(os.urandom(2_000_000))
        git("commit", "-qam", "large", cwd=lab.clone("ada"))
        with pytest.raises(RemoteError, match=r"(?i)no space left|file too large"):
            ada.push("iris")
        git("reset", "-q", "--hard", "HEAD~1", cwd=lab.clone("ada"))
        ada.push("iris")
        assert lab.head() == git("rev-parse", "main", cwd=lab.clone("ada")).strip()
        assert not list(lab.bare().glob("objects/*incoming*"))
        lab.close()


# -- a remote that lost what it had ------------------------------------------------------------


def test_what_a_restored_backup_lacks_is_told_and_published_again(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    old = lab.head()
    put(ada, RUN)
    git("update-ref", "refs/heads/main", old, cwd=lab.bare())
    lab.events.clear()
    ada.pull("iris")
    ada.pull("iris")
    told = [notice.text for notice in lab.heard(Notice)]
    assert len(told) == 1
    assert "older state" in told[0]
    ada.sync("iris")
    assert RUN in lab.store("ben").read([RUN])


def test_an_old_answer_that_comes_late_is_no_loss(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    old = lab.head()
    put(ada, RUN)
    # as a fetch leaves it that asked before the push and wrote after it
    git("update-ref", "refs/remotes/origin/main", old, cwd=lab.clone("ada"))
    lab.events.clear()
    manual = lab.store("ada", policy=Policy.MANUAL)
    manual.push("iris")
    put(ada, run_key(2))
    assert lab.heard(Notice) == []
    assert git("rev-parse", "main", cwd=lab.clone("ada")).strip() == lab.head()


def test_a_rewritten_remote_is_asked_about_and_nothing_moves(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben", max_age=3600)
    store(ada, IRIS, EXPERIMENT)
    put(ada, RUN)
    ben.pull("iris")
    put(ben, run_key(2))
    ada.sync("iris")
    erase_last(lab, 2)
    erased, tip = lab.head(), git("rev-parse", "main", cwd=lab.clone("ben")).strip()
    put(ben, run_key(3))  # the commit stands, and a person is told
    assert any("rewritten" in notice.text for notice in lab.heard(Notice))
    for verb in (ben.push, ben.pull, ben.sync):
        with pytest.raises(RemoteRewrittenError, match="rewritten") as caught:
            verb("iris")
    assert isinstance(caught.value, ConflictError)
    assert lab.head() == erased
    assert "replaced" in str(ben.status("iris").problem)
    kept = f"kept-before-{erased[:10]}"
    assert kept in caught.value.message
    mine = git("rev-parse", "main", cwd=lab.clone("ben")).strip()
    assert git("rev-parse", kept, cwd=lab.clone("ben")).strip() == mine
    assert git("rev-parse", "main~1", cwd=lab.clone("ben")).strip() == tip
    assert set(ben.read([RUN, run_key(2), run_key(3)])) == {RUN, run_key(2), run_key(3)}
    assert git("status", "--porcelain", cwd=lab.clone("ben")) == ""


def test_the_first_advice_follows_the_remote_with_our_own_work_on_top(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    put(ada, RUN)
    erase_last(lab, 1)
    mine = lab.store("ada", policy=Policy.MANUAL)
    put(mine, run_key(2))
    with pytest.raises(RemoteRewrittenError) as caught:
        mine.sync("iris")
    subprocess.run(commands(caught.value)[0], check=True, capture_output=True)
    mine.sync("iris")
    assert set(lab.store("ben").scan(EXPERIMENT)) == {run_key(2)}
    assert set(mine.scan(EXPERIMENT)) == {run_key(2)}
    put(ada, run_key(3))
    assert git("status", "--porcelain", cwd=lab.clone("ada")) == ""


def test_the_second_advice_brings_the_old_history_back(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    put(ada, RUN)
    erase_last(lab, 1)
    with pytest.raises(RemoteRewrittenError) as caught:
        ada.sync("iris")
    command = commands(caught.value)[1]
    subprocess.run([*command, "--no-edit"], check=True, capture_output=True)
    ada.sync("iris")
    assert RUN in lab.store("ben").read([RUN])
    assert (lab.clone("ada") / "README.md").exists()


def test_the_users_own_fetch_of_a_rewritten_remote_changes_nothing(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    put(ada, RUN)
    erase_last(lab, 1)
    head = lab.head()
    git("fetch", "-q", "origin", cwd=lab.clone("ada"))
    with pytest.raises(RemoteRewrittenError):
        ada.sync("iris")
    assert lab.head() == head


def test_another_project_in_the_old_ones_place_is_not_merged(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben")
    store(ada, IRIS, EXPERIMENT, RUN)
    ben.pull("iris")
    ben.close()
    lab.bare().rename(lab.directory / "before.git")
    cleo = lab.store("cleo")
    store(cleo, IRIS)
    put(cleo, IRIS.experiment("other"))
    lab.events.clear()
    put(ben, run_key(2))
    with pytest.raises(RemoteRewrittenError, match="replaced by another one"):
        ben.sync("iris")
    assert set(ben.scan(IRIS, kind=Kind.EXPERIMENT)) == {EXPERIMENT}
    assert set(ben.read([RUN, run_key(2)])) == {RUN, run_key(2)}
    assert set(lab.store("dora").scan(IRIS)) == {IRIS.experiment("other")}


def test_a_person_who_rewinds_and_forces_is_not_asked_about_it(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    put(ada, RUN)
    clone = lab.clone("ada")
    git("reset", "-q", "--hard", "HEAD~1", cwd=clone)
    git("push", "-q", "--force", "origin", "main", cwd=clone)
    lab.events.clear()
    ada.sync("iris")
    put(ada, run_key(2))
    assert not [notice for notice in lab.heard(Notice) if "older" in notice.text]
    assert set(lab.store("ben").scan(EXPERIMENT)) == {run_key(2)}


# -- branches ----------------------------------------------------------------------------------


def test_a_repository_with_other_branches_names_them(lab: Lab) -> None:
    admin = lab.directory / "admin"
    git("init", "-q", "-b", "trunk", admin, cwd=lab.directory)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=admin)
    git("branch", "old", cwd=admin)
    git("clone", "-q", "--bare", admin, lab.bare(), cwd=lab.directory)
    ada = lab.store("ada")
    with pytest.raises(
        BranchMissingError, match="no branch 'main'; it has 'old', 'trunk'"
    ) as caught:
        ada.pull("iris")
    assert "branch=" in str(caught.value.hint)
    assert ada.read([IRIS]) == {}
    assert [path.name for path in (lab.directory / "ada").glob("*")] == []


def test_a_renamed_branch_is_named_to_those_who_knew_it(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    git("branch", "-m", "main", "trunk", cwd=lab.bare())
    with pytest.raises(BranchMissingError, match="it has 'trunk'"):
        ada.sync("iris")
    put_again = lab.store("ada", policy=Policy.MANUAL)
    put(put_again, RUN)
    git("branch", "-m", "trunk", "main", cwd=lab.bare())
    ada.sync("iris")
    assert RUN in lab.store("ben").read([RUN])


def test_a_head_that_names_no_branch_does_not_matter(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    git("symbolic-ref", "HEAD", "refs/heads/gone", cwd=lab.bare())
    ben = lab.store("ben")
    assert EXPERIMENT in ben.read([EXPERIMENT])
    assert git("symbolic-ref", "HEAD", cwd=lab.clone("ben")) == "refs/heads/main\n"


def test_an_empty_repository_is_filled_and_is_nothing_before(lab: Lab) -> None:
    git("init", "-q", "--bare", lab.bare(), cwd=lab.directory)
    ada, ben = lab.store("ada"), lab.store("ben")
    assert ben.read([IRIS]) == {}
    store(ada, IRIS, EXPERIMENT)
    assert EXPERIMENT in ben.read([EXPERIMENT])


# -- leftovers ---------------------------------------------------------------------------------


def test_half_a_clone_is_no_project_and_goes_with_the_next_clone(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    root = lab.directory / "ben"
    half = root / ".iris.0123456789ab.padre-git"
    (half / ".git").mkdir(parents=True)
    os.utime(half, (1, 1))
    young = root / "..iris.0123456789ab.padre-git.0123456789ab.padre-git"
    young.mkdir()
    somebodys = root / ".notes.0123456789ab"
    somebodys.mkdir()
    os.utime(somebodys, (1, 1))
    ben = lab.store("ben")
    assert list(ben.elsewhere()) == [IRIS]
    ben.pull("iris")
    assert sorted(path.name for path in root.iterdir()) == sorted(
        [young.name, somebodys.name, "iris"]
    )


def test_a_fetch_gets_over_an_old_lock_and_names_a_young_one(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben")
    store(ada, IRIS, EXPERIMENT)
    ben.pull("iris")
    put(ada, RUN)
    lock = lab.clone("ben") / ".git/refs/remotes/origin/main.lock"
    lock.touch()
    with pytest.raises(Exception, match=r"main\.lock"):
        ben.pull("iris")
    os.utime(lock, (1, 1))
    ben.pull("iris")
    assert RUN in lab.store("ben", policy=Policy.MANUAL).read([RUN])


def test_half_packs_of_killed_transfers_go_when_they_are_old(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    packs = lab.clone("ada") / ".git/objects/pack"
    for name in ("tmp_pack_aB3xYz", "tmp_idx_aB3xYz"):
        (packs / name).write_bytes(b"half")
    os.utime(packs / "tmp_pack_aB3xYz", (1, 1))
    ada.pull("iris")
    assert [path.name for path in packs.glob("tmp_*")] == ["tmp_idx_aB3xYz"]


def test_a_pack_that_somebody_is_about_to_name_is_left_to_them(lab: Lab) -> None:
    packs = lab.directory / "objects" / "pack"
    packs.mkdir(parents=True)
    complete, half = packs / "tmp_idx_aB3xYz", packs / "tmp_pack_aB3xYz"
    named = packs / "pack-1.idx"
    naming = threading.Timer(0.1, complete.replace, [named])
    with receiving(lab.directory):
        complete.write_bytes(b"whole")
        half.write_bytes(b"half")
        naming.start()
    naming.join()
    assert [path.name for path in packs.iterdir()] == [named.name]
