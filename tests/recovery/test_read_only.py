"""Projects that may only be read: everything that reads works, and a write says so."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.processes import needs, needs_root, workshop

_READ = """
import json, sys, padre_git
root, place = sys.argv[1:]
with padre_git.open(root, policy="manual") as store:
    runs = store.runs.list()
    found = {
        "runs": len(runs),
        "history": len(store.experiments.history("iris/svm")),
        "log": len(store.log("iris")),
        "verify": [str(one) for one in store.verify("iris")],
    }
    for run in runs:
        for one in store.artifacts.list(run):
            found["data"] = store.artifacts.open(run, one.name).read().decode()
    try:
        with store.start_run("iris/svm") as run:
            run.log_metric("accuracy", 1.0)
    except (padre_git.PadreGitError, OSError) as error:
        found["error"] = f"{type(error).__name__}: {error}"
    for verb in (store.repair, store.maintain):
        try:
            verb("iris")
        except (padre_git.PadreGitError, OSError) as error:
            found[verb.__name__] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


@pytest.fixture
def shared(template: Path) -> Iterator[Path]:
    """A copy of the store where everybody may pass."""
    needs_root()
    needs("setpriv", "unshare")
    with contextlib.ExitStack() as ends:
        place = workshop(ends)
        shutil.copytree(template, place / "store", symlinks=True)
        _open_up(place)
        yield place


def _open_up(place: Path) -> None:
    subprocess.run(["chmod", "-R", "a+rX", str(place)], check=True)
    home = place / "home"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    (home / "gitconfig").write_text("[safe]\n\tdirectory = *\n[user]\n\tname = N\n\temail = n@x\n")


def read(shared: Path, *before: str) -> dict[str, object]:
    home = shared / "home"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DVC_NO_ANALYTICS": "1",
    }
    root = str(shared / "store")
    command = [*before, sys.executable, "-c", _READ, root, str(home)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def check(found: dict[str, object]) -> None:
    assert found["runs"] == 7
    assert found["history"] == 1
    assert int(str(found["log"])) >= 4
    assert found["verify"] == []
    assert str(found["data"]).startswith("weights")
    for verb in ("error", "repair", "maintain"):
        assert str(found[verb]).startswith(("RepositoryError:", "InvalidInputError:")), found[verb]
        words = ("read-only", "permission denied", "could not")
        assert any(word in str(found[verb]).lower() for word in words), found[verb]


def test_another_users_clone_can_be_read(shared: Path) -> None:
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    check(read(shared, *user))


def test_a_read_only_mount_can_be_read(shared: Path) -> None:
    store = shared / "store"
    script = f'mount --bind "{store}" "{store}" && mount -o remount,ro,bind "{store}" && exec "$@"'
    check(read(shared, "unshare", "-m", "sh", "-c", script, "sh"))
