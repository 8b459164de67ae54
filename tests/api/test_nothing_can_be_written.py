"""Starting where nothing can be written: a typed error, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import padre_git
from padre_git.api.spool import EVENTS, Spool, read_events
from padre_git.errors import InvalidInputError, RepositoryError
from tests.faults.limits import no_file_grows_beyond


@pytest.mark.parametrize(
    "root", ["/" + "x" * 300, "/tmp" + "/xxxxxxxxx" * 500], ids=["name", "path"]
)
def test_a_root_that_no_file_system_has_is_refused(root: str) -> None:
    with pytest.raises(InvalidInputError, match="root of a store: file name too long"):
        padre_git.open(root)


def test_a_root_that_cannot_be_written_is_refused_when_something_is_to_be_remembered(
    tmp_path: Path,
) -> None:
    with pytest.raises(InvalidInputError, match="test' cannot be written") as caught:
        padre_git.open("/sys/padre-git-test", branch="work")
    assert caught.value.hint is not None


def test_settings_that_cannot_be_read_are_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "padre-git.yaml").symlink_to("/proc/self/mem")
    with pytest.raises(padre_git.PadreGitError, match=r"padre-git\.yaml' cannot be read"):
        padre_git.open(tmp_path)


def test_a_run_that_cannot_be_spooled_does_not_begin_and_leaves_nothing(tmp_path: Path) -> None:
    with padre_git.open(tmp_path) as store:
        store.start_run("demo/svm").end()
        with (
            no_file_grows_beyond(0),
            pytest.raises(RepositoryError, match="could not begin: file too large") as caught,
        ):
            store.start_run("demo/svm")
        assert "nothing was begun" in str(caught.value)
        assert list((tmp_path / "demo/.git/padre/spool").iterdir()) == []
        store.start_run("demo/svm").end()
        assert len(store.runs.list("demo/svm")) == 2


def test_what_cannot_be_spooled_is_a_typed_error_and_damages_nothing(tmp_path: Path) -> None:
    with padre_git.open(tmp_path) as store:
        store.start_run("demo/svm").end()
        run = store.start_run("demo/svm")
        (events,) = (tmp_path / "demo/.git/padre/spool").glob(f"*/{EVENTS}")
        with (
            no_file_grows_beyond(events.stat().st_size + 10),
            pytest.raises(RepositoryError, match="could not be logged: file too large"),
        ):
            run.add_note("a remark that is longer than what is left of the disk")
        run.log_metric("accuracy", 0.5)
        assert read_events(events.parent).events[-1][0] == "metrics"
        run.end()


def test_an_event_that_did_not_fit_leaves_no_half_line(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.write("one", 1)
    with no_file_grows_beyond(20), pytest.raises(OSError, match="large"):
        spool.write("two", "x" * 100)
    spool.write("three", 3)
    spool.close()
    logged = read_events(tmp_path / "spool")
    assert (logged.events, logged.damage) == ((["one", 1], ["three", 3]), ())
    assert [file.name for file in (tmp_path / "spool").iterdir()] == [EVENTS]


def test_what_could_not_be_logged_is_not_recorded_and_can_be_logged_again(tmp_path: Path) -> None:
    with padre_git.open(tmp_path) as store:
        run = store.start_run("demo/svm", {"C": 1})
        run.log_metric("loss", 0.5)
        (events,) = (tmp_path / ".padre/spool/demo").glob(f"*/{EVENTS}")
        calls: tuple[Callable[[], object], ...] = (
            lambda: run.log_metric("loss", 0.25),
            lambda: run.add_note("halved"),
            lambda: run.log_computation("fit"),
            lambda: run.log_param("gamma", 2),
            lambda: run.log_text("log.txt", "half"),
        )
        with no_file_grows_beyond(events.stat().st_size + 10):
            for call in calls:
                with pytest.raises(RepositoryError, match="could not be logged"):
                    call()
        assert dict(run.metrics) == {"loss": 0.5}
        assert dict(run.parameters) == {"C": 1}
        run.log_param("gamma", 3)
        for call in (*calls[:3], *calls[4:]):
            call()
        done = run.end()
        assert [point.values["loss"] for point in store.runs.series(done)] == [0.5, 0.25]
        assert [note.text for note in done.notes] == ["halved"]
        assert (done.parameters["gamma"], store.runs.log(done)) == (3, "half")
