"""Two machines of one name over one clone: neither takes the other's processes for dead."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import padre_git
from tests.servers.processes import needs, needs_root
from tests.waiting import until

_LIVES = """
import pathlib, sys, padre_git
with padre_git.open(sys.argv[1]) as store, store.start_run("iris/svm", id=sys.argv[2]) as run:
    run.log_metric("loss", 1.0)
    pathlib.Path(sys.argv[3]).touch()
    sys.stdin.read()
    run.log_metric("loss", 0.5)
"""
_LOOKS = """
import sys, padre_git
with padre_git.open(sys.argv[1]) as store:
    store.reconcile()
    print(store.runs.get(sys.argv[2]).status)
"""
_ENDS = """
import os, pathlib, sys, padre_git
with padre_git.open(sys.argv[1]) as store:
    store.start_run("iris/svm").end()
    pathlib.Path(sys.argv[2]).write_text(str(os.getpid()))
    sys.stdin.read()
"""
_BOX = """
mount --bind "$1" /proc/sys/kernel/random/boot_id
mount --bind /dev/null /etc/machine-id
hostname box
shift
exec "$@"
"""
_RUN = "r-20261122t101500-k3v9x2m7q4tz"


def _box(boot: Path, *command: str | Path) -> list[str]:
    """Returns how to run something in a container that has its name from whoever made it."""
    apart = ("unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc")
    return [*apart, "bash", "-euc", _BOX, "box", str(boot), *map(str, command)]


def _says_something(mark: Path) -> bool:
    return mark.exists() and mark.read_text() != ""


def test_a_run_of_another_machine_of_the_same_name_is_running(tmp_path: Path) -> None:
    needs_root()
    needs("unshare", "mount", "hostname")
    root, started = tmp_path / "root", tmp_path / "started"
    with padre_git.open(root) as store:
        store.start_run("iris/svm").end()
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"{name}\n")
    python = (sys.executable, "-c")
    live = _box(tmp_path / "one", *python, _LIVES, root, _RUN, started)
    look = _box(tmp_path / "two", *python, _LOOKS, root, _RUN)
    with subprocess.Popen(live, stdin=subprocess.PIPE) as process:
        until(started.exists)
        seen = subprocess.run(look, capture_output=True, text=True, check=True).stdout
        process.communicate(b"")
    assert seen == "running\n"
    with padre_git.open(root) as store:
        run = store.runs.get(_RUN)
        assert (run.status, run.metrics, run.notes) == ("finished", {"loss": 0.5}, ())


def test_processes_of_one_id_do_not_put_their_spools_aside_at_one_place(tmp_path: Path) -> None:
    needs_root()
    needs("unshare", "mount", "hostname")
    with padre_git.open(tmp_path / "root") as store:
        store.start_run("iris/svm").end()
    boot = tmp_path / "boot"
    boot.write_text("one\n")
    marks = [tmp_path / "first", tmp_path / "second"]
    with ExitStack() as ends:
        for mark in marks:
            command = _box(boot, sys.executable, "-c", _ENDS, tmp_path / "root", mark)
            process = ends.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE))
            ends.callback(process.communicate, b"")
            until(partial(_says_something, mark))
        assert [mark.read_text() for mark in marks] == ["1", "1"]
        assert len(list((tmp_path / "root/iris/.git/padre/spare").iterdir())) == 2
