"""Sweeps: whichever call fails, and however, the answer is true and the next write works."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import git
from tests.faults.deeds import DEEDS
from tests.faults.planted import PLANTED
from tests.faults.states import state
from tests.faults.sweep import FAULTS, Workshop
from tests.servers.processes import needs


def _memory() -> str | None:
    """Returns a place for labs: on a disk, copying and removing one takes longer than all else."""
    place = "/dev/shm"
    if not os.access(place, os.W_OK) or os.statvfs(place).f_flag & os.ST_NOEXEC:
        return None
    return place


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    needs("gcc", "git")
    place = _memory() or tmp_path_factory.mktemp("faults")
    with (
        TemporaryDirectory(prefix="faults-", dir=place) as directory,
        Workshop(Path(directory) / "shop") as made,
    ):
        yield made


@pytest.mark.parametrize("deed", DEEDS)
def test_a_fault_at_some_calls_leaves_the_old_state_or_the_new_one(
    workshop: Workshop, deed: str
) -> None:
    bench = workshop.bench(deed)
    for name, fault in FAULTS.items():
        if fault.onward == (zlib.crc32(deed.encode()) % 2 == 1) or not fault.error:
            number = 1 + zlib.crc32(f"{deed} {name}".encode()) % bench.calls(fault)
            assert bench.point(fault, number) == []


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_fault_at_every_call_leaves_the_old_state_or_the_new_one(
    workshop: Workshop, deed: str, fault: str
) -> None:
    bench = workshop.bench(deed)
    found: list[str] = []
    number = 0
    while number == 0 or bench.hit:
        number += 1
        found += bench.point(FAULTS[fault], number)
    print(f"{deed}: {fault} at {number - 1} of {number - 1} points, {len(found)} findings")
    assert found == []


@pytest.mark.parametrize(
    ("deed", "numbers"),
    [
        ("artifact", (45, 60)),
        ("check-out", (50, 60)),
        ("freeze", (94, 97)),
        ("repair", (26, 32)),
        ("restore", (175, 185)),
    ],
)
def test_who_cannot_open_a_file_does_not_take_it_for_missing(
    workshop: Workshop, deed: str, numbers: tuple[int, int]
) -> None:
    for number in range(*numbers):
        assert workshop.bench(deed).point(FAULTS["EMFILE"], number) == []


@pytest.mark.parametrize(("deed", "number"), [("freeze", 60), ("gc", 440)])
def test_what_nobody_can_read_is_an_error_of_ours(
    workshop: Workshop, deed: str, number: int
) -> None:
    assert workshop.bench(deed).point(FAULTS["EMFILE-onward"], number) == []


def test_a_deed_in_which_nothing_failed_is_right(workshop: Workshop) -> None:
    bench = workshop.bench("put-experiment")
    assert bench.calls(FAULTS["kill"]) > 20
    assert bench.point(FAULTS["kill"], 10**9) == []
    assert bench.hit == ""


def test_states_differ_by_what_means_something(tmp_path: Path) -> None:
    git("init", "-q", cwd=tmp_path)
    halves, file = tmp_path / ".git/objects/pack", tmp_path / "a"
    file.write_text("a")
    os.utime(file, (0, 0))
    git("add", "a", cwd=tmp_path)
    first = state(tmp_path)
    git("update-index", "--force-write-index", cwd=tmp_path)
    assert state(tmp_path) == first, "another index that says the same"
    os.utime(file, (9, 9))
    untrue = state(tmp_path)
    file.write_text("b")
    os.utime(file, (0, 0))
    assert len({first, untrue, state(tmp_path)}) == 3
    found = set()
    names = ["tmp_pack_aaaaaa", "tmp_pack_bbbbbb", "tmp_idx_cccccc", ".x.aaaaaaaa", ".x.bbbbbbbb"]
    for name in [*names, "r-000000000001", "r-000000000002"]:
        (halves / name).touch()
        found.add(state(tmp_path))
        (halves / name).unlink()
    assert len(found) == 5


@pytest.mark.parametrize("planted", PLANTED)
def test_the_sweep_sees_what_is_wrong(workshop: Workshop, planted: str) -> None:
    _, fault, wrong = PLANTED[planted]
    bench = workshop.bench(planted)
    # most windows are wide enough for a few looks
    calls = bench.calls(FAULTS[fault])
    for number in (*range(15, calls, 15), *range(1, calls + 1)):
        if any(wrong in what for what in bench.point(FAULTS[fault], number)):
            return
    pytest.fail("it has seen nothing")
