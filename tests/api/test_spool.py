"""The spool: cheap, complete, and readable after a crash."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padre_git.api.spool import EVENTS, Spool, read_events
from padre_git.api.store import Store
from padre_git.format.spools import line_of, line_of_metrics, read_lines
from padre_git.messages import Notice
from padre_git.model import FrozenMapping
from tests.conftest import git


def test_events_are_read_as_they_were_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run")
    spool.write("metrics", 1, 2.5, {"lös/s": math.inf}, FrozenMapping({"a": (1, None)}))
    spool.write("text", "two\nlines \u2028 \x00")
    assert read_events(spool.directory).events == (
        ["metrics", 1, 2.5, {"lös/s": math.inf}, {"a": [1, None]}],
        ["text", "two\nlines \u2028 \x00"],
    )
    spool.close()
    spool.close()


def test_a_line_that_was_cut_off_is_told_and_costs_nothing_else(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run")
    spool.write("first")
    spool.write("second")
    spool.close()
    file = tmp_path / "run" / EVENTS
    file.write_bytes(file.read_bytes()[:-3])
    logged = read_events(tmp_path / "run")
    assert logged.events == (["first"],)
    assert [(damage.line, damage.reason) for damage in logged.damage] == [(2, "it was cut off")]
    again = Spool(tmp_path / "run")
    again.write("third")
    again.close()
    logged = read_events(tmp_path / "run")
    assert logged.events == (["first"], ["third"])
    assert [damage.line for damage in logged.damage] == [2]


def test_damage_in_the_middle_is_told_and_costs_its_own_lines_only(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run")
    for number in range(5):
        spool.write("metrics", number, {"loss": 0.125})
    spool.close()
    file = tmp_path / "run" / EVENTS
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"0.125", b"0.925")  # one bit
    lines[3] = b"\0" * 4096 + b"\xff[\n" + b"[" * 100_000 + b"\n"
    file.write_bytes(b"".join(lines))
    logged = read_events(tmp_path / "run")
    assert [event[1] for event in logged.events] == [0, 2, 4]
    assert [damage.line for damage in logged.damage] == [2, 4, 4, 5]
    wrong = "its checksum is wrong"
    assert [damage.reason for damage in logged.damage] == [
        wrong,
        "it begins with zeros",
        wrong,
        wrong,
    ]


@given(
    st.integers(-(10**18), 10**18),
    st.integers(0, 2 * 10**17),
    st.dictionaries(st.text(), st.integers(-(10**99), 10**99) | st.floats()),
    st.booleans(),
)
def test_measurements_are_written_as_every_other_event(
    step: int, time: int, values: dict[str, float], is_series: bool
) -> None:
    cells = {name: repr(value) for name, value in values.items()}
    short = read_lines(line_of_metrics(step, time, cells, is_series))
    usual = read_lines(line_of("metrics", step, time / 1e6, values, is_series))
    assert repr(short) == repr(usual)  # nan is not equal to itself
    assert not short.damage


def test_no_flipped_bit_and_no_cut_is_taken_for_what_was_written(tmp_path: Path) -> None:
    whole = line_of("metrics", 3, 1.5, {"loss": 0.25}, True)
    for at in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[at] ^= 1 << bit
            logged = read_lines(bytes(flipped) + line_of("next"))
            assert logged.events[-1:] in ((["next"],), ()), flipped
            assert all(event == ["next"] for event in logged.events)
            assert logged.damage
        assert read_lines(whole[:at]).events == ()


def test_the_first_event_is_found_although_its_line_is_damaged(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run")
    spool.start("start", 1)
    spool.write("note", "x")
    file = tmp_path / "run" / EVENTS
    file.write_bytes(b"#" + file.read_bytes())
    logged = read_events(tmp_path / "run")
    assert logged.events == (["start", 1], ["note", "x"])
    assert len(logged.damage) == 1


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_what_is_no_file_of_its_own_is_not_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "elsewhere").write_bytes(line_of("note", "secret"))
    (tmp_path / "run").mkdir()
    place = tmp_path / "run" / EVENTS
    if kind == "link":
        place.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(OSError, match=r"regular|symbolic|directory"):
        read_events(tmp_path / "run")
    if kind == "link":
        with pytest.raises(OSError, match="symbolic"):
            Spool(tmp_path / "run")
        assert (tmp_path / "elsewhere").exists()


def test_writing_and_reading_need_the_standard_library_only(tmp_path: Path) -> None:
    program = f"""
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {{*sys.stdlib_module_names, "padre_git"}}:
            raise ImportError(name)
sys.meta_path.insert(0, Nothing())
from pathlib import Path
from padre_git.api.spool import Spool, read_events
from padre_git.api.owners import claim, owner_of
spool = Spool(Path({str(tmp_path / "run")!r}))
claim(spool.directory, 0)
spool.start("start", 1)
spool.write("metrics", 1, {{"loss": 0.5}})
spool.flush()
assert len(read_events(spool.directory).events) == 2
assert owner_of(spool.directory).is_me()
print(sorted(m for m in sys.modules if m.startswith("padre_git.")))
"""
    options = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], env=options, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "padre_git.vcs" not in done.stdout
    assert "padre_git.artifacts" not in done.stdout


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
        name, version, begun, documents = read_events(file.parent).events[0]
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


def test_an_empty_spool_serves_the_next_run_and_none_is_left(tmp_path: Path) -> None:
    spools, spares = tmp_path / "spool", tmp_path / "spare"
    spool = Spool(spools / "first")
    spool.write("note", "one")
    spool.attach("start.jsonl", b"{}")
    spool.remove()
    assert list(spools.iterdir()) == []
    (aside,) = spares.iterdir()
    inode = aside.stat().st_ino
    assert spares.stat().st_mode & 0o777 == 0o700
    again = Spool(spools / "second")
    assert (spools / "second").stat().st_ino == inode
    assert [path.name for path in (spools / "second").iterdir()] == ["events.jsonl"]
    assert list(spares.iterdir()) == []
    again.remove()
    next(spares.iterdir()).rmdir()  # somebody cleans up
    Spool(spools / "first").remove()
    program = (
        "from padre_git.api.spool import *; from pathlib import *; Spool(Path('spool/x')).remove()"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert len(list(spares.iterdir())) == 1  # ours alone: that process has taken its own away


def test_who_records_to_one_place_after_the_other_keeps_few_directories(tmp_path: Path) -> None:
    for number in range(9):
        Spool(tmp_path / str(number) / "spool/run").remove()
    left = [len(list(spares.iterdir())) for spares in sorted(tmp_path.glob("*/spare"))]
    assert left == [0, 0, 0, 0, 0, 1, 1, 1, 1]


def test_what_a_killed_process_has_put_aside_goes(store: Store) -> None:
    with store.start_run("iris/svm"):
        pass
    left = store.project_path("iris") / ".git/padre/spare/1.0"
    left.mkdir(parents=True)
    (left / "events.jsonl").write_bytes(b"")
    store.reconcile("iris")
    assert not left.exists()


def test_what_is_taken_for_a_run_at_this_moment_is_not_removed(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from padre_git.api.spares import clear_spares
from padre_git.api.spool import Spool
Spool(Path("spool/first")).remove()
begun = []
def look(event, arguments):
    if event == "os.scandir" and not begun and isinstance(arguments[0], int):
        begun.append(None)
        begun.append(Spool(Path("spool/second")))
sys.addaudithook(look)
clear_spares(Path("spool"))
print(begun[1].directory.is_dir(), [path.name for path in Path("spool/second").iterdir()])
"""
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert said.stdout == "True ['events.jsonl']\n"
