"""Sweeps: whichever call fails, and however, the answer is true and the next write works."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.deeds import DEEDS
from tests.faults.sweep import FAULTS, Bench, Workshop
from tests.servers.processes import needs


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    needs("gcc", "git")
    with Workshop(tmp_path_factory.mktemp("faults") / "shop") as made:
        yield made


@pytest.mark.parametrize("deed", DEEDS)
def test_a_fault_at_some_calls_leaves_the_old_state_or_the_new_one(
    workshop: Workshop, deed: str
) -> None:
    bench = Bench(workshop, deed)
    for name, fault in FAULTS.items():
        if fault.onward == (zlib.crc32(deed.encode()) % 2 == 1) or not fault.error:
            number = 1 + zlib.crc32(f"{deed} {name}".encode()) % bench.calls
            assert bench.point(fault, number) == []


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_fault_at_every_call_leaves_the_old_state_or_the_new_one(
    workshop: Workshop, deed: str, fault: str
) -> None:
    bench = Bench(workshop, deed)
    found: list[str] = []
    number = 0
    while number == 0 or bench.hit:
        number += 1
        found += bench.point(FAULTS[fault], number)
    print(f"{deed}: {fault} at {number - 1} of {number - 1} points, {len(found)} findings")
    assert found == []


def test_the_sweep_sees_what_is_wrong(workshop: Workshop, tmp_path: Path) -> None:
    bench = Bench(workshop, "put-experiment")
    assert bench.calls > 20
    assert bench.point(FAULTS["kill"], 10**9) == []
    assert bench.hit == ""
    clone = workshop.lab / "ada/iris"
    (clone / ".git/index.lock").touch()
    (clone / "project.yaml").write_text("mine\n")
    wrong = " ".join([*bench._unclean(), *bench._left(FAULTS["ENOSPC"])])
    assert " M project.yaml" in wrong
    assert "index.lock" in wrong
