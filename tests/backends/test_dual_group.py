"""A group's directory: two real users push to each other's repositories and read them."""

from __future__ import annotations

import contextlib
import grp
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.errors import AlreadyExistsError, InvalidInputError
from padre_git.vcs.sharing import Sharing, consenting, make_base
from tests.conftest import git
from tests.servers.processes import needs, needs_root, workshop

ADA, BEN, EVE = 43210, 43211, 43212
GROUP = next(found for found in grp.getgrall() if found.gr_name in ("users", "games"))


@pytest.fixture
def users() -> None:
    """Makes sure that a test can be other users."""
    needs_root()
    needs("setpriv")


@pytest.fixture
def place() -> Iterator[Path]:
    """Is a folder that every user may pass through; those of pytest are closed."""
    with contextlib.ExitStack() as ends:
        yield workshop(ends)


def as_user(uid: int, home: Path, script: str, *, groups: str = str(GROUP.gr_gid)) -> str:
    """Runs Python as a user who may read what root may, and write what the user may."""
    home.mkdir(exist_ok=True)
    os.chown(home, uid, uid)
    name = {ADA: "ada", BEN: "ben", EVE: "eve"}[uid]
    (home / "gitconfig").write_text(f"[user]\n\tname = {name}\n\temail = {name}@example.org\n")
    program = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--groups", groups]
    program += ["--inh-caps", "-all,+dac_read_search", "--ambient-caps", "+dac_read_search"]
    done = subprocess.run(
        [*program, sys.executable, "-c", textwrap.dedent(script)],
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        umask=0o077,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


PUTS = """
    import padre_git
    with padre_git.open("store", remote=REMOTE, max_age=0) as store:
        with store.start_run("iris/svm") as run:
            run.log_metrics({"accuracy": 0.9})
            open("model.bin", "wb").write(b"DATA" * 1000)
            run.log_artifact("model.bin")
        store.flush()
        print(store.status("iris").state, *[r.experiment for r in store.runs.list()])
"""
READS = """
    import padre_git
    with padre_git.open("store", remote=REMOTE, max_age=0) as store:
        print(*[p.name for p in store.projects.list()])
        for run in store.runs.list("iris/svm"):
            print(store.artifacts.get(run.key, "model.bin").read_bytes()[:3].decode())
"""


@pytest.mark.usefixtures("users")
def test_two_users_of_a_group_push_and_read_and_a_third_cannot(place: Path) -> None:
    base = place / "lab"
    assert make_base(base, Sharing.GROUP, group=GROUP.gr_name) == GROUP.gr_name
    puts, reads = (text.replace("REMOTE", repr(str(base))) for text in (PUTS, READS))
    first = as_user(ADA, place / "ada", puts.replace("DATA", "ada"))
    assert first.startswith("published")
    second = as_user(BEN, place / "ben", puts.replace("DATA", "ben"))
    assert second.startswith("published")
    assert sorted(as_user(ADA, place / "ada", reads).split()) == ["ada", "ben", "iris"]
    assert sorted(as_user(BEN, place / "ben2", reads).split()) == ["ada", "ben", "iris"]
    config = git("config", "--file", base / "iris.git/config", "core.sharedRepository", cwd=place)
    assert config.strip() in ("1", "group")
    for path in (base, *base.rglob("*")):
        found = path.stat()
        assert found.st_gid == GROUP.gr_gid, path
        assert found.st_mode & stat.S_IRGRP, path
        if path.is_dir():
            assert not found.st_mode & 0o007, path
            assert found.st_mode & 0o2030 == 0o2030, path


@pytest.mark.usefixtures("users")
def test_who_is_not_in_the_group_is_told_so(place: Path) -> None:
    base = place / "lab"
    make_base(base, Sharing.GROUP, group=GROUP.gr_name)
    git("init", "-q", "--bare", "--shared=group", base / "iris.git", cwd=place)
    script = """
        from padre_git.vcs.transport import remote_tip
        from padre_git.errors import RemoteError
        try:
            remote_tip("URL", "main")
        except RemoteError as error:
            print(error)
    """.replace("URL", (base / "iris.git").as_uri())
    assert as_user(EVE, place / "eve", script, groups=str(EVE)), "an error"
    base.chmod(0o755)
    (base / "iris.git").chmod(0o755)
    words = as_user(EVE, place / "eve", script, groups=str(EVE))
    assert "dubious ownership" in words, "no group's base: git's own rule stays"


def test_git_is_told_of_nothing_but_anothers_repository_in_a_groups_base(tmp_path: Path) -> None:
    command = ["-c", "x=y", "fetch", "--", "origin"]
    for url in ("https://host/iris.git", (tmp_path / "none.git").as_uri(), ""):
        assert consenting(command, url) == command
    mine = tmp_path / "lab/iris.git"
    make_base(tmp_path / "lab", Sharing.GROUP)
    git("init", "-q", "--bare", "--shared=group", mine, cwd=tmp_path)
    assert consenting(command, mine.as_uri()) == command


@pytest.mark.usefixtures("users")
def test_a_directory_that_anybody_may_write_is_no_groups_base(tmp_path: Path) -> None:
    base = tmp_path / "our lab"
    make_base(base, Sharing.GROUP)
    git("init", "-q", "--bare", "--shared=group", base / "iris.git", cwd=tmp_path)
    os.chown(base / "iris.git", ADA, -1)
    url = (base / "iris.git").as_uri()
    told = consenting(["fetch", "--", "x"], url)
    assert told[0] == "fetch"
    assert told[1].startswith("--upload-pack=git -c 'safe.directory=")
    assert git("ls-remote", *told[1:2], url, cwd=tmp_path) == ""
    base.chmod(0o2777)
    assert consenting(["fetch", "--", "x"], url) == ["fetch", "--", "x"]


def test_making_a_base_twice_changes_nothing_and_one_in_use_is_left_alone(tmp_path: Path) -> None:
    base = tmp_path / "lab"
    make_base(base, Sharing.GROUP)
    make_base(base, Sharing.GROUP)
    assert stat.S_IMODE(base.stat().st_mode) == 0o2770
    (base / "iris.git").mkdir()
    make_base(base, Sharing.GROUP)
    with pytest.raises(AlreadyExistsError, match="holds something"):
        make_base(base, Sharing.PRIVATE)
    assert stat.S_IMODE(base.stat().st_mode) == 0o2770
    with pytest.raises(InvalidInputError, match="no group"):
        make_base(tmp_path / "other", Sharing.GROUP, group="nobody-has-this")
    make_base(tmp_path / "mine", Sharing.PRIVATE)
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o700
