"""Power cuts: what was acknowledged is there when the machine is back, on ext4 and on XFS."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

import padre_git
from padre_git.api.spool import read_events
from padre_git.model import Code, Execution, Experiment
from tests.conftest import git
from tests.faults.disks import Disk, disk
from tests.faults.labs import SVM

_ROOT = Path(__file__).parents[2]
KINDS = pytest.mark.parametrize("kind", ["ext4", "xfs"])
CUTS = pytest.mark.parametrize("cuts", [2, pytest.param(50, marks=pytest.mark.nightly)])


class Writer:
    """Is a process that writes; see ``writer.py``."""

    def __init__(self, arguments: list[str], complaints: BinaryIO) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.writer", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            cwd=_ROOT,
        )

    def goes(self) -> None:
        """Lets it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def hears(self) -> list[str]:
        """Returns the next thing that it was told is safe."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().split()

    def hears_all(self) -> list[list[str]]:
        """Returns what it was told until it is done."""
        found = [self.hears()]
        while found[-1] not in (["done"], []):
            found.append(self.hears())
        return found

    def stops(self) -> None:
        """Lets it stand still where it is."""
        self._process.send_signal(signal.SIGSTOP)

    def goes_on(self) -> None:
        """Lets it go on where it was."""
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> list[list[str]]:
        """Kills it; returns everything else that it was told is safe."""
        self._process.kill()
        return [line.split() for line in self._process.communicate()[0].splitlines()]


@contextmanager
def writers(root: Path, outside: Path, names: str, *limit: str) -> Iterator[list[Writer]]:
    """Gives processes that are ready to write, and kills what is left of them."""
    with ExitStack() as ends, (outside / "complaints").open("ab") as complaints:
        found = [Writer([str(root), who, str(outside), *limit], complaints) for who in names]
        for writer in found:
            ends.callback(writer.end)
        for writer in found:
            assert writer.hears() == ["ready"], (outside / "complaints").read_text()
        yield found


def begin(root: Path) -> None:
    with padre_git.open(root) as store:
        store.ensure("iris/svm")
        code = Code(package="lab", version="1.0")
        store.executions.put(Execution(experiment=SVM, code=code))


def check(root: Path, acknowledged: list[list[str]]) -> None:
    """Looks as somebody who comes back after the cut; nothing is repaired by hand."""
    clone = root / "iris"
    git("fsck", "--full", "--strict", cwd=clone)
    with padre_git.open(root) as store:
        runs = {run.id for run in store.runs.list("iris/svm")}
        for what, *words in acknowledged:
            if what == "run":
                assert words[0] in runs
            elif what == "artifact":
                assert [a.md5 for a in store.artifacts.list(f"iris/svm/{words[0]}")] == [words[1]]
                with store.artifacts.open(f"iris/svm/{words[0]}", "data.bin") as stream:
                    assert stream.read()
            elif what == "flushed" and words[0] not in runs:
                spool = read_events(clone / ".git/padre/spool" / words[0])
                assert [e[0] for e in spool.events].count("metrics") > int(words[1])
                assert spool.damage in ([], ())
        name = f"after-{time.time_ns() % 10**12}"
        store.experiments.put(Experiment(project="iris", name=name))
    git("fsck", "--full", "--strict", cwd=clone)
    # git itself would write the index anew, and not sync it (docs/durability)
    assert git("--no-optional-locks", "status", "--porcelain", cwd=clone) == ""


@KINDS
@CUTS
@pytest.mark.timeout(1800)
def test_what_three_writers_were_told_is_safe_is_there_after_a_cut(
    tmp_path: Path, kind: str, cuts: int
) -> None:
    told = 0
    with disk(tmp_path / "disk", kind) as power:
        root = power.place / "store"
        begin(root)
        acknowledged: list[list[str]] = []
        for cut in range(cuts):
            with writers(root, tmp_path, "abc") as three:
                for writer in three:
                    writer.goes()
                fresh = [writer.hears() for writer in three for _ in range(2)]
                time.sleep(random.Random(cut).uniform(0, 1))
                power.cut()
                fresh += [line for writer in three for line in writer.end()]
            told += len(fresh)
            acknowledged += fresh
            _back(power)
            check(root, acknowledged)
            print(f"{kind}: cut {cut + 1}: {len(fresh)} acknowledgements")
    assert told > 5 * cuts
    print(f"{kind}: {cuts} of {cuts} cuts, {told} acknowledgements, 0 lost")


@KINDS
def test_a_cut_right_after_the_first_put_leaves_a_whole_project(tmp_path: Path, kind: str) -> None:
    with disk(tmp_path / "disk", kind) as power:
        root = power.place / "store"
        with padre_git.open(root) as store:
            store.ensure("iris")
            store.experiments.put(Experiment(project="iris", name="svm"))
            power.cut()
        _back(power)
        check(root, [])
        with padre_git.open(root) as store:
            assert [found.name for found in store.experiments.list()][-1] == "svm"


def _back(power: Disk) -> None:
    power.unmount()
    power.mount()
    # a machine that has lost its power starts again, and this is how a clone knows of that
    (power.place / "store/iris/.git/padre/starts").unlink(missing_ok=True)


@KINDS
@CUTS
@pytest.mark.timeout(1800)
def test_a_cut_right_after_a_put_with_an_artifact_leaves_its_bytes_right(
    tmp_path: Path, kind: str, cuts: int
) -> None:
    with disk(tmp_path / "disk", kind) as power:
        root = power.place / "store"
        begin(root)
        for _ in range(cuts):
            with writers(root, tmp_path, "c", "1") as (one,):  # 'c' begins with an artifact
                one.goes()
                lines = [one.hears(), one.hears()]
                power.cut()
            assert [line[0] for line in lines] == ["run", "artifact"]
            _back(power)
            check(root, lines)
    print(f"{kind}: {cuts} of {cuts} cuts right after an artifact, bytes right")
