"""Connections that are cut, reset, refused or lose their answer: both sides are old or new."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.errors import RemoteError, RemoteUnavailableError
from padre_git.vcs import Repository
from padre_git.vcs.transport import Outcome, fetch, push, remote_tip
from tests.conftest import git
from tests.servers import Server
from tests.servers.proxy import Proxy, Trouble
from tests.vcs.odd_hosts import SHORT, TRACKING, commit, new_clone, proxied

CUTS = [
    Trouble.REFUSE,
    Trouble.CUT,
    Trouble.CUT(up=600),
    Trouble.CUT(up=100_000),
    Trouble.CUT(down=300),
    Trouble.CUT(down=2_000),
    Trouble.CUT(down=100_000),
    Trouble.RESET(down=1_000),
    Trouble.RESET(up=50_000),
    Trouble.LOSE_REPLY(up=500),
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    made = new_clone(tmp_path / "clone")
    commit(made, "one", os.urandom(300_000))
    return made


@pytest.fixture(params=["nginx", "sshd"])
def troubled(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Proxy, str]]:
    """Gives a proxy before a server, and the address of a repository through it."""
    server: Server = request.getfixturevalue(request.param)
    server.create("iris")
    with Proxy(server.host, server.port) as proxy:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value.replace(f":{server.port}.", f":{proxy.port}."))
        command = server.environment.get("GIT_SSH_COMMAND")
        if command is not None:
            monkeypatch.setenv("GIT_SSH_COMMAND", f"{command} -o HostKeyAlias=lab")
        yield proxy, proxied(server.url("iris"), server.port, proxy.port)


@pytest.mark.parametrize("trouble", CUTS, ids=str)
def test_a_push_in_trouble_lands_whole_or_not_at_all_and_the_next_works(
    troubled: tuple[Proxy, str], trouble: Trouble, clone: Path
) -> None:
    proxy, url = troubled
    first = git("rev-parse", "HEAD", cwd=clone).strip()
    proxy.script(trouble)
    try:
        outcome = push(clone, url, first, "main", terms=SHORT)
    except RemoteUnavailableError:
        assert remote_tip(url, "main") is None, "what landed is known to have landed"
    else:
        assert outcome is Outcome.LANDED
    assert push(clone, url, first, "main") is Outcome.LANDED
    assert remote_tip(url, "main") == first
    assert git("fsck", "--strict", "--no-dangling", cwd=clone) == ""


@pytest.mark.parametrize("trouble", CUTS, ids=str)
def test_a_fetch_in_trouble_brings_all_or_nothing_and_the_next_works(
    troubled: tuple[Proxy, str], trouble: Trouble, clone: Path, tmp_path: Path
) -> None:
    proxy, url = troubled
    first = git("rev-parse", "HEAD", cwd=clone).strip()
    push(clone, url, first, "main")
    reader = new_clone(tmp_path / "reader")
    before = sorted(path.name for path in (reader / ".git").rglob("*"))
    proxy.trouble = trouble
    try:
        assert fetch(reader, url, "main", tracking=TRACKING, terms=SHORT) == first
    except RemoteUnavailableError:
        after = sorted(path.name for path in (reader / ".git").rglob("*"))
        assert [name for name in after if name not in before] == []
    proxy.trouble = Trouble.NONE
    assert fetch(reader, url, "main", tracking=TRACKING) == first
    assert git("fsck", "--strict", "--no-dangling", cwd=reader) == ""


@pytest.mark.parametrize("trouble", [Trouble.CUT(down=2_000), Trouble.CUT(down=200_000)], ids=str)
def test_a_clone_in_trouble_leaves_no_directory(
    troubled: tuple[Proxy, str], trouble: Trouble, clone: Path, tmp_path: Path
) -> None:
    proxy, url = troubled
    push(clone, url, git("rev-parse", "HEAD", cwd=clone).strip(), "main")
    root = tmp_path / "root"
    proxy.trouble = trouble
    with pytest.raises(RemoteError):
        Repository.clone(url, root / "iris", branch="main", terms=SHORT)
    assert list(root.iterdir()) == []
    proxy.trouble = Trouble.NONE
    with Repository.clone(url, root / "iris", branch="main") as made:
        assert made.tip() is not None
    assert git("status", "--porcelain", cwd=root / "iris") == ""
