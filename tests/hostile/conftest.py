"""A project with everything in it, handed over as a directory, and a canary beside it."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from padre_git import Dataset, Store
from padre_git.api.opening import open_store
from tests.hostile.canary import Canary
from tests.hostile.verbs import RUN


@dataclass(frozen=True, kw_only=True)
class Victim:
    """Is the place of somebody who has been given a project.

    Attributes:
        root: of their store; the project is in it as it was handed over.
        clone: the project's directory.
        lab: where the store's remote is.
        scratch: a directory for anything else.
    """

    root: Path
    lab: Path
    scratch: Path

    @property
    def clone(self) -> Path:
        return self.root / "iris"

    def store(self) -> Store:
        return open_store(self.root, policy="manual")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with one project and its remote, made once and copied for every test."""
    place = tmp_path_factory.mktemp("whole")
    (place / "lab").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(place))
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Ada Lovelace")
            patch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("DVC_SITE_CACHE_DIR", str(place / "dvc"))
        with open_store(place / "root", remote=place / "lab", policy="manual") as store:
            _fill(store, place)
            store.sync("iris")
    return place


def _fill(store: Store, place: Path) -> None:
    (place / "notes.txt").write_text("notes\n")
    with store.start_run("iris/svm", {"C": 1.0}, id=RUN) as run:
        run.log_metric("accuracy", 0.9)
        run.log_artifact(place / "notes.txt")
        run.log_model({"w": np.zeros(2)})
    dataset = Dataset(project="iris", name="iris-data")
    store.datasets.put(dataset, data=place / "notes.txt")


@pytest.fixture
def victim(whole: Path, tmp_path: Path) -> Victim:
    shutil.copytree(whole / "root", tmp_path / "root", symlinks=True)
    shutil.copytree(whole / "lab", tmp_path / "lab", symlinks=True)
    (tmp_path / "scratch").mkdir()
    found = Victim(root=tmp_path / "root", lab=tmp_path / "lab", scratch=tmp_path / "scratch")
    for settings in (found.root / "padre-git.yaml", found.clone / ".git" / "config"):
        settings.write_text(settings.read_text().replace(str(whole), str(tmp_path)))
    (found.clone / ".git" / "padre" / "data-remote").unlink(missing_ok=True)
    return found


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    with Canary(tmp_path / "canary") as found:
        yield found
        found.check()


class Late(BaseException):
    """Says that something hangs; nobody takes it for an error of the disk."""


@pytest.fixture
def in_time() -> Iterator[None]:
    """Fails a test that hangs."""

    def late(*_: object) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(12)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
