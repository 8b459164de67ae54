"""Hosts merge with plain git: what we store merges right or conflicts visibly."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from padre_git.format import locate, merge_files, read_tombstone
from padre_git.model import DOCUMENTS, Key, Kind
from tests.conftest import git
from tests.format.merges import CONFLICTS, MERGES, PROJECT, ROWS, Files, Row, import_rows


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a repository with a branch ``base-N``, ``ours-N``, ``theirs-N`` for each row."""
    path = tmp_path_factory.mktemp("merges")
    git("init", "-q", "-b", "main", path, cwd=path)
    import_rows(path)
    return path


def tree(repository: Path, commit: str) -> Files:
    """Returns the files of a commit."""
    names = git("ls-tree", "-r", "-z", "--name-only", commit, cwd=repository).split("\0")[:-1]
    asked = "".join(f"{commit}:{name}\n" for name in names).encode()
    shown = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=repository, input=asked, capture_output=True
    ).stdout
    found = {}
    for name in names:
        head, _, shown = shown.partition(b"\n")
        size = int(head.split()[2])
        found[name], shown = shown[:size], shown[size + 1 :]
    return found


def by_merge_tree(repository: Path, ours: str, theirs: str) -> tuple[str, str]:
    """Merges as a host does and returns the outcome and the tree."""
    done = subprocess.run(
        ["git", "merge-tree", "--write-tree", ours, theirs],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    assert ("CONFLICT" in done.stdout) is (done.returncode == 1)
    return (MERGES, CONFLICTS)[done.returncode], done.stdout.split("\n")[0]


def by_merge(repository: Path, work: Path, ours: str, theirs: str) -> tuple[str, str]:
    """Merges as a person does, in a work tree, and returns the outcome and the commit."""
    git("worktree", "add", "-q", "--detach", work, ours, cwd=repository)
    done = subprocess.run(
        ["git", "merge", "-q", "--no-edit", theirs], cwd=work, capture_output=True, text=True
    )
    unmerged = git("ls-files", "--unmerged", cwd=work)
    assert bool(unmerged) is (done.returncode == 1), done.stdout + done.stderr
    return (MERGES, CONFLICTS)[done.returncode], git("rev-parse", "HEAD", cwd=work).strip()


def below_tombstones(files: Files) -> list[str]:
    """Returns the paths of ours that nobody would see, since they lie below a tombstone."""
    dead: set[Key] = set()
    places = {path: place for path in files if (place := locate(path, PROJECT))}
    for path, (key, part) in places.items():
        if part == DOCUMENTS[key.kind] and read_tombstone(files[path], key):
            dead.add(key)
    return [
        path
        for path, (key, part) in places.items()
        if not dead.isdisjoint(key.ancestors())
        or (key in dead and files[path] and part != DOCUMENTS[key.kind])
    ]


@pytest.mark.parametrize(("number", "row"), list(enumerate(ROWS)), ids=[row.title for row in ROWS])
def test_plain_git_merges_right_or_conflicts_visibly(
    repository: Path, tmp_path: Path, number: int, row: Row
) -> None:
    ours, theirs = f"ours-{number}", f"theirs-{number}"
    for n, (first, second) in enumerate([(ours, theirs), (theirs, ours)]):
        for outcome, commit in (
            by_merge_tree(repository, first, second),
            by_merge(repository, tmp_path / str(n), first, second),
        ):
            assert outcome == row.plain
            if outcome == MERGES:
                assert tree(repository, commit) == padre_merge(row)
                assert below_tombstones(tree(repository, commit)) == []


def padre_merge(row: Row) -> Files:
    """Returns what our own merge makes of a row."""
    result = merge_files(*row.sides(), PROJECT)
    assert result.conflicts == ()
    return {path: data for path, data in result.files.items() if data is not None}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_our_merge_does_what_the_page_says(row: Row) -> None:
    base, ours, theirs = row.sides()
    for first, second in ((ours, theirs), (theirs, ours)):
        result = merge_files(base, first, second, PROJECT)
        assert (CONFLICTS if result.conflicts else MERGES) == row.padre, result.conflicts
        if not result.conflicts:
            kept = {path: data for path, data in result.files.items() if data is not None}
            assert below_tombstones(kept) == []


def test_no_kind_is_without_a_deletion_in_the_table() -> None:
    titles = " ".join(row.title for row in ROWS if row.title.startswith("deleting"))
    for kind in (Kind.PROJECT, Kind.DATASET, Kind.EXPERIMENT, Kind.RUN):
        assert f"a {kind} " in titles or f"an {kind} " in titles


SILENT = (
    "deleting a run against a tag for it",
    "deleting a run against its first artifact",
    "deleting a run against an artifact added to it, while a run with the same artifacts is added",
    "deleting a dataset against new data, while one with the same data is added",
    "deleting an experiment against a new run in it",
    "deleting an experiment against a new execution in it",
    "deleting an experiment against a tag for one of its runs",
    "deleting an experiment against an edit of its run, while a similar run is added elsewhere",
    "deleting a project against a new experiment in it",
    "deleting a project against a new dataset in it",
)


@pytest.mark.parametrize("title", SILENT)
def test_with_a_tombstone_alone_plain_git_would_be_silently_wrong(
    repository: Path, title: str
) -> None:
    (number,) = [n for n, row in enumerate(ROWS) if row.title == title]
    outcome, _ = by_merge_tree(repository, f"ours-{number + 1000}", f"theirs-{number + 1000}")
    assert outcome == MERGES
    result = merge_files(*ROWS[number].sides(), PROJECT)
    assert result.conflicts != ()


def test_the_page_has_these_rows_and_no_others() -> None:
    page = (Path(__file__).parents[2] / "docs/format/merging.rst").read_text()
    table = page.split("   * - Meanwhile\n")[1].split("What plain git cannot see")[0]
    cells = re.findall(r"^   (?:\* -|  -) (.+)$", table, re.MULTILINE)[3:]
    assert [tuple(cells[n : n + 4]) for n in range(0, len(cells), 4)] == [
        (row.title, row.plain, row.padre, row.padre) for row in ROWS
    ]
