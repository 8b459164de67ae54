"""An empty file in the place of a directory with ignored files: git has it, the work tree not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.errors import ConflictError, InvalidNameError
from padre_git.vcs import Repository
from padre_git.vcs.plan import Edit
from tests.conftest import git
from tests.vcs.clones import (
    RUNS,
    assert_clean,
    assert_sound,
    create,
    one,
    record,
    run_files,
    runs_at,
    status,
    write,
)

EXPERIMENT = "experiments/svm/experiment.yaml"
SEAL = "experiments/svm/runs"
DATA = f"{RUNS}/r-1/artifacts/model"


def sealed(clone: Repository) -> dict[str, Edit]:
    gone = [path for path, _ in clone.snapshot().walk() if path.startswith(f"{SEAL}/")]
    return {**dict.fromkeys(gone), SEAL: b""}


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Repository]:
    with create(tmp_path / "iris") as repository:
        write(repository.path / ".gitignore", "artifacts\n")
        git("add", ".gitignore", cwd=repository.path)
        git("commit", "-qm", "ignore", cwd=repository.path)
        record(repository, "r-1")
        write(repository.path / DATA, "fetched")
        yield repository
        assert_sound(repository.path)


@pytest.fixture
def mixed(clone: Repository) -> Repository:
    """The clone whose branch has a file where the work tree has its data."""
    clone.advance(one(sealed(clone)))
    return clone


def test_they_stay_and_git_is_content(mixed: Repository) -> None:
    assert (mixed.path / DATA).read_text() == "fetched"
    assert not (mixed.path / RUNS / "r-1/run.yaml").exists()
    assert mixed.snapshot().blob(SEAL) == b""
    assert_clean(mixed.path)


@pytest.mark.parametrize(
    "commands",
    [
        ["add -A", "commit -qm nothing --allow-empty"],
        ["commit -qam nothing --allow-empty"],
        ["checkout -- ."],
        ["reset -q --hard"],
        ["checkout -q --detach HEAD", "switch -q main"],
        ["switch -q -c idea", "commit -qm idea --allow-empty", "switch -q main", "merge -q idea"],
        ["update-index --really-refresh"],
        ["gc -q"],
    ],
    ids=" ".join,
)
def test_what_people_do_with_git_goes_on(mixed: Repository, commands: list[str]) -> None:
    for command in commands:
        git(*command.split(), cwd=mixed.path)
    record_elsewhere(mixed)
    assert (mixed.path / DATA).read_text() == "fetched"
    assert mixed.snapshot().blob(SEAL) == b""
    assert_clean(mixed.path)


def record_elsewhere(clone: Repository) -> None:
    clone.advance(one({"experiments/rbf/experiment.yaml": b"title: RBF\n"}))


def test_a_stash_comes_back(mixed: Repository) -> None:
    write(mixed.path / EXPERIMENT, "mine\n")
    git("stash", "-q", cwd=mixed.path)
    assert_clean(mixed.path)
    record_elsewhere(mixed)
    git("stash", "pop", "-q", cwd=mixed.path)
    assert status(mixed.path) == f" M {EXPERIMENT}\n"
    assert (mixed.path / DATA).read_text() == "fetched"


def test_what_is_put_back_stands_beside_them(mixed: Repository) -> None:
    mixed.advance(one({SEAL: None, **run_files("r-1"), **run_files("r-2")}))
    assert runs_at(mixed.path) == {"r-1", "r-2"}
    assert (mixed.path / RUNS / "r-1/run.yaml").exists()
    assert (mixed.path / DATA).read_text() == "fetched"
    assert_clean(mixed.path)


def test_git_puts_back_what_was_deleted_once_they_are_moved_away(mixed: Repository) -> None:
    before = git("rev-parse", "HEAD~1", cwd=mixed.path).strip()
    git("checkout", "-q", before, cwd=mixed.path, check=False)
    assert (mixed.path / DATA).read_text() == "fetched", "git refuses"
    assert_clean(mixed.path)
    (mixed.path / SEAL).rename(mixed.path.parent / "kept")
    assert_clean(mixed.path)
    git("checkout", "-q", before, cwd=mixed.path)
    assert (mixed.path / RUNS / "r-1/run.yaml").exists()
    git("switch", "-q", "main", cwd=mixed.path)
    record_elsewhere(mixed)
    assert_clean(mixed.path)


def test_evicted_and_brought_back_they_are_where_they_were(mixed: Repository) -> None:
    mixed.evict(["experiments/svm"])
    assert_clean(mixed.path)
    mixed.restore(["experiments/svm"])
    assert (mixed.path / DATA).read_text() == "fetched"
    assert (mixed.path / EXPERIMENT).exists()
    assert_clean(mixed.path)


def test_a_linked_work_tree_without_them_has_the_file(clone: Repository, tmp_path: Path) -> None:
    git("switch", "-q", "--detach", cwd=clone.path)
    git("worktree", "add", "-q", str(tmp_path / "linked"), "main", cwd=clone.path)
    clone.advance(one(sealed(clone)))
    assert (tmp_path / "linked" / SEAL).read_bytes() == b""
    assert_clean(tmp_path / "linked")
    assert_clean(clone.path)


@pytest.mark.parametrize("name", ["thoughts.txt", "r-1/thoughts.txt"])
def test_files_that_git_does_not_ignore_are_a_conflict(clone: Repository, name: str) -> None:
    mine = write(clone.path / RUNS / name, "mine\n")
    before = status(clone.path)
    with pytest.raises(ConflictError, match="directory with other files"):
        clone.advance(one(sealed(clone)))
    assert (mine.read_text(), status(clone.path)) == ("mine\n", before)


def test_staged_files_are_a_conflict(clone: Repository) -> None:
    write(clone.path / RUNS / "thoughts.txt", "mine\n")
    git("add", ".", cwd=clone.path)
    with pytest.raises(ConflictError, match="directory with other files"):
        clone.advance(one(sealed(clone)))
    assert status(clone.path) == f"A  {RUNS}/thoughts.txt\n"


def test_a_repository_of_the_users_is_a_conflict(clone: Repository) -> None:
    git("init", "-q", str(clone.path / RUNS / "r-1/mine"), cwd=clone.path)
    with pytest.raises(ConflictError, match="directory with other files"):
        clone.advance(one(sealed(clone)))
    assert (clone.path / RUNS / "r-1/mine/.git").is_dir()


def test_what_would_be_ignored_no_longer_is_a_conflict(clone: Repository) -> None:
    write(clone.path / RUNS / "r-1/.gitignore", "data\n")
    write(clone.path / RUNS / "r-1/data", "fetched")
    git("add", ".", cwd=clone.path)
    git("commit", "-qm", "more", cwd=clone.path)
    with pytest.raises(ConflictError, match="directory with other files"):
        clone.advance(one(sealed(clone)))
    assert (clone.path / RUNS / "r-1/data").read_text() == "fetched"
    assert_clean(clone.path)


def test_a_file_with_content_is_a_conflict(clone: Repository) -> None:
    with pytest.raises(ConflictError) as caught:
        clone.advance(one({**sealed(clone), SEAL: b"theirs\n"}))
    named = str(caught.value.hint).split("`")[1]
    assert "artifacts/" in git(*named.split()[1:], cwd=clone.path)


def test_where_git_leaves_files_out_itself_it_is_a_conflict(clone: Repository) -> None:
    git("sparse-checkout", "set", "--cone", "experiments", cwd=clone.path)
    with pytest.raises(ConflictError, match="directory with other files"):
        clone.advance(one(sealed(clone)))
    assert (clone.path / DATA).read_text() == "fetched"
    assert_clean(clone.path)


@pytest.mark.parametrize("path", [".git", "sub/.git"])
def test_nothing_is_ever_put_in_the_place_of_a_repository(clone: Repository, path: str) -> None:
    write(clone.path / "sub/.git/HEAD", "x")
    with pytest.raises((ConflictError, InvalidNameError)):
        clone.advance(one({path: b""}))
    assert (clone.path / ".git/HEAD").exists()
