"""Two sides that changed the same project: merged where that is sure, told as data where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.policy import Policy
from padre_git.errors import ConflictError, NotFoundError
from padre_git.messages import ConflictFound, Notice, Op
from padre_git.model import Key, Record, Tombstone
from padre_git.testing.documents import (
    EXECUTION,
    EXPERIMENT,
    IRIS,
    document,
    files_of,
    put,
    remove,
    run_key,
    store,
)
from tests.backends.dual_stores import Lab, documents
from tests.backends.settling import FLOWERS, RUN
from tests.conftest import git

# -- what merges --------------------------------------------------------------------------------


def test_different_runs_and_different_fields_merge(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, run_key(2))
    put(ada, EXPERIMENT, title="SVM")
    put(ben, run_key(3))
    put(ben, EXPERIMENT, description="a support vector machine")
    ben.sync("iris")
    for one in (ada, ben):
        assert set(one.read([run_key(2), run_key(3)])) == {run_key(2), run_key(3)}
        text = documents(one, EXPERIMENT)["experiment.yaml"]
        assert b"title: SVM" in text
        assert b"a support vector machine" in text
    assert git("status", "--porcelain", cwd=lab.clone("ben")) == ""
    merge = git("log", "-1", "--merges", "--format=%B", cwd=lab.clone("ben"))
    assert f"Padre-Op: {Op.MERGE.value}" in merge


def test_nothing_that_was_published_is_rewritten(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    put(ada, run_key(2))
    theirs = lab.head()
    put(ben, run_key(3))
    ours = git("rev-parse", "main", cwd=lab.clone("ben")).strip()
    ben.sync("iris")
    for commit in (ours, theirs):
        git("merge-base", "--is-ancestor", commit, "main", cwd=lab.bare())


def test_the_same_in_both_is_no_conflict(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    for one in (ada, ben):
        put(one, EXPERIMENT, title="SVM")
        put(one, RUN, {"tags/best": b""})
        remove(one, FLOWERS)
    ben.sync("iris")
    assert b"title: SVM" in documents(ada, EXPERIMENT)["experiment.yaml"]
    assert ben.read([FLOWERS]) == {FLOWERS: Tombstone(key=FLOWERS)}


def test_tags_and_notes_of_two_people_on_one_run_come_together(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, RUN, {"tags/best": b"", "notes/202611220911-f3k2.md": b"good\n"})
    put(ben, RUN, {"tags/table=2": b"", "notes/202611220912-a1b2.md": b"bad\n"})
    ben.sync("iris")
    assert set(documents(ada, RUN)) == {
        "run.yaml",
        "tags/best",
        "tags/table=2",
        "notes/202611220911-f3k2.md",
        "notes/202611220912-a1b2.md",
    }


def test_a_deletion_and_a_change_elsewhere_merge(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    remove(ada, RUN)
    put(ben, EXPERIMENT, title="SVM")
    put(ben, run_key(5))
    ben.sync("iris")
    assert ben.read([RUN]) == {RUN: Tombstone(key=RUN)}
    assert run_key(5) in ada.read([run_key(5)])


def test_files_of_the_user_merge_by_path(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    for name in ("ada", "ben"):
        clone = lab.clone(name)
        (clone / f"{name}.sh").write_text("#!/bin/sh\n")
        (clone / f"{name}.sh").chmod(0o755)
        git("add", ".", cwd=clone)
        git("commit", "-qm", f"a script of {name}", cwd=clone)
    ada.sync("iris")
    ben.sync("iris")
    assert (lab.clone("ben") / "ada.sh").stat().st_mode & 0o100
    assert git("ls-tree", "main", "ben.sh", cwd=lab.bare()).startswith("100755")


# -- what does not ------------------------------------------------------------------------------


def test_a_field_that_both_changed_comes_back_as_data_and_both_go_on(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs")
    put(ada, run_key(2))
    put(ben, EXPERIMENT, title="ours")
    before = git("rev-parse", "main", cwd=lab.clone("ben"))
    lab.events.clear()
    for verb in (ben.pull, ben.push, ben.sync):
        with pytest.raises(ConflictError) as caught:
            verb("iris")
        (conflict,) = caught.value.conflicts
        assert (conflict.key, conflict.field) == (str(EXPERIMENT), "title")
        assert (conflict.base, conflict.ours, conflict.theirs) == (None, "ours", "theirs")
    assert len(lab.heard(ConflictFound)) == 1
    assert git("rev-parse", "main", cwd=lab.clone("ben")) == before
    assert git("status", "--porcelain", cwd=lab.clone("ben")) == ""
    assert b"<<<<" not in (lab.clone("ben") / "experiments/svm/experiment.yaml").read_bytes()
    put(ben, run_key(3))
    put(ada, run_key(4))
    assert b"ours" in documents(ben, EXPERIMENT)["experiment.yaml"]
    put(ben, EXPERIMENT, title="theirs")
    ben.sync("iris")
    assert {run_key(2), run_key(3), run_key(4)} <= set(ada.scan(EXPERIMENT))


def test_an_automatic_store_lists_both_sides_until_somebody_decides(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs")
    put(ada, run_key(2))
    put(ben, EXPERIMENT, title="ours")
    put(ben, run_key(3))
    lab.events.clear()
    auto = lab.store("ben")
    assert set(auto.scan(EXPERIMENT)) == {EXECUTION, RUN, run_key(2), run_key(3)}
    assert documents(auto, run_key(2)) == files_of(run_key(2))
    assert b"ours" in documents(auto, EXPERIMENT)["experiment.yaml"]
    assert len(lab.heard(ConflictFound)) == 1, "said once"
    told = len(lab.heard(Notice))
    put(auto, run_key(4))
    assert any("not merged" in notice.text for notice in lab.heard(Notice)[told:])
    assert run_key(4) in auto.read([run_key(4)])
    put(auto, EXPERIMENT, title="theirs")
    assert auto.status("iris").ahead == 0
    assert set(ada.scan(EXPERIMENT)) == {EXECUTION, RUN, *(run_key(n) for n in (2, 3, 4))}


def test_the_same_new_name_from_two_people_is_a_conflict(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    tree = IRIS.experiment("tree")
    put(ada, tree, title="by Ada")
    put(ben, tree, title="by Ben")
    with pytest.raises(ConflictError) as caught:
        ben.sync("iris")
    assert {c.key for c in caught.value.conflicts} == {str(tree)}


def test_two_projects_of_one_name_stay_apart_and_the_way_out_works(lab: Lab) -> None:
    lab.go_offline()
    ada, ben = lab.store("ada", policy=Policy.MANUAL), lab.store("ben", policy=Policy.MANUAL)
    put(ada, IRIS, title="Ada's")
    put(ben, IRIS, title="Ben's")
    put(ben, FLOWERS)
    lab.go_online()
    ada.sync("iris")
    for verb in (ben.sync, ben.push, ben.pull):
        with pytest.raises(ConflictError, match="nothing in common") as caught:
            verb("iris")
    assert "rename the directory" in str(caught.value.hint)
    assert documents(ben, IRIS)["project.yaml"] == document(IRIS, title="Ben's")
    lab.clone("ben").rename(lab.clone("ben", "irises"))
    ben.sync("irises")
    ben.sync("iris")
    other, cleo = Key.project_named("irises"), lab.store("cleo")
    assert b"Ben's" in documents(cleo, other)["project.yaml"]
    assert b"Ada's" in documents(cleo, IRIS)["project.yaml"]
    assert documents(cleo, other.dataset("flowers"))


def test_a_file_of_the_user_that_both_changed_is_named_by_its_path(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    for name in ("ada", "ben"):
        clone = lab.clone(name)
        (clone / "README.md").write_text(f"by {name}\n")
        git("add", ".", cwd=clone)
        git("commit", "-qm", "say what it is", cwd=clone)
    ada.sync("iris")
    with pytest.raises(ConflictError) as caught:
        ben.sync("iris")
    assert [conflict.key for conflict in caught.value.conflicts] == ["README.md"]
    # the way that everybody knows
    git("pull", "-q", "--no-rebase", cwd=lab.clone("ben"), check=False)
    (lab.clone("ben") / "README.md").write_text("by both\n")
    git("commit", "-qam", "agree", cwd=lab.clone("ben"))
    ben.sync("iris")
    ada.pull("iris")
    assert (lab.clone("ada") / "README.md").read_text() == "by both\n"


def test_a_file_here_and_a_directory_there_is_a_conflict(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    for name, path in (("ada", "plots"), ("ben", "plots/first.txt")):
        place = lab.clone(name) / path
        place.parent.mkdir(exist_ok=True)
        place.write_text("x\n")
        git("add", ".", cwd=lab.clone(name))
        git("commit", "-qm", "plots", cwd=lab.clone(name))
    ada.sync("iris")
    with pytest.raises(ConflictError) as caught:
        ben.sync("iris")
    assert {conflict.key for conflict in caught.value.conflicts} == {"plots"}


def test_links_merge_if_one_side_has_changed_them(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    clone = lab.clone("ada")
    (clone / "latest").symlink_to("one")
    git("add", ".", cwd=clone)
    git("commit", "-qm", "latest", cwd=clone)
    ada.sync("iris")
    ben.sync("iris")
    set_link(lab.clone("ada"), "two")
    put(ben, run_key(2))
    ada.sync("iris")
    ben.sync("iris")
    assert git("show", "main:latest", cwd=lab.clone("ben")) == "two"
    set_link(lab.clone("ada"), "three")
    set_link(lab.clone("ben"), "four")
    ada.sync("iris")
    with pytest.raises(ConflictError) as caught:
        ben.sync("iris")
    assert [conflict.key for conflict in caught.value.conflicts] == ["latest"]


def set_link(clone: Path, target: str) -> None:
    """Commits a link, also where the file system is told to have none."""
    link = git("hash-object", "-w", "--stdin", cwd=clone, input=target).strip()
    git("update-index", "--add", "--cacheinfo", f"120000,{link},latest", cwd=clone)
    git("commit", "-qm", f"latest is {target}", cwd=clone)
    git("checkout", "-q", "-f", "HEAD", "--", "latest", cwd=clone)


def test_what_one_side_cannot_read_is_merged_around(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    broken = lab.clone("ben") / "datasets/flowers/dataset.yaml"
    broken.write_text("schema: [\n")
    git("commit", "-qam", "oops", cwd=lab.clone("ben"))
    put(ada, run_key(2))
    ben.sync("iris")
    assert run_key(2) in ben.read([run_key(2)])
    found = ada.read([FLOWERS])[FLOWERS]
    assert isinstance(found, Record)
    assert found.document == b"schema: [\n"


def test_settled_with_plain_git_either_side_can_win(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs")
    put(ben, EXPERIMENT, title="ours")
    with pytest.raises(ConflictError):
        ben.sync("iris")
    clone = lab.clone("ben")
    git("pull", "-q", "--no-rebase", cwd=clone, check=False)
    git("checkout", "--ours", "experiments", cwd=clone)
    git("commit", "-qam", "ours counts", cwd=clone)
    ben.sync("iris")
    assert b"title: ours" in documents(ada, EXPERIMENT)["experiment.yaml"]


# -- what only the remote has while something else contradicts ------------------------------------


def test_runs_can_be_stored_below_an_experiment_that_is_not_merged_yet(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    theirs = IRIS.experiment("theirs")
    below = run_key(10, theirs)
    put(ada, EXPERIMENT, title="ours")
    store(ada, theirs)
    put(ben, EXPERIMENT, title="mine")
    with pytest.raises(ConflictError):
        ben.sync("iris")
    put(ben, below)
    put(ben, EXPERIMENT, title="ours")
    ben.sync("iris")
    assert set(ada.read([theirs, below])) == {theirs, below}


def test_a_record_that_is_not_merged_yet_cannot_be_changed_before_it_is(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    new_run = run_key(9)
    put(ada, EXPERIMENT, title="ours")
    store(ada, new_run)
    put(ben, EXPERIMENT, title="mine")
    with pytest.raises(ConflictError):
        ben.sync("iris")
    found = ben.read([new_run])[new_run]
    assert isinstance(found, Record)
    with pytest.raises(ConflictError, match="at the remote and not merged yet"):
        put(ben, new_run, {"tags/best": b""}, expected=found.revision)
    put(ada, new_run, seed=2)
    put(ben, EXPERIMENT, title="ours")
    ben.sync("iris")
    assert documents(ben, new_run) == files_of(new_run, seed=2)


def test_what_was_deleted_here_is_not_taken_over_by_a_write_below_it(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="changed")
    remove(ben, EXPERIMENT)
    with pytest.raises(ConflictError):
        ben.sync("iris")
    with pytest.raises(NotFoundError):
        put(ben, run_key(9))
