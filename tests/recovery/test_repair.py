"""Repair beyond single cells: without a remote, what is lost, what is staged, kills, parents."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import padre_git
from padre_git import DamagedError, NotFoundError, Notice, RepositoryError, Skipped
from padre_git.messages import Piece, Source
from padre_git.vcs.packindex import read_index
from padre_git.vcs.soundness import take_stock
from tests.conftest import git
from tests.killing import killed
from tests.recovery.clinic import HARMS, pack_with, records, snapshot


@pytest.fixture
def alone(tmp_path: Path) -> padre_git.Store:
    """A store without a remote, with one project of three runs."""
    store = padre_git.open(tmp_path / "alone")
    for number in range(3):
        with store.start_run("iris/svm", {"C": number}) as run:
            run.log_metric("accuracy", 0.5)
    return store


def flip(path: Path) -> None:
    path.chmod(0o644)
    HARMS["a byte flipped"](path)


def pack_of_tip(clone: Path) -> Path:
    tip = bytes.fromhex(git("rev-parse", "main", cwd=clone).strip())
    packs = (clone / ".git/objects/pack").glob("*.pack")
    return next(p for p in packs if tip in {o.id for o in read_index(p.with_suffix(".idx"))})


# ------------------------------------------------------------------------------ without a remote


@pytest.mark.parametrize("harm", HARMS)
def test_what_was_never_published_comes_from_the_work_tree(
    alone: padre_git.Store, harm: str
) -> None:
    clone = alone.project_path("iris")
    before = records(alone)
    pack = pack_of_tip(clone)
    pack.chmod(0o644)
    HARMS[harm](pack)
    found = alone.verify("iris")
    assert {one.source for one in found} == {Source.WORK_TREE}, found
    assert alone.repair("iris") == ()
    assert records(alone) == before
    git("fsck", "--full", "--strict", cwd=clone)
    assert git("status", "--porcelain", cwd=clone) == ""
    if harm == "removed":
        assert "from the work tree" in git("log", "-1", "--format=%s", cwd=clone)


def test_every_document_and_tree_comes_back_when_its_commit_is_spared(
    alone: padre_git.Store,
) -> None:
    clone = alone.project_path("iris")
    before = records(alone)
    git("-c", "gc.auto=0", "repack", "-q", "-a", "-d", cwd=clone)
    (pack,) = (clone / ".git/objects/pack").glob("*.pack")
    content = pack.read_bytes()
    pack.unlink()
    pack.with_suffix(".idx").unlink()
    (clone / "pack").write_bytes(content)
    with (clone / "pack").open("rb") as file:
        git("unpack-objects", "-q", cwd=clone, stdin=file)
    (clone / "pack").unlink()
    names = git("ls-tree", "-r", "-t", "main", cwd=clone).splitlines()
    for oid in {line.split()[2] for line in names} | {
        git("rev-parse", "main^{tree}", cwd=clone)[:40]
    }:
        (clone / ".git/objects" / oid[:2] / oid[2:]).unlink()
    found = alone.verify("iris")
    assert {one.source for one in found} == {Source.WORK_TREE}
    assert alone.repair("iris") == ()
    assert records(alone) == before
    git("fsck", "--full", cwd=clone)


def test_what_has_no_other_copy_is_named_with_the_records_that_are_lost(
    alone: padre_git.Store,
) -> None:
    clone = alone.project_path("iris")
    runs = alone.runs.list()
    pack, oid = pack_with(clone, "svm")
    document = git("log", "--all", "--format=", "--name-only", f"--find-object={oid}", cwd=clone)
    (lost,) = (run for run in runs if str(run.id) in document)
    (clone / document.strip()).unlink()
    git("rm", "-q", "--cached", document.strip(), cwd=clone)
    content = pack.read_bytes()
    pack.unlink()
    pack.with_suffix(".idx").unlink()
    (clone.parent / "pack").write_bytes(content)
    with (clone.parent / "pack").open("rb") as file:
        git("unpack-objects", "-q", cwd=clone, stdin=file)
    flip(clone / ".git/objects" / oid[:2] / oid[2:])
    (found,) = [one for one in alone.verify("iris") if one.piece is Piece.OBJECT]
    assert found.records == (lost.key,)
    assert found.source is None
    left = [one for one in alone.repair("iris") if one.piece is Piece.OBJECT]
    assert [(one.records, one.problem) for one in left] == [((lost.key,), "missing")]
    with pytest.raises(DamagedError, match="'iris'"):
        alone.runs.get(lost.key)
    assert {run.key for run in alone.runs.list()} == {run.key for run in runs} - {lost.key}


def test_a_directory_that_cannot_be_read_hides_only_what_is_in_it(
    store: padre_git.Store, clone: Path
) -> None:
    runs = store.runs.list()
    shard = next((clone / "experiments/tree/runs").iterdir()).relative_to(clone)
    oid = git("rev-parse", f"main:{shard}", cwd=clone).strip()
    for pack in sorted((clone / ".git/objects/pack").glob("*.pack")):
        for place in read_index(pack.with_suffix(".idx")):
            if place.id.hex() == oid:
                content = bytearray(pack.read_bytes())
                content[place.offset + 9] ^= 0xFF
                pack.chmod(0o644)
                pack.write_bytes(content)
    skipped: list[Skipped] = []
    with padre_git.open(store.root, policy="manual") as fresh:
        fresh.subscribe(Skipped, skipped.append)
        listed = {run.key for run in fresh.runs.list()}
        assert listed == {run.key for run in runs if "/tree/" not in run.key.text}
        assert skipped
        assert oid in str(skipped[0].error)
        (found,) = fresh.verify("iris")
        assert {run.key for run in runs} - listed <= set(found.records)
        assert fresh.repair("iris") == ()
    assert {run.key for run in store.runs.list()} == {run.key for run in runs}


# ----------------------------------------------------------------------------------- the index


@pytest.mark.parametrize("harm", ["a byte flipped", "cut off"])
def test_what_is_staged_stays_staged_where_it_can_be_read(
    store: padre_git.Store, clone: Path, harm: str
) -> None:
    (clone / "README.md").write_text("ours\n")
    git("add", "README.md", cwd=clone)
    git("commit", "-q", "-m", "readme", cwd=clone)
    (clone / "README.md").write_text("mine\n")
    (clone / "aaa.txt").write_text("a new file\n")
    git("add", "README.md", "aaa.txt", cwd=clone)
    (clone / "README.md").write_text("mine, and more\n")
    before = git("status", "--porcelain", cwd=clone)
    assert before == "MM README.md\nA  aaa.txt\n"
    index = clone / ".git/index"
    if harm == "cut off":
        os.truncate(index, index.stat().st_size - 30)
    else:
        content = bytearray(index.read_bytes())
        content[-25] ^= 0xFF
        index.write_bytes(content)
    assert store.repair("iris") == ()
    assert git("status", "--porcelain", cwd=clone) == before
    assert (clone / "README.md").read_text() == "mine, and more\n"


def test_an_index_damaged_at_any_byte_never_costs_a_file(
    store: padre_git.Store, clone: Path
) -> None:
    (clone / "aaa.txt").write_text("a new file\n")
    git("add", "aaa.txt", cwd=clone)
    index = clone / ".git/index"
    whole = index.read_bytes()
    committed = set(git("ls-tree", "-r", "--name-only", "main", cwd=clone).splitlines())
    for at in range(0, len(whole), len(whole) // 12):
        content = bytearray(whole)
        content[at] ^= 0xFF
        index.write_bytes(content)
        assert store.repair("iris") == ()
        listed = set(git("ls-files", cwd=clone).splitlines())
        assert committed <= listed <= committed | {"aaa.txt"}


# ------------------------------------------------------------------------------ many at once


def wreck(clone: Path) -> None:
    """Damages a bit of everything."""
    pack, _ = pack_with(clone, "tree")
    flip(pack)
    (clone / ".git/HEAD").write_text("")
    (clone / ".git/config").write_text("[core\n")
    (clone / ".git/refs/heads/main").write_text("")
    os.truncate(clone / ".git/index", 40)
    next((clone / "experiments").rglob("experiment.yaml")).write_bytes(b"\xff\xfe")


def test_many_things_at_once_are_mended_in_one_go(store: padre_git.Store, clone: Path) -> None:
    before = records(store)
    wreck(clone)
    assert len(store.verify("iris")) >= 5
    assert store.repair("iris") == ()
    assert records(store) == before
    assert git("status", "--porcelain", cwd=clone) == ""
    git("fsck", "--full", "--strict", cwd=clone)
    assert git("config", "remote.origin.fetch", cwd=clone)


def test_what_was_replaced_is_kept(store: padre_git.Store, clone: Path) -> None:
    told: list[Notice] = []
    store.subscribe(Notice, told.append)
    document = next((clone / "experiments").rglob("experiment.yaml"))
    document.write_bytes(b"\xff\xfe")
    (clone / ".git/HEAD").write_text("nonsense")
    store.repair("iris")
    (place,) = (clone / ".git/padre/damaged").iterdir()
    assert any(str(place) in notice.text for notice in told)
    assert (place / "HEAD").read_text() == "nonsense"
    assert (place / "work-tree" / document.relative_to(clone)).read_bytes() == b"\xff\xfe"


def test_a_repair_that_was_killed_before_its_pack_had_an_index_is_finished(
    alone: padre_git.Store, tmp_path: Path
) -> None:
    before = records(alone)
    clone = alone.project_path("iris")
    pack = pack_of_tip(clone)
    first = pack.with_name(f"pack-{'0' * 40}.pack")  # it is looked at before the other
    pack.with_suffix(".idx").rename(first.with_suffix(".idx"))
    pack = pack.rename(first)
    flip(pack)
    spare = take_stock(clone / ".git", tmp_path).spare[pack]
    shutil.copy(spare, pack.parent)
    assert alone.repair("iris") == ()
    assert records(alone) == before
    git("fsck", "--full", "--strict", cwd=clone)


@pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.nightly)])
def test_a_repair_that_is_killed_anywhere_is_finished_by_the_next(
    root: Path, tmp_path: Path, stride: int
) -> None:
    with padre_git.open(root, policy="manual") as store:
        before = records(store)
    wreck(root / "iris")
    kept = tmp_path / "kept"
    shutil.copytree(root / "iris", kept, symlinks=True)

    def work() -> None:
        with padre_git.open(root, policy="manual") as store:
            store.repair("iris")

    number = 1
    while killed(number, root / "iris", work):
        with padre_git.open(root, policy="manual") as store:
            assert store.repair("iris") == (), number
            assert records(store) == before
        assert git("status", "--porcelain", cwd=root / "iris") == ""
        shutil.rmtree(root / "iris")
        shutil.copytree(kept, root / "iris", symlinks=True)
        number += stride
    assert number > 10


# ------------------------------------------------------------------------------------- parents


def test_a_record_whose_parent_was_removed_by_hand_is_read_and_its_parent_restored(
    store: padre_git.Store, clone: Path
) -> None:
    before = records(store)
    experiment = store.experiments.get("iris/svm")
    git("rm", "-q", "experiments/svm/experiment.yaml", cwd=clone)
    git("commit", "-q", "-m", "oops", cwd=clone)
    assert records(store) == before
    assert len(store.runs.list("iris")) >= 2
    (found,) = store.verify("iris")
    assert (found.piece, found.source) == (Piece.PARENT, Source.HISTORY)
    assert found.records == (experiment.key,)
    assert store.repair("iris") == ()
    assert store.experiments.get("iris/svm") == experiment
    assert git("status", "--porcelain", cwd=clone) == ""
    assert "Padre-Op: restore" in git("log", "-1", "--format=%B", cwd=clone)


def test_runs_are_found_by_name_while_the_document_of_their_experiment_is_missing(
    store: padre_git.Store, clone: Path
) -> None:
    (run, *_) = runs = store.runs.list("iris/svm")
    git("rm", "-q", "experiments/svm/experiment.yaml", cwd=clone)
    git("commit", "-q", "-m", "oops", cwd=clone)
    assert store.runs.list("iris/svm") == runs
    assert store.runs.get(f"iris/svm/{run.key.name}") == run
    assert store.key(f"iris/svm/{run.key.name}") == run.key
    assert not store.experiments.exists("iris/svm")
    with pytest.raises(NotFoundError) as error:
        store.experiments.get("iris/svm")
    assert "padre-git repair iris" in str(error.value.hint)
    with pytest.raises(NotFoundError):
        store.runs.list("iris/nothing")


def test_a_clone_that_is_well_is_not_touched(store: padre_git.Store, clone: Path) -> None:
    records(store)
    before = {n: v for n, v in snapshot(clone).items() if not n.startswith(".git/padre/")}
    assert store.verify("iris") == store.repair("iris") == ()
    after = {n: v for n, v in snapshot(clone).items() if not n.startswith(".git/padre/")}
    assert after == before
    assert not (clone / ".git/padre/damaged").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("branch", "-m", "trunk"),
        ("symbolic-ref", "refs/heads/main", "refs/heads/nowhere"),
        ("rm", "-rq", ".padre"),
    ],
)
def test_a_project_that_cannot_be_read_is_never_called_sound(
    alone: padre_git.Store, words: tuple[str, ...]
) -> None:
    clone = alone.project_path("iris")
    git(*words, cwd=clone)
    if words[0] == "rm":
        git("commit", "-qm", "away", cwd=clone)
    with pytest.raises(padre_git.PadreGitError) as said:
        alone.runs.list("iris/svm")
    with pytest.raises(type(said.value), match=re.escape(str(said.value).splitlines()[0])):
        alone.verify("iris")


def test_names_that_are_no_text_are_no_damage_and_survive_a_repair(
    store: padre_git.Store, clone: Path
) -> None:
    tip = git("rev-parse", "main", cwd=clone).strip()
    odd = [b"heads/caf\xe9", "heads/a\u2028b".encode(), "heads/x\u0085y".encode(), b"tags/t\xff"]
    for name in odd:
        git("update-ref", os.fsdecode(b"refs/" + name), tip, cwd=clone)
    git("pack-refs", "--all", cwd=clone)
    everything = ["for-each-ref", "--format=%(refname)"]
    before = subprocess.run(["git", *everything], cwd=clone, capture_output=True, check=True)
    assert store.verify("iris") == ()
    with (clone / ".git/packed-refs").open("ab") as file:
        file.write(b"torn\n")
    assert [damage.name for damage in store.verify("iris")] == ["packed-refs"]
    assert store.repair("iris") == ()
    after = subprocess.run(["git", *everything], cwd=clone, capture_output=True, check=True)
    assert after.stdout == before.stdout


def test_what_git_cannot_read_is_never_called_sound(alone: padre_git.Store) -> None:
    (alone.project_path("iris") / ".git/shallow").write_text("no commit\n")
    for look in (alone.verify, alone.repair):
        with pytest.raises(RepositoryError, match="bad shallow line"):
            look("iris")


def test_a_branch_that_was_removed_with_its_log_is_missed_and_restored(
    alone: padre_git.Store,
) -> None:
    before = records(alone)
    clone = alone.project_path("iris")
    git("update-ref", "-d", "refs/heads/main", cwd=clone)
    with pytest.raises(DamagedError, match="branch 'main' is missing"):
        alone.runs.list("iris/svm")
    assert [damage.name for damage in alone.verify("iris")] == ["refs/heads/main"]
    assert alone.repair("iris") == ()
    assert records(alone) == before
