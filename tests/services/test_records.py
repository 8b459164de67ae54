"""Putting, getting, listing, renaming and deleting records by commands."""

from __future__ import annotations

from typing import Any

import pytest

from padre_git.errors import (
    ConflictError,
    DocumentError,
    InvalidInputError,
    NotFoundError,
    RejectedError,
)
from padre_git.messages import (
    Commit,
    Delete,
    Deleted,
    Ensure,
    Exists,
    Get,
    List,
    Message,
    Op,
    Prepare,
    Put,
    Read,
    Rename,
    Shorten,
    Skipped,
    Stored,
)
from padre_git.model import (
    ABSENT,
    Change,
    ChangeSet,
    Code,
    Environment,
    Execution,
    Experiment,
    Key,
    Kind,
    Note,
    Project,
    Run,
)
from tests.services.conftest import CODE, IRIS, SVM, Desk


def get(desk: Desk, key: Key, at: str | None = None) -> Any:
    return desk.send(Get(subject=key.kind, key=key, at=at))


def listed(desk: Desk, kind: Kind, **options: Any) -> list[Any]:
    found = desk.send(List(subject=kind, **options))
    assert isinstance(found, list)
    return found


# ------------------------------------------------------------------------------------------- put


def test_what_is_put_comes_back_with_key_and_revision(desk: Desk) -> None:
    stored = desk.put(Project(name="iris", title="Iris flowers", attributes={"a": [1, None]}))
    assert stored == Project(name="iris", title="Iris flowers", attributes={"a": [1, None]})
    assert stored == get(desk, IRIS)
    assert stored.revision == get(desk, IRIS).revision
    assert desk.heard == [Stored(key=IRIS, revision=stored.revision)]


def test_putting_the_same_again_stores_nothing_and_says_nothing(stocked: Desk) -> None:
    before = stocked.states()
    again = stocked.put(Project(name="iris", title="Iris flowers"))
    assert stocked.states() == before
    assert stocked.heard == []
    assert again.revision == get(stocked, IRIS).revision


def test_putting_over_a_record_keeps_what_lies_below(stocked: Desk) -> None:
    stocked.put(Project(name="iris", title="Other flowers"))
    stocked.put(Experiment(project="iris", name="svm", title="Other"))
    assert len(listed(stocked, Kind.RUN)) == 3


def test_an_entity_with_an_old_revision_is_a_conflict(stocked: Desk) -> None:
    read = get(stocked, SVM)
    stocked.put(read.replace(title="mine"))
    with pytest.raises(ConflictError):
        stocked.put(read.replace(title="yours"))
    assert get(stocked, SVM).title == "mine"


def test_an_entity_without_a_revision_wins_over_whoever_was_faster(stocked: Desk) -> None:
    backend, plain = stocked.backend, stocked.backend.apply
    others = (str(number) for number in range(25))

    def slow(changes: ChangeSet, message: Message) -> Any:
        other = next(others, None)
        if other:
            change = stocked.send(
                Prepare(
                    subject=Kind.EXPERIMENT,
                    entity=Experiment(project="iris", name="svm", title=other),
                )
            )
            plain(ChangeSet(changes=(change,)), message)
        return plain(changes, message)

    backend.apply = slow  # type: ignore[method-assign]
    stored = stocked.put(Experiment(project="iris", name="svm", title="last"))
    assert get(stocked, SVM).title == stored.title == "last"
    assert next(others, None) is None, "it lost all these races"


def test_a_conflict_that_is_no_lost_race_is_not_tried_for_long(stocked: Desk) -> None:
    tries: list[Message] = []

    def never(changes: ChangeSet, message: Message) -> Any:
        tries.append(message)
        raise ConflictError("a file is in the way")

    stocked.backend.apply = never  # type: ignore[method-assign]
    with pytest.raises(ConflictError, match="in the way"):
        stocked.put(Experiment(project="iris", name="svm", title="last"))
    assert len(tries) == 5


def test_what_is_stored_and_not_published_is_told_all_the_same(stocked: Desk) -> None:
    apply = stocked.backend.apply

    def rejected(changes: ChangeSet, message: Message) -> Any:
        apply(changes, message)
        raise RejectedError("the remote says no")

    stocked.backend.apply = rejected  # type: ignore[method-assign]
    with pytest.raises(RejectedError):
        stocked.put(Experiment(project="iris", name="svm", title="new"))
    with pytest.raises(RejectedError):
        stocked.send(Delete(subject=Kind.DATASET, key=IRIS.dataset("iris-data")))
    assert [type(event) for event in stocked.heard] == [Stored, Deleted]
    assert stocked.heard[0].revision == get(stocked, SVM).revision


def test_a_parent_must_exist(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="no project 'iris'"):
        desk.put(Experiment(project="iris", name="svm"))
    assert desk.states() == 0


def test_a_runs_execution_must_exist(stocked: Desk) -> None:
    with pytest.raises(NotFoundError, match="no execution") as caught:
        stocked.put(Run(execution=SVM.execution("x-0123456789ab")))
    assert "start_run" in str(caught.value.hint)


def test_the_wrong_type_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidInputError, match="not a project: dict"):
        desk.send(Put(subject=Kind.PROJECT, value={"name": "iris"}))


@pytest.mark.parametrize("message", ["", "  ", 3])
def test_a_message_says_something(desk: Desk, message: Any) -> None:
    with pytest.raises(InvalidInputError, match="commit message"):
        desk.put(Project(name="iris"), message)
    assert desk.states() == 0


def test_the_same_code_is_the_same_execution_and_other_code_another(stocked: Desk) -> None:
    one = stocked.put(Execution(experiment=SVM, code=CODE))
    states = stocked.states()
    two = stocked.put(Execution(experiment=SVM, code=CODE))
    assert one == two
    assert stocked.states() == states
    other = stocked.put(Execution(experiment=SVM, code=Code(package="sklearn", version="1.8")))
    assert other.id != one.id
    assert len(listed(stocked, Kind.EXECUTION)) == 2
    assert len(listed(stocked, Kind.RUN, parent=one.key)) == 3
    assert listed(stocked, Kind.RUN, parent=other.key) == []


def test_an_execution_with_somebody_elses_id_is_refused(stocked: Desk) -> None:
    with pytest.raises(InvalidInputError, match="does not belong to this execution"):
        stocked.put(Execution(experiment=SVM, code=CODE, id="x-0123456789ab"))


def test_a_run_gets_an_id_and_its_notes_get_names(stocked: Desk) -> None:
    execution = listed(stocked, Kind.EXECUTION)[0]
    run = stocked.put(Run(execution=execution.key, notes=(Note(text="a"), Note(text="b"))))
    assert run.id.startswith("r-20261121t101500-")
    assert run == get(stocked, run.key)
    assert {note.text for note in run.notes} == {"a", "b"}
    assert len({note.name for note in run.notes}) == 2


def test_environments_are_named_by_content(stocked: Desk) -> None:
    environment = Environment(project="iris", python="3.11", platform="linux")
    one = stocked.send(Put(subject=Kind.ENVIRONMENT, value=environment))
    two = stocked.send(Put(subject=Kind.ENVIRONMENT, value=environment))
    assert one == two == get(stocked, one.key)


def test_a_stored_url_is_kept_whatever_the_caller_says(stocked: Desk) -> None:
    url = "https://example.org/lab/iris.git#experiments/svm"
    change = stocked.send(
        Prepare(subject=Kind.EXPERIMENT, entity=Experiment(project="iris", name="svm"))
    )
    document = change.files["experiment.yaml"] + f"\nurl: {url}\n".encode()
    published = Change(key=SVM, files={"experiment.yaml": document})
    stocked.backend.apply(ChangeSet(changes=(published,)), Message(op=Op.PUBLISH, subject="p"))
    assert get(stocked, SVM).url == url
    for given in (None, "https://example.org/elsewhere.git"):
        put = stocked.put(Experiment(project="iris", name="svm", title=str(given), url=given))
        assert put.url == get(stocked, SVM).url == url
    renamed = stocked.send(Rename(subject=Kind.EXPERIMENT, key=SVM, new="svc"))
    assert renamed.url is None


def test_comments_and_other_parts_are_kept(stocked: Desk) -> None:
    run = listed(stocked, Kind.RUN)[0]
    record = stocked.send(Read(subject=Kind.RUN, key=run.key))
    files = {**record.files, "log.txt": b"epoch 1\n"}
    files["run.yaml"] = record.files["run.yaml"].replace(b"\nseed:", b"\n# chosen by dice\nseed:")
    change = Change(key=run.key, files=files)
    stocked.backend.apply(ChangeSet(changes=(change,)), Message(op=Op.PUT, subject="by hand"))
    stocked.put(get(stocked, run.key).replace(title="kept"))
    after = stocked.send(Read(subject=Kind.RUN, key=run.key)).files
    assert after["log.txt"] == b"epoch 1\n"
    assert b"# chosen by dice\nseed:" in after["run.yaml"]
    assert b"title: kept" in after["run.yaml"]


def test_a_seed_is_what_was_put_and_never_drawn_anew(stocked: Desk) -> None:  # D3
    stocked.put(Experiment(project="iris", name="svm", seed=7))
    assert [get(stocked, SVM).seed for _ in range(3)] == [7, 7, 7]


# ----------------------------------------------------------------------- prepare, commit, ensure


def test_many_prepared_changes_are_one_write(stocked: Desk) -> None:
    execution = listed(stocked, Kind.EXECUTION)[0]
    runs = [Run(execution=execution.key, seed=n, revision=ABSENT) for n in range(3)]
    changes = [
        stocked.send(Prepare(subject=Kind.RUN, entity=run, parts={"log.txt": b"x\n"}))
        for run in runs
    ]
    states = stocked.states()
    message = Message(op=Op.RECORD, subject="three runs")
    revisions = stocked.send(Commit(subject=Kind.RUN, changes=changes, message=message))
    assert stocked.states() == states + 1
    assert {type(event) for event in stocked.heard} == {Stored}
    assert [event.key for event in stocked.heard] == list(revisions)
    stored = get(stocked, changes[1].key)
    assert (stored.seed, stored.revision) == (1, revisions[stored.key])


def test_preparing_takes_parts_away_too(stocked: Desk) -> None:
    run = listed(stocked, Kind.RUN)[0]
    change = stocked.send(
        Prepare(subject=Kind.RUN, entity=run, parts={"metrics.yaml": None, "log.txt": b"x\n"})
    )
    assert sorted(change.files) == ["log.txt", "run.yaml"]


def test_a_record_that_must_be_new_is_a_conflict_if_it_is_not(stocked: Desk) -> None:
    run = listed(stocked, Kind.RUN)[0].replace(revision=ABSENT)
    with pytest.raises(ConflictError):
        stocked.put(run)


def test_missing_parents_are_made_once(desk: Desk) -> None:
    ensure = Ensure(subject=Kind.EXPERIMENT, key=SVM)
    assert desk.send(ensure) == (IRIS, SVM)
    assert desk.send(ensure) == ()
    assert get(desk, SVM) == Experiment(project="iris", name="svm")
    assert desk.states() == 1
    with pytest.raises(InvalidInputError, match="cannot be made up"):
        desk.send(Ensure(subject=Kind.RUN, key=SVM.run("r-20261121t101500-aaaaaaaaaaaa")))


# ------------------------------------------------------------------------------------- get, list


def test_what_is_not_there_is_an_error_with_advice(stocked: Desk) -> None:
    with pytest.raises(NotFoundError, match="no experiment 'iris/experiments/svn'") as caught:
        get(stocked, IRIS.experiment("svn"))
    assert "'iris/svm'" in str(caught.value.hint)
    assert stocked.send(Exists(subject=Kind.EXPERIMENT, key=SVM)) is True
    assert stocked.send(Exists(subject=Kind.EXPERIMENT, key=IRIS.experiment("svn"))) is False


def test_the_past_can_be_read(stocked: Desk) -> None:
    stocked.put(Project(name="iris", title="New"))
    first = stocked.backend.memory.projects["iris"][0].name
    assert get(stocked, IRIS, at=first).title == "Iris flowers"
    assert listed(stocked, Kind.EXPERIMENT, at=first) == []
    assert listed(stocked, Kind.EXPERIMENT, parent=IRIS, at=first) == []
    with pytest.raises(NotFoundError, match="no state 'yesterday'"):
        listed(stocked, Kind.EXPERIMENT, at="yesterday")


def test_projects_that_do_not_know_a_state_are_left_out(stocked: Desk) -> None:
    stocked.put(Project(name="digits"))
    state = stocked.backend.memory.projects["iris"][-1].name
    assert len(listed(stocked, Kind.RUN, at=state)) == 3


def test_lists_are_filtered_ordered_and_paged(stocked: Desk) -> None:
    def seeds(**options: Any) -> list[int]:
        return [run.seed for run in listed(stocked, Kind.RUN, **options)]

    assert seeds() == [0, 1, 2]
    assert seeds(where="metrics.accuracy > 0.8") == [0, 1]
    assert seeds(where={"seed": [0, 2]}) == [0, 2]
    assert seeds(order_by="-metrics.accuracy") == [1, 0, 2]
    assert seeds(order_by="-metrics.accuracy", limit=1, offset=1) == [0]
    assert seeds(where="seed > 0", limit=1) == [1]
    assert seeds(limit=2) == [0, 1]
    assert seeds(offset=2) == [2]
    assert seeds(offset=9) == []
    assert seeds(limit=0) == []
    assert seeds(parent=IRIS) == seeds(parent=SVM) == [0, 1, 2]
    assert seeds(parent=Key.project_named("other")) == []


@pytest.mark.parametrize(
    "options", [{"limit": -1}, {"offset": -1}, {"limit": True}, {"limit": "3"}]
)
def test_pages_are_counted(stocked: Desk, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="is a number from 0"):
        listed(stocked, Kind.RUN, **options)


def test_one_corrupt_record_is_reported_and_skipped(stocked: Desk) -> None:
    runs = listed(stocked, Kind.RUN)
    bad = runs[1].key
    corrupt = Change(key=bad, files={"run.yaml": b"<<<<<<< HEAD\n"})
    stocked.backend.apply(ChangeSet(changes=(corrupt,)), Message(op=Op.PUT, subject="oops"))
    stocked.heard.clear()
    assert [run.seed for run in listed(stocked, Kind.RUN)] == [0, 2]
    assert [run.seed for run in listed(stocked, Kind.RUN, limit=1, offset=1)] == [2]
    event = stocked.heard[0]
    assert isinstance(event, Skipped)
    assert event.key == bad
    with pytest.raises(DocumentError, match=r"run\.yaml:1"):
        get(stocked, bad)
    assert stocked.put(runs[1].replace(revision=None)).seed == 1


def test_short_names_are_as_long_as_they_must_be(stocked: Desk) -> None:
    execution = listed(stocked, Kind.EXECUTION)[0]
    for tail in ("k3v9x2m7q4tz", "k3v9x2m8q4tz"):
        stocked.put(Run(execution=execution.key, id=f"r-20261121t101500-{tail}"))
    keys = [run.key for run in listed(stocked, Kind.RUN)]
    names = stocked.send(Shorten(subject=Kind.RUN, keys=keys))
    assert sorted(names.values()) == ["aaaaaa", "bbbbbb", "cccccc", "k3v9x2m7", "k3v9x2m8"]
    assert stocked.send(Shorten(subject=Kind.EXPERIMENT, keys=[SVM])) == {SVM: "svm"}
