"""Addresses and settings of others: no helper, option, variable or command hides in one."""

from __future__ import annotations

import pytest

import padre_git
from padre_git import InvalidInputError, PadreGitError
from padre_git.api.opening import open_store
from tests.conftest import git
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.hostile.verbs import RUN, use

ADDRESSES = [
    "ext::{canary}", "ext::sh -c {canary}", "fd::17", "transport::x", "--upload-pack={canary}",
    "-u{canary}", "ssh://-oProxyCommand={canary}/x", "-oProxyCommand={canary}:x",
    "git@-oProxyCommand=x:y", "ssh://x@-oProxyCommand=x/y", "git@host:-x",
    "https://user:password@127.0.0.1:{port}/x", "http://127.0.0.1:{port}/x?token=1",
    "http://127.0.0.1:{port}/x\nhost=example.org", "http://127.0.0.1:{port}/\r\nX: y",
    "file://other{outside}", "gopher://127.0.0.1:{port}/x",
    "http://127.0.0.1:{port}/$HOME", "\x1b[31mx", "{outside}/{{project}}/{{project}}", "",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_git_must_not_be_given(
    victim: Victim, canary: Canary, address: str
) -> None:
    text = address.format(canary=canary.program, outside=canary.outside, port=canary.port)
    if text.endswith("$HOME"):  # sent as it stands: git expands nothing, and nothing is sent here
        with open_store(victim.scratch / "new", remote=text, policy="offline") as store:
            assert store.remote == text
        return
    with pytest.raises(InvalidInputError) as caught:
        padre_git.open(victim.scratch / "new", remote=text)
    assert "password" not in str(caught.value).replace("user name or password", "")
    assert not any(ord(c) < 32 and c != "\n" for c in str(caught.value))
    assert not (victim.scratch / "new").exists()


@pytest.mark.parametrize("address", ["ext::{canary}", "--upload-pack={canary}", "http://x:y@z/"])
def test_the_settings_of_a_root_that_was_handed_over_cannot_say_it_either(
    victim: Victim, canary: Canary, address: str
) -> None:
    text = address.format(canary=canary.program)
    (victim.root / "padre-git.yaml").write_text(f"schema: store/1\n\nremote: {text!r}\n")
    with pytest.raises(PadreGitError):
        victim.store()


@pytest.mark.parametrize("state", ["--output={canary}", "-rf", "--all", "HEAD\n", "^HEAD", "a..b",
                                   "refs/heads/main:project.yaml", "x\0y", "\x1b[31m"])  # fmt: skip
def test_a_state_that_looks_like_an_option_is_none(
    victim: Victim, canary: Canary, state: str
) -> None:
    text = state.format(canary=canary.outside / "new")
    with victim.store() as store:
        for ask in (store.projects.get, store.runs.list):
            with pytest.raises(PadreGitError) as caught:
                ask("iris" if ask == store.projects.get else "iris/svm", at=text)
            assert not any(ord(c) < 32 and c != "\n" for c in str(caught.value))


@pytest.mark.parametrize("branch", ["-rf", "--upload-pack=x", "../x", "x..y", "HEAD", "x\ny", "@"])
def test_a_branch_that_git_must_not_be_given(victim: Victim, canary: Canary, branch: str) -> None:
    with pytest.raises(InvalidInputError):
        open_store(victim.root, branch=branch, policy="manual")


REMOTES = {
    "a program for the password": "bearer_token_command = {canary}\n    url = webdav://127.0.0.1:{port}/",
    "settings of aws": "url = s3://x\n    configpath = {outside}/precious",
    "credentials of aws": "url = s3://x\n    credentialpath = {outside}/precious",
    "a key": "url = ssh://127.0.0.1:{port}/x\n    keyfile = {outside}/precious",
}


@pytest.mark.parametrize("file", ["config", "config.local"])
@pytest.mark.parametrize("what", REMOTES)
def test_what_the_data_remote_of_a_handed_over_clone_says_is_not_followed(
    victim: Victim, canary: Canary, file: str, what: str
) -> None:
    text = REMOTES[what].format(canary=canary.program, port=canary.port, outside=canary.outside)
    place = victim.clone / ".dvc" / file
    place.write_text(f"[core]\n    remote = lab\n['remote \"lab\"']\n    {text}\n")
    for directory in (victim.clone / ".git" / "padre" / "cache").glob("*"):
        directory.rename(victim.scratch / directory.name)  # so that data has to be fetched
    with victim.store() as store:
        use(store, victim.scratch)


@pytest.mark.parametrize("where", ["$HOME/x", "~/x", "~root/x", "%(core.remote)s/x"])
def test_variables_in_the_settings_of_a_project_are_not_taken_for_this_machines(
    victim: Victim, canary: Canary, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(canary.outside))
    git(
        "config", "--file", victim.clone / ".dvc" / "config", "core.remote", "lab", cwd=victim.clone
    )
    (victim.clone / ".dvc" / "config").write_text(
        f"[core]\n    remote = lab\n['remote \"lab\"']\n    url = {where}\n"
    )
    with victim.store() as store:
        store.artifacts.put(f"iris/svm/{RUN}", victim.lab / "iris.git" / "HEAD")
        use(store, victim.scratch)


def test_where_the_cache_is_is_not_for_the_project_to_say(victim: Victim, canary: Canary) -> None:
    (victim.clone / ".dvc" / "config.local").write_text(
        f"[cache]\n    dir = {canary.outside}\n[core]\n    site_cache_dir = {canary.outside}\n"
    )
    with victim.store() as store:
        store.artifacts.put(f"iris/svm/{RUN}", victim.lab / "iris.git" / "HEAD")
        use(store, victim.scratch)
