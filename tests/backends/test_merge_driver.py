"""The person's own git merges documents by field in a clone of ours, or visibly not at all."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.backends import GitBackend
from padre_git.errors import DocumentError
from padre_git.format import merge_files, parse_document, tombstone
from padre_git.format.marking import merge_one
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, put, remove, store
from padre_git.testing.storing import RUN
from padre_git.vcs import driver
from tests.backends.dual_stores import Lab
from tests.conftest import git
from tests.format.merges import CONFLICTS, MERGES, PROJECT, ROWS, Row, import_rows
from tests.format.sides import import_branches
from tests.format.test_plain_git_merges import below_tombstones, by_merge, padre_merge, tree
from tests.format.test_random_merges import START, a_side

DOCUMENT = "experiments/svm/experiment.yaml"


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[GitBackend]:
    """A store with an experiment and a run in it, and the driver, as every store has it."""
    with GitBackend(tmp_path / "ours") as backend:
        store(backend, IRIS)
        put(backend, EXPERIMENT, parameters={"C": 1.0, "gamma": 2.0}, seed=1)
        store(backend, EXECUTION, RUN)
        yield backend


@pytest.fixture
def clone(ours: GitBackend) -> Path:
    """Its directory, with a branch ``other`` that has changed a parameter."""
    path = ours.root / "iris"
    git("checkout", "-qb", "other", cwd=path)
    change(path, "C: 1.0", "C: 10.0")
    git("checkout", "-q", "main", cwd=path)
    return path


def change(path: Path, old: str, new: str) -> None:
    """Commits an edit of the experiment's document."""
    document = path / DOCUMENT
    text = document.read_text()
    assert old in text
    document.write_text(text.replace(old, new))
    git("commit", "-qam", f"{new} for {old}", cwd=path)


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def text(path: Path) -> str:
    return (path / DOCUMENT).read_text()


# -- installing it -------------------------------------------------------------------------------


def test_it_is_in_the_clone_and_in_nothing_that_is_pushed(ours: GitBackend) -> None:
    path = ours.root / "iris"
    command = git("config", "--local", "merge.padre.driver", cwd=path).strip()
    assert command == driver.command(sys.executable)
    shown = git("check-attr", "merge", DOCUMENT, "README.md", cwd=path)
    assert shown == f"{DOCUMENT}: merge: padre\nREADME.md: merge: unspecified\n"
    assert "merge" not in (path / ".gitattributes").read_text()
    assert git("status", "--porcelain", "--ignored", cwd=path) == ""


def test_clones_of_a_remote_and_clones_made_by_hand_get_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    store(lab.store("ada"), IRIS)
    lab.store("ben").pull("iris")
    (lab.directory / "cleo").mkdir()
    git("clone", "-q", lab.bare(), lab.clone("cleo"), cwd=tmp_path)
    lab.store("cleo").sync("iris")
    for name in ("ada", "ben", "cleo"):
        assert git("config", "--local", "merge.padre.driver", cwd=lab.clone(name))
        assert "padre" in git("check-attr", "merge", "project.yaml", cwd=lab.clone(name))
    assert "padre" not in git("config", "--list", cwd=lab.bare())
    lab.close()


def test_what_the_person_has_set_stays(ours: GitBackend) -> None:
    path = ours.root / "iris"
    attributes = path / ".git/info/attributes"
    git("config", "merge.padre.driver", "theirs %A", cwd=path)
    attributes.write_text("*.yaml merge=union\n")
    driver.install(path, path / ".git")
    assert git("config", "merge.padre.driver", cwd=path).strip() == "theirs %A"
    assert attributes.read_text() == "*.yaml merge=union\n"
    attributes.write_text("*.csv -text")
    driver.install(path, path / ".git")
    driver.install(path, path / ".git")
    lines = attributes.read_text().splitlines()
    assert lines[0] == "*.csv -text"
    assert lines.count("/project.yaml merge=padre") == 1


def test_a_project_that_says_how_it_is_merged_is_left_alone(tmp_path: Path) -> None:
    git("init", "-q", tmp_path, cwd=tmp_path)
    (tmp_path / ".gitattributes").write_text("*.yaml text merge=union\n")
    driver.install(tmp_path, tmp_path / ".git")
    assert "padre" not in (tmp_path / ".git/config").read_text()


def test_a_command_whose_interpreter_is_gone_is_renewed(ours: GitBackend) -> None:
    path = ours.root / "iris"
    git("config", "merge.padre.driver", driver.command("/gone/my venv/bin/python"), cwd=path)
    driver.install(path, path / ".git")
    command = git("config", "merge.padre.driver", cwd=path).strip()
    assert command == driver.command(sys.executable)


def test_a_directory_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    driver.install(tmp_path / "none", tmp_path / "none/.git")


# -- what people run -----------------------------------------------------------------------------


def test_git_merge_puts_neighbouring_parameters_together(clone: Path) -> None:
    change(clone, "gamma: 2.0", "gamma: 20.0")
    git("merge", "-q", "--no-edit", "other", cwd=clone)
    assert "  C: 10.0\n  gamma: 20.0\n" in text(clone)
    assert git("status", "--porcelain", cwd=clone) == ""


def test_git_pull_does(ours: GitBackend, clone: Path, tmp_path: Path) -> None:
    bare = tmp_path / "iris.git"
    git("clone", "-q", "--bare", clone, bare, cwd=tmp_path)
    git("push", "-q", bare, "other:main", cwd=clone)
    change(clone, "gamma: 2.0", "gamma: 20.0")
    git("pull", "-q", "--no-rebase", "--no-edit", bare, "main", cwd=clone)
    assert "  C: 10.0\n  gamma: 20.0\n" in text(clone)


@pytest.mark.parametrize("verb", [["rebase", "other"], ["rebase", "--merge", "other"]])
def test_git_rebase_does(clone: Path, verb: list[str]) -> None:
    change(clone, "gamma: 2.0", "gamma: 20.0")
    git(*verb, "-q", cwd=clone)
    assert "  C: 10.0\n  gamma: 20.0\n" in text(clone)


def test_git_cherry_pick_and_revert_do(clone: Path) -> None:
    change(clone, "gamma: 2.0", "gamma: 20.0")
    git("cherry-pick", "other", cwd=clone)
    assert "  C: 10.0\n  gamma: 20.0\n" in text(clone)
    git("revert", "--no-edit", "HEAD~1", cwd=clone)
    assert "  C: 10.0\n  gamma: 2.0\n" in text(clone)


def test_git_stash_pop_does(clone: Path) -> None:
    document = clone / DOCUMENT
    document.write_text(text(clone).replace("gamma: 2.0", "gamma: 20.0"))
    git("stash", "-q", cwd=clone)
    git("merge", "-q", "other", cwd=clone)
    git("stash", "pop", "-q", cwd=clone)
    assert "  C: 10.0\n  gamma: 20.0\n" in text(clone)


def test_a_contradiction_is_visible_and_marks_the_contested_field_only(
    ours: GitBackend, clone: Path
) -> None:
    change(clone, "C: 1.0\n  gamma: 2.0", "C: 5.0\n  gamma: 20.0")
    done = run("git", "merge", "-q", "--no-edit", "other", cwd=clone)
    assert done.returncode == 1
    assert f"CONFLICT (content): Merge conflict in {DOCUMENT}" in done.stdout
    assert git("ls-files", "--unmerged", cwd=clone)
    assert (
        "parameters:\n<<<<<<< ours\n  C: 5.0\n=======\n  C: 10.0\n>>>>>>> theirs\n  gamma: 20.0\n"
    ) in text(clone)
    with pytest.raises(DocumentError, match="conflict markers"):
        parse_document((clone / DOCUMENT).read_bytes())
    resolved = text(clone).replace("<<<<<<< ours\n", "").replace(">>>>>>> theirs\n", "")
    (clone / DOCUMENT).write_text(resolved.replace("  C: 5.0\n=======\n", ""))
    git("commit", "-qam", "resolved", cwd=clone)
    assert b"C: 10.0" in ours.read([EXPERIMENT])[EXPERIMENT].document  # type: ignore[union-attr]


def test_a_contradiction_in_a_rebase_stops_it(clone: Path) -> None:
    change(clone, "C: 1.0", "C: 5.0")
    done = run("git", "rebase", "-q", "other", cwd=clone)
    assert done.returncode == 1
    assert "<<<<<<< ours\n  C: 10.0\n=======\n  C: 5.0\n>>>>>>> theirs\n" in text(clone)
    git("rebase", "--abort", cwd=clone)


def test_deleting_against_an_edit_is_visible(ours: GitBackend, clone: Path) -> None:
    remove(ours, EXPERIMENT)
    done = run("git", "merge", "-q", "--no-edit", "other", cwd=clone)
    assert done.returncode == 1
    assert "CONFLICT" in done.stdout
    assert "schema: deleted/1" in text(clone)
    assert "C: 10.0" in text(clone)


# -- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("contested", [False, True])
def test_without_the_interpreter_git_merges_as_it_does_elsewhere(
    clone: Path, contested: bool
) -> None:
    git("config", "merge.padre.driver", driver.command("/gone/python"), cwd=clone)
    if contested:
        change(clone, "gamma: 2.0", "gamma: 20.0")
    else:
        change(clone, "seed: 1", "seed: 2")
    done = run("git", "merge", "-q", "--no-edit", "other", cwd=clone)
    assert done.returncode == contested
    assert ("<<<<<<<" in text(clone)) is contested
    if not contested:
        assert "C: 10.0" in text(clone)
        assert "seed: 2" in text(clone)


def test_with_an_interpreter_that_has_not_this_package_likewise(clone: Path) -> None:
    venv.create(clone.parent / "other", symlinks=True)
    without = clone.parent / "other" / "bin" / "python"
    git("config", "merge.padre.driver", driver.command(str(without)), cwd=clone)
    change(clone, "gamma: 2.0", "gamma: 20.0")
    done = run("git", "merge", "-q", "--no-edit", "other", cwd=clone)
    assert done.returncode == 1
    assert "<<<<<<<" in text(clone)


def test_modules_in_the_work_tree_are_not_run(clone: Path, tmp_path: Path) -> None:
    for name in ("yaml.py", "click.py", "padre_git/__init__.py", "padre_git/__main__.py"):
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).write_text(f"open({str(tmp_path / 'run')!r}, 'w')\n")
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "traps", cwd=clone)
    change(clone, "gamma: 2.0", "gamma: 20.0")
    git("merge", "-q", "--no-edit", "other", cwd=clone)
    assert not (tmp_path / "run").exists()
    assert "  C: 10.0\n  gamma: 20.0\n" in text(clone)


def test_a_path_is_no_command(clone: Path, tmp_path: Path) -> None:
    name = "experiments/$(touch run)'`touch run`;touch run/experiment.yaml"
    for branch, value in (("main", "a"), ("left", "b"), ("right", "c")):
        if branch != "main":
            git("checkout", "-q", "-b", branch, "main", cwd=clone)
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(f"title: {value}\n")
        git("add", "-A", cwd=clone)
        git("commit", "-qm", branch, cwd=clone)
    done = run("git", "merge", "-q", "--no-edit", "left", cwd=clone)
    assert done.returncode == 1
    assert "<<<<<<<" in (clone / name).read_text(), "no document of ours: as git does it"
    assert list(clone.rglob("run")) == []


def test_an_interpreter_with_odd_letters_in_its_path(clone: Path, tmp_path: Path) -> None:
    odd = tmp_path / "my 100% ve'nv$(x)"
    odd.mkdir()
    (odd / "python").symlink_to(sys.executable)
    wrapper = odd / "run"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    git("config", "merge.padre.driver", driver.command(str(wrapper)), cwd=clone)
    change(clone, "gamma: 2.0", "gamma: 20.0")
    git("merge", "-q", "--no-edit", "other", cwd=clone)
    assert "  C: 10.0\n  gamma: 20.0\n" in text(clone)


def test_documents_that_cannot_be_read_are_a_contradiction(clone: Path) -> None:
    (clone / DOCUMENT).write_text("schema: [\n")
    git("commit", "-qam", "oops", cwd=clone)
    done = run("git", "merge", "-q", "--no-edit", "other", cwd=clone)
    assert done.returncode == 1
    assert "<<<<<<<" in text(clone)


# -- one file ------------------------------------------------------------------------------------


def test_a_file_that_both_added_and_what_is_no_document() -> None:
    one, other = (f"schema: project/1\n\ntitle: {t}\n".encode() for t in "ab")
    merged = merge_one("project.yaml", b"", one, other, project="iris")
    assert merged is not None
    assert not merged.is_clean
    assert merged.content == (
        b"schema: project/1\n\n<<<<<<< ours\ntitle: a\n=======\ntitle: b\n>>>>>>> theirs\n"
    )
    assert merge_one("README.md", b"", one, other, project="iris") is None
    assert merge_one("a/b.yaml", b"", one, other, project="iris") is None


def test_a_tombstone_against_publishing_stays_a_tombstone() -> None:
    base = b"schema: experiment/1\n\ntitle: a\n"
    theirs = base + b'\nurl: "https://a.b/c.git"\n'
    merged = merge_one(DOCUMENT, base, tombstone(None), theirs, project="iris")
    assert merged is not None
    assert merged.is_clean
    assert merged.content == tombstone(None)


# -- the format's own tables -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the branches of all rows, and the driver."""
    path = tmp_path_factory.mktemp("merges")
    git("init", "-q", "-b", "main", path, cwd=path)
    import_rows(path)
    driver.install(path, path / ".git")
    return path


@pytest.mark.parametrize(("number", "row"), list(enumerate(ROWS)), ids=[r.title for r in ROWS])
def test_with_it_plain_git_is_as_right_and_asks_no_more(
    table: Path, tmp_path: Path, number: int, row: Row
) -> None:
    for n, (first, second) in enumerate([("ours", "theirs"), ("theirs", "ours")]):
        outcome, commit = by_merge(
            table, tmp_path / str(n), f"{first}-{number}", f"{second}-{number}"
        )
        if outcome == MERGES:
            assert row.padre == MERGES
            assert tree(table, commit) == padre_merge(row)
            assert below_tombstones(tree(table, commit)) == []
        else:
            assert row.plain == CONFLICTS


def check_random(count: int, seed: int, path: Path) -> int:
    """Merges random sides with the driver and returns how many merged."""
    import random

    rng = random.Random(seed)
    sides = {}
    for number in range(count):
        start = a_side(START, rng) if rng.random() < 0.3 else START
        sides[number] = (start, a_side(start, rng), a_side(start, rng))
    repository = path / "repository"
    repository.mkdir()
    git("init", "-q", "-b", "main", repository, cwd=repository)
    import_branches(repository, sides)
    driver.install(repository, repository / ".git")
    merged = 0
    for number, versions in sides.items():
        done = run(
            "git", "merge-tree", "--write-tree", f"ours-{number}", f"theirs-{number}",
            cwd=repository,
        )  # fmt: skip
        if done.returncode:
            continue
        merged += 1
        found = tree(repository, done.stdout.split("\n")[0])
        wanted = merge_files(*versions, PROJECT)
        assert wanted.conflicts == (), (number, wanted.conflicts)
        assert found == {p: d for p, d in wanted.files.items() if d is not None}, number
        assert below_tombstones(found) == [], number
    return merged


def test_with_it_what_plain_git_merges_is_what_we_merge(tmp_path: Path) -> None:
    assert check_random(60, 11, tmp_path) > 15


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(20))
def test_with_it_what_plain_git_merges_is_what_we_merge_at_length(
    tmp_path: Path, seed: int
) -> None:
    assert check_random(300, 5000 + seed, tmp_path) > 80


@pytest.mark.parametrize("name", ["--help", "-h", "--version", "$(touch run)", "';touch run;'"])
def test_a_file_that_is_called_like_an_option_is_merged_as_git_merges_it(
    clone: Path, name: str
) -> None:
    """Whoever commits ``.gitattributes`` can send any file to the driver."""
    sides = {"main": "ours\n", "other": "theirs\n"}
    with (clone / ".gitattributes").open("a") as attributes:
        attributes.write("* merge=padre\n")
    (clone / name).write_text("base\n")
    git("add", "--", ".gitattributes", name, cwd=clone)
    git("commit", "-qm", "an odd name", cwd=clone)
    git("branch", "-f", "other", cwd=clone)
    for branch, text in sides.items():
        git("checkout", "-q", branch, cwd=clone)
        (clone / name).write_text(text)
        git("commit", "-qam", text.strip(), cwd=clone)
    git("checkout", "-q", "main", cwd=clone)
    assert run("git", "merge", "other", cwd=clone).returncode == 1
    merged = (clone / name).read_text()
    assert "ours\n" in merged
    assert "theirs\n" in merged
    assert not (clone / "run").exists()
