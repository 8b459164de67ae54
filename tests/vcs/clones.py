"""What the tests of the git engine share: small projects, runs, and what must always hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from padre_git.vcs import NewCommit, Repository, Snapshot
from padre_git.vcs.plan import Edit
from tests.conftest import git

FIRST = {
    "project.yaml": b"schema: project/1\n\ntitle: Iris\n",
    "experiments/svm/experiment.yaml": b"schema: experiment/1\n\ntitle: SVM\n",
}
RUNS = "experiments/svm/runs/2026-11"


def create(path: Path, files: Mapping[str, bytes] = FIRST) -> Repository:
    return Repository.create(path, branch="main", files=files, text="create")


def run_files(name: str) -> dict[str, Edit]:
    return {
        f"{RUNS}/{name}/run.yaml": f"schema: run/1\n\nname: {name}\n".encode(),
        f"{RUNS}/{name}/metrics.yaml": b"accuracy: 0.95\n",
        f"{RUNS}/{name}/tags/good": b"",
    }


def one(
    edits: Mapping[str, Edit], text: str = "change"
) -> Callable[[Snapshot], Sequence[NewCommit]]:
    return lambda _: [NewCommit(edits=edits, text=text)]


def record(repository: Repository, name: str) -> str:
    return repository.advance(one(run_files(name), f"run {name}"))


def runs_at(path: Path, commit: str = "HEAD") -> set[str]:
    listed = git("ls-tree", "--name-only", f"{commit}:{RUNS}", cwd=path, check=False)
    return set(listed.split())


def status(path: Path) -> str:
    return git("status", "--porcelain", cwd=path)


def assert_sound(path: Path) -> None:
    out = git("fsck", "--full", "--strict", "--no-dangling", cwd=path)
    assert out == "", out


def assert_clean(path: Path) -> None:
    assert status(path) == ""
    assert_sound(path)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def processes_of(repository: Repository) -> list[int]:
    """Returns the git processes that read this repository."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                words = (place / "cmdline").read_bytes()
            except OSError:
                continue
            if b"cat-file" in words and os.fsencode(repository.common_dir) in words:
                found.append(int(place.name))
    return found
