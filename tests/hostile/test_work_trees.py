"""Work trees of others: pipes, devices and links in the places of records and data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.hostile.test_terminal import found
from tests.hostile.verbs import use
from tests.servers.processes import needs_root


def a_pipe(path: Path, _: Canary) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link_to_passwords(path: Path, _: Canary) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def a_link_outside(path: Path, canary: Canary) -> None:
    path.unlink()
    path.symlink_to(canary.outside / "precious")


def an_endless_device(path: Path, _: Canary) -> None:
    needs_root()
    path.unlink()
    os.mknod(path, 0o20644, os.makedev(1, 5))  # /dev/zero


def a_directory(path: Path, canary: Canary) -> None:
    path.unlink()
    shutil.copytree(canary.outside, path / "inside")


PLACES = [
    "project.yaml", "run.yaml", "metrics.yaml", "experiment.yaml", "execution.yaml", "data.dvc",
    "artifacts.dvc", ".dvc/config", ".dvc/config.local", ".padre/format.yaml", ".gitattributes",
]  # fmt: skip


ALONE = [pytest.param([place], marks=pytest.mark.nightly, id=place) for place in PLACES[1:]]


@pytest.mark.parametrize("places", [PLACES, PLACES[:1], *ALONE])
@pytest.mark.parametrize(
    "planted", [a_pipe, a_link_to_passwords, a_link_outside, an_endless_device, a_directory]
)
def test_what_lies_in_the_place_of_a_file_is_not_followed_or_waited_for(
    victim: Victim,
    canary: Canary,
    in_time: None,
    places: list[str],
    planted: Callable[[Path, Canary], None],
) -> None:
    hidden = [victim.clone / place for place in places if place.startswith(".")]
    others = [found(victim, place) for place in places if not place.startswith(".")]
    for path in hidden + others:
        path.touch()
        planted(path, canary)
    with victim.store() as store:
        use(store, victim.scratch)


def test_a_directory_of_records_that_leads_outside_is_not_written_through(
    victim: Victim, canary: Canary, in_time: None
) -> None:
    shutil.rmtree(victim.clone / "experiments")
    (victim.clone / "experiments").symlink_to(canary.outside)
    git("add", "-A", cwd=victim.clone)
    with victim.store() as store:
        use(store, victim.scratch)
