"""Removing many files: quickly, and nothing of the user's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from padre_git.vcs.removing import remove_files


@pytest.mark.parametrize("count", [3, 300])
def test_files_go_with_the_directories_that_they_leave_empty(tmp_path: Path, count: int) -> None:
    paths = [f"experiments/svm/runs/2026-11/r-{n}/{name}" for n in range(count) for name in "ab"]
    for path in [*paths, "README.md", "experiments/svm/runs/2026-11/r-1/mine"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    changed = paths[0]
    remove_files(tmp_path, [*paths, "nothing/there"], is_still=lambda path: path != changed)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"README.md", "experiments/svm/runs/2026-11/r-1/mine", changed}
    runs = tmp_path / "experiments/svm/runs/2026-11"
    assert {path.name for path in runs.iterdir()} == {"r-0", "r-1"}


def test_the_root_stays_and_an_error_is_raised(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("x")
    remove_files(tmp_path, ["one"], is_still=lambda path: True)
    assert tmp_path.exists()

    def fail(path: str) -> bool:
        raise PermissionError(path)

    with pytest.raises(PermissionError):
        remove_files(tmp_path, [f"{n}" for n in range(100)], is_still=fail)


def test_files_go_while_the_interpreter_ends(tmp_path: Path) -> None:
    for n in range(200):
        (tmp_path / f"d{n}").mkdir()
        (tmp_path / f"d{n}/file").write_text("x")
    script = (
        "import atexit, pathlib, sys\n"
        "from padre_git.vcs.removing import remove_files\n"
        "names = [f'd{n}/file' for n in range(200)]\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "atexit.register(remove_files, root, names, is_still=lambda path: True)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
