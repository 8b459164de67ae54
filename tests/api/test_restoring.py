"""Restoring: one call takes a deletion back, in any clone, and nothing else changes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git import (
    AmbiguousReferenceError,
    Dataset,
    InvalidInputError,
    NotFoundError,
    Notice,
    Restored,
    Run,
    Store,
)
from padre_git.backends.status import State
from tests.conftest import git

Open = Callable[..., Store]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Open]:
    """Opens the store of a person; all share one directory of repositories."""
    (tmp_path / "lab").mkdir()
    opened: list[Store] = []

    def person(name: str, **options: object) -> Store:
        given = {"remote": str(tmp_path / "lab"), "max_age": 0, "policy": "auto", **options}
        opened.append(padre_git.open(tmp_path / name, **given))  # type: ignore[arg-type]
        return opened[-1]

    yield person
    for store in opened:
        store.close()


@pytest.fixture
def ada(people: Open) -> Store:
    """A store with an experiment of two runs, one with a tag, a note, a split and data."""
    store = people("ada")
    for c in (1.0, 10.0):
        with store.start_run("iris/svm", {"C": c}, seed=7) as run:
            run.log_metric("accuracy", 0.9)
            run.log_text("model.txt", f"C is {c}\n")
            run.put_split(0, train=[1, 2], test=[3])
    store.flush()
    first = store.runs.list("iris/svm")[0]
    store.runs.tag(first, {"candidate": ""})
    store.runs.note(first, "the one to beat")
    store.datasets.put(Dataset(project="iris", name="flowers", title="Petals"))
    return store


def everything(store: Store) -> object:
    """Returns all records of a project as they are, and its files."""
    return (
        store.experiments.list("iris"),
        store.datasets.list("iris"),
        store.executions.list("iris"),
        store.runs.list("iris"),
    )


def files(store: Store) -> dict[str, str]:
    """Returns every file of the project's last commit with the id of its content."""
    lines = git("ls-tree", "-r", "main", cwd=store.project_path("iris")).splitlines()
    return {path: head.split()[2] for head, _, path in (line.partition("\t") for line in lines)}


@pytest.mark.parametrize("ref", ["iris", "iris/svm", "iris/flowers", "run", "id"])
def test_what_comes_back_is_what_was_there_in_every_clone(
    ada: Store, people: Open, ref: str
) -> None:
    run = ada.runs.list("iris/svm")[0]
    ref = {"run": run.key.text, "id": str(run.id)[-12:]}.get(ref, ref)
    before, stored = everything(ada), files(ada)
    key = ada.key(ref)
    {"project": ada.projects, "run": ada.runs, "dataset": ada.datasets}.get(
        key.kind, ada.experiments
    ).delete(key)  # type: ignore[attr-defined]
    assert not ada.runs.exists(key) if key.kind == "run" else True
    ben = people("ben")  # has never seen anything but the tombstone
    assert [gone.key for gone in ada.deleted()] == [key]
    assert ref == "iris" or ben.deleted("iris") == ada.deleted()
    assert ben.restore(ref).key == key
    assert everything(ben) == everything(ada) == before
    assert files(ada) == files(ben) == stored
    assert ben.status("iris").state is State.PUBLISHED
    assert ada.deleted("iris") == []
    assert ada.artifacts.get(run, "model.txt").read_text() == "C is 1.0\n"
    for store in (ada, ben):
        assert git("status", "--porcelain", cwd=store.project_path("iris")) == ""
        assert git("fsck", "--strict", "--no-dangling", cwd=store.project_path("iris")) == ""


@pytest.mark.parametrize("form", ["entity", "key", "text", "path", "part", "url"])
def test_a_run_is_deleted_and_restored_by_whatever_means_it(ada: Store, form: str) -> None:
    run = ada.runs.list("iris/svm")[0]
    assert run.url is not None
    refs: dict[str, padre_git.Entity | padre_git.Key | str] = {
        "entity": run,
        "key": run.key,
        "text": run.key.text,
        "path": f"iris/svm/{run.id}",
        "part": str(run.id)[-12:][:8],
        "url": run.url,
    }
    for mode in ("all", "remote", "local"):
        ada.runs.delete(refs[form], mode=mode)
        assert (run.key in {gone.key for gone in ada.deleted("iris")}) is (mode != "local")
        assert ada.runs.restore(refs[form]) == run
        assert ada.status("iris").records == {}


def test_files_of_the_users_come_back_too(ada: Store) -> None:
    clone = ada.project_path("iris")
    (clone / "experiments/svm/notes.md").write_text("why we try this\n")
    git("add", ".", cwd=clone)
    git("commit", "-q", "-m", "why", cwd=clone)
    ada.experiments.delete("iris/svm")
    assert not (clone / "experiments/svm/notes.md").exists()
    ada.experiments.restore("iris/svm")
    assert (clone / "experiments/svm/notes.md").read_text() == "why we try this\n"


def test_history_says_what_was_restored_and_loses_nothing(ada: Store) -> None:
    deleted = "delete experiment svm"
    ada.experiments.delete("iris/svm")
    (gone,) = ada.deleted("iris")
    assert (gone.subject, gone.author.name) == (deleted, "Ada Lovelace")  # type: ignore[union-attr]
    assert ada.experiments.exists("iris/svm", at=gone.state)
    ada.experiments.restore("iris/svm")
    said = [version.subject for version in ada.log("iris") if version.op != "publish"]
    assert said[:2] == ["restore experiment svm", deleted]


def test_a_kept_copy_is_published_again_with_all_below(ada: Store, people: Open) -> None:
    before = everything(ada)
    ada.experiments.delete("iris/svm", mode="remote")
    ben = people("ben")
    assert not ben.experiments.exists("iris/svm")
    ada.experiments.restore("iris/svm")
    assert everything(ben) == everything(ada) == before
    assert ada.status("iris").records == {}
    assert git("for-each-ref", "refs/padre/kept", cwd=ada.project_path("iris")) == ""


def test_what_was_evicted_comes_back_without_a_commit(ada: Store) -> None:
    clone = ada.project_path("iris")
    head = git("rev-parse", "main", cwd=clone)
    ada.experiments.delete("iris/svm", mode="local")
    assert not (clone / "experiments/svm/experiment.yaml").exists()
    ada.experiments.restore("iris/svm")
    assert (clone / "experiments/svm/experiment.yaml").exists()
    assert git("rev-parse", "main", cwd=clone) == head


def test_evicted_and_then_deleted_it_comes_back_into_the_work_tree(ada: Store) -> None:
    before = everything(ada)
    ada.experiments.delete("iris/svm", mode="local")
    ada.experiments.delete("iris/svm")
    assert ada.status("iris").records == {}
    ada.experiments.restore("iris/svm")
    assert everything(ada) == before
    assert (ada.project_path("iris") / "experiments/svm/experiment.yaml").exists()


def test_a_renamed_record_comes_back_by_either_name(ada: Store) -> None:
    ada.experiments.rename("iris/svm", "rbf")
    with pytest.raises(InvalidInputError, match="renamed to 'iris/experiments/rbf'"):
        ada.experiments.restore("iris/svm")
    for name in ("iris/svm", "iris/rbf"):
        ada.experiments.delete("iris/rbf")
        assert ada.experiments.restore(name).name == "rbf"
        assert len(ada.runs.list("iris/rbf")) == 2
    assert ada.deleted("iris") == []


def test_an_experiment_goes_back_and_its_newer_runs_stay(ada: Store) -> None:
    before = ada.experiments.history("iris/svm")[0].state
    ada.experiments.put(ada.experiments.get("iris/svm").replace(title="wrong"))
    with ada.start_run("iris/svm", {"C": 100.0}):
        pass
    assert ada.experiments.restore("iris/svm", at=before).title is None
    assert ada.experiments.get("iris/svm").title is None
    assert len(ada.runs.list("iris/svm")) == 3
    assert ada.experiments.history("iris/svm")[0].op == "restore"


def test_an_experiment_goes_back_to_what_it_was_under_another_name(ada: Store) -> None:
    ada.experiments.put(ada.experiments.get("iris/svm").replace(title="right"))
    before = ada.experiments.history("iris/svm")[0].state
    ada.experiments.put(ada.experiments.get("iris/svm").replace(title="wrong"))
    ada.experiments.rename("iris/svm", "rbf")
    assert ada.experiments.restore("iris/svm", at=before).title == "right"
    assert ada.experiments.get("iris/rbf").title == "right"


def test_a_living_record_is_not_replaced_unasked(ada: Store) -> None:
    with pytest.raises(InvalidInputError, match="not deleted") as caught:
        ada.experiments.restore("iris/svm")
    assert "--at" in str(caught.value.hint)


def test_a_run_of_a_name_that_was_used_again_comes_back(ada: Store) -> None:
    run = ada.runs.list("iris/svm")[0]
    ada.experiments.delete("iris/svm")
    with pytest.raises(NotFoundError, match="below") as caught:
        ada.runs.restore(run.key)
    assert "restore 'iris/experiments/svm'" in str(caught.value.hint)
    ada.ensure("iris/svm")
    restored = ada.runs.restore(run.key)
    assert restored == run
    assert ada.executions.get(run.execution) is not None


def test_a_run_brings_its_deleted_execution_along(ada: Store) -> None:
    run, other = ada.runs.list("iris/svm")
    for one in (run, other):
        ada.runs.delete(one)
    ada.executions.delete(run.execution)
    ada.runs.restore(str(run.id)[-12:])
    assert ada.executions.exists(run.execution)
    assert ada.runs.list("iris/svm") == [run]


def test_what_was_removed_with_plain_git_is_found_by_its_key(ada: Store) -> None:
    run = ada.runs.list("iris/svm")[0]
    clone = ada.project_path("iris")
    git("rm", "-q", "-r", f"experiments/svm/runs/{str(run.id)[2:6]}-{str(run.id)[6:8]}", cwd=clone)
    git("commit", "-q", "-m", "tidy up", cwd=clone)
    assert ada.runs.restore(run.key) == run


def test_part_of_an_id_that_fits_several_deleted_runs_is_ambiguous(ada: Store) -> None:
    runs = ada.runs.list("iris/svm")
    for run in runs:
        ada.runs.delete(run)
    with pytest.raises(AmbiguousReferenceError, match="2 deleted runs"):
        ada.runs.restore("r-2")


def test_what_is_no_reference_restores_nothing(ada: Store) -> None:
    ada.runs.delete(ada.runs.list("iris/svm")[0])
    for ref in ("", "/", "iris//", "../iris", "a b", "*"):
        with pytest.raises(InvalidInputError):
            ada.runs.restore(ref)
    assert len(ada.deleted()) == 1


def test_what_never_was_is_not_restored(ada: Store) -> None:
    for ref in ("iris/nothing", "nowhere", "iris/svm/zzzzzz"):
        with pytest.raises(NotFoundError):
            ada.restore(ref)


def test_where_history_was_cut_the_error_says_how_to_get_it(
    ada: Store, people: Open, tmp_path: Path
) -> None:
    ada.experiments.delete("iris/svm")
    (tmp_path / "cut").mkdir()
    url = f"file://{tmp_path}/lab/iris.git"
    git("clone", "-q", "--depth=1", url, tmp_path / "cut/iris", cwd=tmp_path)
    cut = people("cut", policy="manual")
    assert [(gone.key.name, gone.state) for gone in cut.deleted("iris")] == [("svm", None)]
    with pytest.raises(NotFoundError) as caught:
        cut.experiments.restore("iris/svm")
    assert "fetch --unshallow" in str(caught.value.hint)
    git("fetch", "-q", "--unshallow", cwd=tmp_path / "cut/iris")
    assert cut.experiments.restore("iris/svm").name == "svm"


def test_data_that_nobody_has_any_more_is_named(ada: Store, tmp_path: Path) -> None:
    heard: list[Notice] = []
    back: list[Restored] = []
    ada.subscribe(Notice, heard.append)
    ada.subscribe(Restored, back.append)
    run = ada.runs.list("iris/svm")[0]
    ada.runs.delete(run)
    ada.runs.restore(run)
    assert [event.key for event in back] == [run.key]
    assert heard == []
    ada.runs.delete(run)
    shutil.rmtree(ada.project_path("iris") / ".git/padre/cache")
    shutil.rmtree(tmp_path / "lab/iris.dvc/files")
    ada.runs.restore(run)
    assert "nobody has this data" in " ".join(notice.text for notice in heard)
    assert ada.runs.exists(run)


def test_uncommitted_work_in_the_place_is_not_overwritten(ada: Store) -> None:
    ada.experiments.delete("iris/svm")
    place = ada.project_path("iris") / "experiments/svm/experiment.yaml"
    place.write_text("schema: experiment/1\n# mine\n")
    with pytest.raises(padre_git.ConflictError):
        ada.experiments.restore("iris/svm")
    assert place.read_text().endswith("# mine\n")


def test_a_restore_is_not_part_of_a_transaction(ada: Store) -> None:
    run = ada.runs.list("iris/svm")[0]
    ada.runs.delete(run)
    with (
        pytest.raises(InvalidInputError, match="transaction"),
        ada.transaction("iris", "all at once"),
    ):
        ada.runs.restore(run)
    assert isinstance(ada.restore(run), Run)
