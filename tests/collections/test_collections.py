"""Collections: the verbs of every kind, as people use them."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from padre_git.api.store import Store
from padre_git.errors import (
    AmbiguousReferenceError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)
from padre_git.messages import Notice, Skipped
from padre_git.model import (
    Computation,
    Dataset,
    Execution,
    Experiment,
    Key,
    Kind,
    Project,
    Results,
    Run,
    Split,
    Status,
)

SVM = Key.project_named("iris").experiment("svm")


def test_get_takes_what_people_type(store: Store) -> None:
    run = store.runs.get("iris/svm/k3v9")
    for reference in (run, run.key, str(run.key), run.id, "iris/svm/k3v9x2m7", "iris/k3v9"):
        assert store.runs.get(reference) == run
    assert store.experiments.get("iris/svm").key == SVM
    with pytest.raises(AmbiguousReferenceError):
        store.experiments.get("svm")


def test_lists_take_any_parent_that_lies_above(store: Store) -> None:
    execution = store.executions.list("iris")[0]
    parents = ["iris", "iris/svm", execution, execution.id and f"iris/svm/{execution.id}", SVM]
    for parent in parents:
        assert [run.seed for run in store.runs.list(parent)] == [0, 1]
    assert len(store.runs.list()) == 4
    assert len(store.projects.list()) == len(store.experiments.list()) == 2
    assert [dataset.name for dataset in store.datasets.list("digits")] == ["digits-data"]


def test_a_parent_must_be_there_and_lie_above(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.runs.list("iris/nothing")
    with pytest.raises(InvalidInputError, match="not a project"):
        store.datasets.list(SVM)
    with pytest.raises(InvalidInputError, match="lies below nothing"):
        store.projects.list("iris")
    with pytest.raises(InvalidInputError, match="too deep"):
        store.datasets.list("iris/svm/k3v9")


def test_the_callers_mapping_is_only_read(store: Store) -> None:  # D14
    where = {"status": ["finished"], "parameters": {"C": 1}}
    assert len(store.runs.list(where=where)) == 2
    assert where == {"status": ["finished"], "parameters": {"C": 1}}


def test_offset_and_limit_count(store: Store) -> None:  # D14
    everything = store.runs.list()
    pages = [store.runs.list(limit=1, offset=n) for n in range(5)]
    assert [page[0] for page in pages[:4]] == everything
    assert pages[4] == []


def test_lists_hold_entities_only(store: Store) -> None:  # D14
    assert {type(run) for run in store.runs.list()} == {Run}


@pytest.mark.parametrize("options", [{"order_by": 3}, {"order_by": [3]}, {"at": 3}, {"where": 3}])
def test_options_of_the_wrong_type_are_refused(store: Store, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        store.runs.list(**options)


def test_exists_asks_and_does_not_complain(store: Store) -> None:
    assert store.runs.exists("iris/svm/k3v9")
    assert not store.runs.exists("iris/svm/zzzz")
    assert not store.projects.exists("nothing")
    assert not store.experiments.exists(Key.project_named("nothing").experiment("svm"))


def test_deleting_has_three_modes_and_no_other(store: Store) -> None:
    for mode in ("everywhere", "", None, 3, "ALL"):
        with pytest.raises(InvalidInputError, match="of deleting"):
            store.runs.delete("iris/svm/k3v9", mode=mode)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError):
        store.runs.delete("iris/svm/k3v9", mode="remote")
    store.runs.delete("iris/svm/k3v9")
    assert not store.runs.exists("iris/svm/k3v9")
    with pytest.raises(NotFoundError):  # D16
        store.runs.delete("iris/svm/k3v9")


def test_a_renamed_experiment_answers_to_both_names(store: Store) -> None:
    renamed = store.experiments.rename("iris/svm", "svc")
    assert renamed.name == "svc"
    assert store.experiments.get("iris/svm") == renamed
    assert store.runs.get("iris/svm/k3v9").experiment == renamed.key
    assert [run.experiment for run in store.runs.list("iris/svm")] == [renamed.key] * 2


def test_executions_of_two_experiments_do_not_share_runs(store: Store) -> None:  # D18
    one, two = store.executions.list()
    assert one.key != two.key
    assert {r.key.project for r in store.runs.list(one)} == {one.key.project}


def test_the_depth_of_a_reference_says_its_kind(store: Store) -> None:
    assert store.key("iris").kind is Kind.PROJECT
    assert store.key("iris/svm").kind is Kind.EXPERIMENT
    assert store.key("iris/iris-data").kind is Kind.DATASET
    assert store.key("iris/svm/k3v9").kind is Kind.RUN
    assert store.key("k3v9x2m7q4tz").kind is Kind.RUN
    assert store.key("iris-data").kind is Kind.DATASET
    execution = store.executions.list("iris")[0]
    assert store.key(f"iris/svm/{execution.id}").kind is Kind.EXECUTION
    assert store.key(str(SVM)) == store.key(SVM) == SVM
    store.datasets.put(Dataset(project="iris", name="svm"))
    with pytest.raises(AmbiguousReferenceError, match="several things"):
        store.key("iris/svm")
    store.experiments.put(Experiment(project="iris", name="twin"))
    store.datasets.put(Dataset(project="digits", name="twin"))
    with pytest.raises(AmbiguousReferenceError, match="several things"):
        store.key("twin")
    with pytest.raises(NotFoundError, match="no project 'nothing'"):
        store.key("nothing")
    with pytest.raises(InvalidInputError):
        store.key("a/b/c/d")
    with pytest.raises(InvalidInputError):
        store.key(None)  # type: ignore[arg-type]


def test_short_names_are_unique_among_siblings(store: Store) -> None:
    keys = [run.key for run in store.runs.list()] + [SVM]
    assert sorted(store.shorten(keys).values()) == ["abcabc", "abcabc", "k3v9x2", "k3v9x2", "svm"]


# ---------------------------------------------------------------------------------------- runs


def test_find_says_whether_a_point_is_done(store: Store) -> None:
    point = {"C": 1.0, "model": {"lr": 0.1}}
    found = store.runs.find("iris/svm", point)
    assert found is not None
    assert found.seed == 0
    assert store.runs.find("iris/svm", point, seed=0) == found
    assert store.runs.find("iris/svm", {"model": {"lr": 0.1}}) == found, "C has its default"
    assert store.runs.find("iris/svm", point, seed=1) is None
    assert store.runs.find("iris/svm", {"C": 10, "model": {"lr": 0.1}}) is None, "it failed"
    assert store.runs.find("iris/svm", {"C": 1}) is None
    with pytest.raises(NotFoundError):
        store.runs.find("iris/nothing", point)
    with pytest.raises(InvalidInputError):
        store.runs.find("iris/svm", None)  # type: ignore[arg-type]


def test_notes_are_in_the_order_of_writing(store: Store) -> None:
    run = store.runs.get("iris/svm/abc")
    said = [f"note {number}" for number in range(12)]
    for text in said:
        store.runs.note(run, text)
    assert [note.text for note in store.runs.get(run).notes][-12:] == said


def test_tags_and_notes_are_added_after_the_end(store: Store) -> None:
    before = store.runs.part("iris/svm/abc", "run.yaml")
    store.runs.tag("iris/svm/abc", "candidate", {"table": "2"}, reviewed="yes")
    store.runs.note("iris/svm/abc", "looks good")
    run = store.runs.untag("iris/svm/abc", "candidate")
    assert dict(run.tags) == {"table": "2", "reviewed": "yes"}
    assert [note.text for note in run.notes] == ["looks good"]
    assert run == store.runs.get("iris/svm/abc")
    assert store.runs.part("iris/svm/abc", "run.yaml") == before
    assert [r.seed for r in store.runs.list("iris", where="tags.table = 2")] == [0]


def test_untagging_all_or_nothing(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.runs.untag("iris/svm/k3v9", "candidate", "missing")
    assert dict(store.runs.get("iris/svm/k3v9").tags) == {"candidate": ""}


def test_what_a_run_did_not_log_is_empty(store: Store) -> None:
    assert store.runs.series("iris/svm/abc") == ()
    assert store.runs.log("iris/svm/abc") == store.runs.error("iris/svm/abc") == ""
    assert store.runs.part("iris/svm/abc", "series.csv") is None
    with pytest.raises(NotFoundError, match="has no environment"):
        store.runs.environment("iris/svm/abc")


def test_runs_become_a_dataframe(store: Store) -> None:
    frame = store.runs.to_dataframe("iris", order_by="-metrics.accuracy")
    assert list(frame.index) == [run.id for run in reversed(store.runs.list("iris"))]
    assert list(frame.columns) == [
        "experiment",
        "status",
        "seed",
        "started",
        "ended",
        "execution",
        "title",
        "params.C",
        "params.model.lr",
        "metrics.accuracy",
        "tags.candidate",
    ]
    assert list(frame["metrics.accuracy"]) == pytest.approx([0.95, 0.9])
    assert list(frame["params.C"]) == [10, 1]
    assert frame["experiment"].iloc[0] == "iris/svm"
    assert store.runs.to_dataframe("iris", where="seed = 99").empty


def test_without_pandas_there_is_a_clear_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UnsupportedError, match="pandas is not installed"):
        store.runs.to_dataframe()


# --------------------------------------------------------------------------------------- parts


def test_splits_and_computations_have_the_verbs_too(store: Store) -> None:
    run = store.runs.get("iris/svm/abc")
    results = Results(truth=["a", "b"], predicted=["a", "a"])
    split = store.splits.put(
        Split(run=run.key, number=0, train=[0, 1], test=[2, 3], results=results)
    )
    assert store.splits.get("iris/svm/abc", 0) == split == store.splits.list(run)[0]
    assert store.splits.exists(run, 0)
    assert not store.splits.exists(run, 1)
    store.computations.put(Computation(run=run.key, name="fit", metrics={"loss": 0.1}))
    found = store.computations.list("iris", where="metrics.loss < 1", order_by="-metrics.loss")
    assert [c.name for c in found] == ["fit"]
    store.splits.delete(run, 0)
    store.computations.delete(run, "fit")
    assert store.splits.list() == []
    assert store.runs.get(run).computations == ()
    with pytest.raises(InvalidInputError, match="of deleting"):
        store.splits.delete(run, 0, mode="both")


# --------------------------------------------------------------------------------------- store


def test_subscribers_hear_until_they_have_enough(store: Store) -> None:
    heard: list[Any] = []
    stop = store.subscribe(Skipped, heard.append)
    store.bus.publish(Notice(text="nobody listens"))
    stop()
    assert heard == []


def test_a_store_without_a_remote_says_so(store: Store) -> None:
    for verb in (store.push, store.pull, store.sync):
        with pytest.raises(UnsupportedError, match="has no remote"):
            verb("iris")
    assert store.status("iris").state == "local only"
    with pytest.raises(NotFoundError):
        store.status("nowhere")
    store.flush()
    with pytest.raises(UnsupportedError, match="no directory"):
        store.project_path("iris")


def test_changes_between_states_are_told(store: Store) -> None:
    before = store.changes("iris").end
    if not store._backend.keeps_history:
        with pytest.raises(UnsupportedError, match="keep no history"):
            store.changes("iris", before)
        return
    store.runs.delete("iris/svm/k3v9")
    store.projects.put(Project(name="iris", title="Iris"))
    changes = store.changes("iris", before)
    assert list(changes.stored) == [Key.project_named("iris")]
    assert [key.kind for key in changes.deleted] == [Kind.RUN]


def test_missing_parents_can_be_made(store: Store) -> None:
    assert [str(key) for key in store.ensure("new/try")] == ["new", "new/experiments/try"]
    assert store.ensure("new/try") == ()
    assert store.experiments.get("new/try") == Experiment(project="new", name="try")


def test_execution_code_of_a_package_cannot_be_restored(store: Store, tmp_path: Any) -> None:
    execution = store.executions.list("iris")[0]
    assert isinstance(execution, Execution)
    with pytest.raises(UnsupportedError, match="installed package"):
        store.executions.checkout(execution, tmp_path / "code")


def test_every_collection_has_the_same_verbs(store: Store) -> None:
    verbs = {"put", "get", "list", "delete", "exists", "history", "rename"}
    for kind in Kind:
        assert verbs <= set(builtins.dir(getattr(store, kind.directory)))
    assert Status.FINISHED in set(Status)
