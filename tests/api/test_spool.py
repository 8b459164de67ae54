"""The spool: cheap, complete, and readable after a crash."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from padre_git.api.spool import EVENTS, Spool, read_events
from padre_git.api.store import Store
from padre_git.messages import Notice
from padre_git.model import FrozenMapping
from tests.conftest import git


def test_events_are_read_as_they_were_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run")
    spool.write("metrics", 1, 2.5, {"lös/s": math.inf}, FrozenMapping({"a": (1, None)}))
    spool.write("text", "two\nlines \u2028 \x00")
    assert list(read_events(spool.directory)) == [
        ["metrics", 1, 2.5, {"lös/s": math.inf}, {"a": [1, None]}],
        ["text", "two\nlines \u2028 \x00"],
    ]
    spool.close()
    spool.close()


def test_a_line_that_was_cut_off_ends_the_events(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run")
    spool.write("first")
    spool.write("second")
    spool.close()
    file = tmp_path / "run" / EVENTS
    file.write_bytes(file.read_bytes()[:-3])
    assert list(read_events(tmp_path / "run")) == [["first"]]


def test_what_is_no_json_value_is_an_error_and_not_half_a_line(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run")
    with pytest.raises(TypeError, match="no JSON value: object"):
        spool.write("x", object())
    spool.write("y")
    spool.remove()
    assert not (tmp_path / "run").exists()


def test_an_event_can_be_read_as_soon_as_it_is_logged(store: Store) -> None:
    assert store.root is not None
    with store.start_run("iris/svm") as run:
        (file,) = store.root.rglob(EVENTS)
        run.log_metric("loss", 0.5)
        assert json.loads(file.read_text().splitlines()[-1])[3] == {"loss": 0.5}
        run.flush()


def test_the_spool_alone_has_what_must_be_stored_for_the_run(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "code"
    git("init", "-q", root, cwd=tmp_path)
    (root / "train.py").write_text("print()\n")
    monkeypatch.chdir(root)
    assert store.root is not None
    with store.start_run("iris/svm", {"C": 1}, seed=3, argv=["python", "train.py"]) as run:
        (file,) = store.root.rglob(EVENTS)
        name, version, begun, documents = next(read_events(file.parent))
        assert (name, version) == ("start", 1)
        assert begun["key"] == run.key.text
        assert (begun["seed"], begun["argv"]) == (3, ["python", "train.py"])
        assert begun["execution"] in documents
        assert {"iris", "iris/experiments/svm"} < documents.keys()
        assert b"train.py" in (file.parent / "code.patch").read_bytes()


def test_logging_a_metric_costs_at_most_20_microseconds(store: Store) -> None:
    best = math.inf
    with store.start_run("iris/svm") as run:
        run.log_metric("loss", 0.0)
        for _ in range(20):
            started = time.perf_counter()
            for step in range(200):
                run.log_metric("loss", 0.5, step=step)
            best = min(best, (time.perf_counter() - started) / 200)
    assert best < 20e-6


def test_remarks_about_the_code_are_made_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "code"
    git("init", "-q", root, cwd=tmp_path)
    (root / "train.py").write_text("print()\n")
    (root / "large.py").write_bytes(b"#" * 1_000_001)
    monkeypatch.chdir(root)
    heard: list[Notice] = []
    store.subscribe(Notice, heard.append)
    for _ in range(2):
        with store.start_run("iris/svm", argv=["python", "train.py"]):
            pass
    assert [n.text for n in heard if "large.py" in n.text] == [
        "'large.py' differs from the commit and is too large to be kept with the code"
    ]
