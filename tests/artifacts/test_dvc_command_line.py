"""DVC's own command line on what padre_git wrote, and padre_git on what it wrote.

Both ends of the range of versions that ``pyproject.toml`` allows: the newest is what is installed
here, the lowest has an environment of its own, without padre_git, which ``make test`` makes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import padre_git
from padre_git.artifacts import ProjectData, read_pointer
from tests.artifacts.conftest import make_project, write
from tests.conftest import git
from tests.servers.processes import do_without

pytestmark = pytest.mark.timeout(120)

_ROOT = Path(__file__).parents[2]
#: Where servers that are other users can be; the directories of a test are closed to them.
_OF_ALL = tempfile.gettempdir()
_PLACES = {"newest": Path(sys.prefix), "lowest": Path(sys.prefix) / "dvc-lowest"}
DATA = "datasets/iris-data/data"

Dvc = Callable[..., str]


def _bound() -> str:
    """Returns the lowest version of DVC that may be installed beside padre_git."""
    wanted = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return next(found[1] for one in wanted if (found := re.fullmatch(r"dvc>=([0-9.]+),<4", one)))


@pytest.fixture(params=_PLACES)
def dvc(request: pytest.FixtureRequest) -> Dvc:
    """Runs plain dvc as a person would and returns what it prints."""
    return command_line(request.param)


def command_line(version: str) -> Dvc:
    """Returns what runs one version of dvc."""
    program = _PLACES[version] / "bin" / "dvc"
    if not program.exists():
        do_without(f"no environment with the lowest DVC in '{program.parents[1]}'; run make test")

    def run(*arguments: str | Path, cwd: Path) -> str:
        done = subprocess.run(
            [program, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"dvc {arguments} failed:\n{done.stdout}{done.stderr}"
        return done.stdout

    if version == "lowest":
        assert run("--version", cwd=_ROOT).strip().removesuffix(".0") == _bound().removesuffix(".0")
    return run


def make_store(base: Path) -> padre_git.Store:
    """Opens a store with a published dataset and two runs that have artifacts."""
    (base / "remote").mkdir()
    write(base / "model" / "weights.bin", b"weights" * 100)
    write(base / "model" / "sub" / "größe.txt", b"42\n")
    table = write(base / "iris.csv", b"a,b\n1,2\n")
    store = padre_git.open(base / "mine", remote=str(base / "remote"))
    store.projects.put(padre_git.Project(name="iris"))
    store.datasets.put(padre_git.Dataset(project="iris", name="iris-data"), data=table)
    for c in (1, 2):
        with store.start_run("iris/svm", {"C": c}, seed=7) as run:
            for step in range(3):
                run.log_metric("loss", 1 / (step + c), step=step)
            run.log_artifact(base / "model")
    store.sync("iris")
    return store


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Is a directory in whose ``remote`` a project is with its data."""
    base = tmp_path_factory.mktemp("published")
    make_store(base).close()
    return base


def test_plain_dvc_works_in_a_fresh_clone_and_changes_nothing(
    published: Path, tmp_path: Path, dvc: Dvc
) -> None:
    clone, url = tmp_path / "iris", published / "remote" / "iris.git"
    git("clone", "-q", url, clone, cwd=tmp_path)
    dvc("remote", "add", "--local", "-d", "lab", published / "remote" / "iris.dvc", cwd=clone)
    dvc("pull", cwd=clone)
    runs = sorted((clone / "experiments" / "svm" / "runs").glob("*/r-*"))
    assert len(runs) == 2
    for run in runs:
        assert (run / "artifacts" / "model" / "weights.bin").read_bytes() == b"weights" * 100
        assert (run / "artifacts" / "model" / "sub" / "größe.txt").read_bytes() == b"42\n"
    assert (clone / DATA / "iris.csv").read_bytes() == b"a,b\n1,2\n"
    assert json.loads(dvc("status", "--json", cwd=clone)) == {}
    assert json.loads(dvc("status", "--cloud", "--json", cwd=clone)) == {}
    assert json.loads(dvc("data", "status", "--json", cwd=clone)) == {}
    dvc("push", cwd=clone)
    one = runs[0].relative_to(clone).as_posix()
    where = ("--config", clone / ".dvc" / "config.local")  # nobody has committed that
    listed = json.loads(dvc("list", "-R", "--json", *where, url, cwd=tmp_path))
    names = {f"{one}/artifacts/model/weights.bin", f"{DATA}/iris.csv", "project.yaml"}
    assert names <= {entry["path"] for entry in listed}
    first = git("rev-list", "--max-parents=0", "HEAD", cwd=clone).strip()
    brought = json.loads(dvc("diff", "--json", first, "HEAD", cwd=clone))["added"]
    assert {f"{one}/artifacts/", f"{DATA}/"} <= {entry["path"] for entry in brought}
    dvc("get", *where, "-o", tmp_path / "got", url, DATA, cwd=tmp_path)
    assert (tmp_path / "got" / "iris.csv").read_bytes() == b"a,b\n1,2\n"
    assert_numbers(clone, f"{one}/metrics.yaml", f"{one}/series.csv", first, dvc)
    assert git("status", "--porcelain", cwd=clone) == ""
    assert git("ls-files", "--others", "--exclude-standard", cwd=clone) == ""


def assert_numbers(clone: Path, metrics: str, series: str, first: str, dvc: Dvc) -> None:
    """Says that DVC reads metrics and series as they are, and compares them."""
    shown = json.loads(dvc("metrics", "show", "--json", metrics, cwd=clone))
    assert shown[""]["data"][metrics]["data"]["loss"] > 0
    diff = dvc("metrics", "diff", "--json", "--targets", metrics, "--", first, "HEAD", cwd=clone)
    assert set(json.loads(diff)[metrics]) == {"loss"}
    words = ("plots", "diff", "-x", "step", "-y", "loss", "--show-vega", "--targets", series)
    points = json.loads(dvc(*words, "--", first, "HEAD", cwd=clone))["data"]["values"]
    assert [point["step"] for point in points] == ["0", "1", "2"]


def test_plain_dvc_collects_nothing_that_somebody_means(
    published: Path, tmp_path: Path, dvc: Dvc
) -> None:
    clone = tmp_path / "iris"
    git("clone", "-q", published / "remote" / "iris.git", clone, cwd=tmp_path)
    dvc("remote", "add", "--local", "-d", "lab", published / "remote" / "iris.dvc", cwd=clone)
    dvc("pull", cwd=clone)
    data = ProjectData(clone, clone / ".git")
    pointers = [read_pointer(path.read_bytes()) for path in clone.rglob("*.dvc") if path.is_file()]
    meant = {md5 for p in pointers for md5 in (p.md5, *data.names(p).values())}
    assert {pointer.path for pointer in pointers} >= {"artifacts", "data"}
    for scope in ("--all-commits", "--workspace"):
        stray = data.cache.add_bytes(b"of no record").md5
        dvc("gc", scope, "-f", cwd=clone)
        assert not data.cache.has(stray)
        assert all(data.cache.has(md5) for md5 in meant)
    git("rm", "-q", "-r", "experiments", cwd=clone)
    git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "without", cwd=clone)
    dvc("gc", "--all-commits", "-f", cwd=clone)
    assert all(data.cache.has(md5) for md5 in meant), "a commit means it"


def test_what_dvc_pulled_stays_when_a_colleague_deletes_its_experiment(tmp_path: Path) -> None:
    dvc = command_line("newest")
    remote = tmp_path / "remote"
    with make_store(tmp_path) as ours, padre_git.open(tmp_path / "b", remote=str(remote)) as theirs:
        theirs.pull("iris")
        clone = tmp_path / "b" / "iris"
        dvc("remote", "add", "--local", "-f", "-d", "lab", remote / "iris.dvc", cwd=clone)
        dvc("pull", cwd=clone)
        pulled = list(clone.glob("experiments/svm/runs/*/*/artifacts/model/weights.bin"))
        assert len(pulled) == 2
        ours.experiments.delete("iris/svm")
        theirs.sync("iris")
        assert theirs.experiments.list("iris") == []
        assert git("status", "--porcelain", cwd=clone) == ""
        assert all(path.read_bytes() == b"weights" * 100 for path in pulled)
        ours.experiments.restore("iris/svm")
        theirs.sync("iris")
        assert json.loads(dvc("status", "--json", cwd=clone)) == {}


def test_what_dvc_added_is_an_artifact_to_us_or_left_alone(tmp_path: Path, dvc: Dvc) -> None:
    """Both ways of changing what we wrote, new pointers where ours are, and others elsewhere."""
    with make_store(tmp_path) as store:
        clone = store.project_path("iris")
        dvc("pull", cwd=clone)
        first, second = sorted((clone / "experiments" / "svm" / "runs").glob("*/r-*"))
        write(first / "artifacts" / "more.txt", b"more")
        dvc("commit", "-f", first / "artifacts.dvc", cwd=clone)
        write(second / "artifacts" / "model" / "weights.bin", b"lighter")
        dvc("add", second / "artifacts", cwd=clone)
        write(clone / DATA / "iris.csv", b"a,b\n3,4\n")
        dvc("add", DATA, cwd=clone)
        # none of ours: beside a run's documents, where no record is, a single file and a directory
        for path in (second / "extra.bin", clone / "own" / "thing", clone / "own" / "tree" / "a"):
            write(path, b"of mine")
        dvc("add", second / "extra.bin", clone / "own" / "thing", clone / "own" / "tree", cwd=clone)
        git("add", "-A", cwd=clone)
        git("commit", "-qm", "by hand", cwd=clone)

        runs = {run.id: run for run in store.runs.list("iris/svm")}
        names = [artifact.name for artifact in store.artifacts.list(runs[first.name])]
        assert names == ["model/sub/größe.txt", "model/weights.bin", "more.txt"]
        lighter = store.artifacts.get(runs[second.name], "model/weights.bin")
        assert lighter.read_bytes() == b"lighter"
        assert (store.datasets.data("iris/iris-data") / "iris.csv").read_bytes() == b"a,b\n3,4\n"
        assert store.artifacts.verify("iris") == ()
        before = git("ls-tree", "-r", "HEAD", cwd=clone)
        store.sync("iris")
        pointers = (line for line in before.splitlines() if line.endswith(".dvc"))
        assert set(pointers) <= set(git("ls-tree", "-r", "HEAD", cwd=clone).splitlines())
        assert json.loads(dvc("status", "--cloud", "--json", cwd=clone)) == {}, "all is published"
        assert json.loads(dvc("status", "--json", cwd=clone)) == {}
        assert git("status", "--porcelain", cwd=clone) == ""


_OWN_USE = """
import sys, dvc
from pathlib import Path
from padre_git.artifacts.dvc import DvcStore
from padre_git.artifacts.settings import RemoteSettings
project = Path(sys.argv[1])
DvcStore(project, RemoteSettings.of_url("https://example.org/data", base=project))
print(dvc.__version__)
"""


def with_lowest(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs our Python with the lowest DVC before the one that is installed."""
    command_line("lowest")
    (site,) = (_PLACES["lowest"] / "lib").glob("python*/site-packages")
    env = {**os.environ, "PYTHONPATH": str(site), "TMPDIR": _OF_ALL}
    return subprocess.run(
        [sys.executable, *words], cwd=_ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_what_we_use_of_dvc_is_in_the_lowest_version(tmp_path: Path) -> None:
    make_project(tmp_path / "iris")
    done = with_lowest("-c", _OWN_USE, tmp_path / "iris")
    assert done.stdout.startswith(_bound()), done.stderr


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_servers_are_reached_through_the_lowest_version() -> None:
    tests = ("tests/artifacts/test_real_remotes.py", "tests/artifacts/test_remote.py")
    done = with_lowest("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not nightly", *tests)
    assert done.returncode == 0, done.stdout[-2000:]
