"""Upkeep on the command line."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

import padre_git
from tests.artifacts.conftest import damage
from tests.cli.conftest import Padre
from tests.conftest import git


@pytest.fixture
def model(store: padre_git.Store, tmp_path: Path) -> Path:
    """Is the object of a run's artifact, in the cache."""
    (tmp_path / "model.bin").write_bytes(b"weights")
    with store.start_run("demo/svm") as run:
        run.log_artifact(tmp_path / "model.bin")
    md5 = store.artifacts.list(run.key)[0].md5
    return store.project_path("demo") / ".git/padre/cache/files/md5" / md5[:2] / md5[2:]


def grow_old(model: Path) -> None:
    past = time.time() - 3 * 24 * 3600
    for file in model.parents[1].rglob("*"):
        os.utime(file, (past, past))


def test_sound_data_is_said_to_be_sound(padre: Padre, model: Path) -> None:
    assert model.is_file()
    assert padre("verify").stderr == "all is sound\n"
    assert json.loads(padre("verify", "demo", "--json").stdout) == {"demo": []}


def test_damage_is_named_and_fails(padre: Padre, model: Path) -> None:
    damage(model, b"Weights")
    shown = padre("verify", code=1)
    assert "damaged" in shown.stdout
    assert "model.bin" in shown.stdout
    assert "repair" in shown.stderr
    (found,) = json.loads(padre("verify", "--json", code=1).stdout)["demo"]
    assert found["problem"] == "damaged"
    assert "no other copy" in padre("repair", "demo", code=1).stderr


def test_damage_with_another_copy_is_mended(
    padre: Padre, model: Path, store: padre_git.Store, tmp_path: Path
) -> None:
    lab = tmp_path / "lab"
    path = store.project_path("demo")
    (path / ".dvc" / "config.local").write_text(
        f"[core]\n    remote = lab\n['remote \"lab\"']\n    url = {lab}\n"
    )
    copy = lab / "files" / "md5" / model.parent.name / model.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"weights")
    damage(model, b"Weights")
    assert padre("repair").stderr == "all is sound\n"
    assert model.read_bytes() == b"weights"


def test_gc_shows_what_would_go_and_then_removes_it(
    padre: Padre, model: Path, store: padre_git.Store
) -> None:
    stray = model.parents[1] / "aa" / ("b" * 30)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x" * 1500)
    grow_old(model)
    shown = padre("gc", "--dry-run")
    assert "aa" + "b" * 30 in shown.stdout
    assert shown.stderr == "1.5 KB would go; nothing was removed\n"
    assert stray.exists()
    assert json.loads(padre("gc", "demo", "-n", "--json").stdout)["demo"][0]["size"] == 1500
    assert padre("gc").stderr == "1.5 KB removed\n"
    assert not stray.exists()
    assert store.artifacts.get(store.runs.list()[0], "model.bin").read_bytes() == b"weights"


def test_damage_of_git_is_named_with_its_records_and_mended(
    padre: Padre, model: Path, store: padre_git.Store
) -> None:
    clone = store.project_path("demo")
    (clone / ".git" / "HEAD").write_text("")
    shown = padre("verify", "demo", code=1)
    assert "HEAD" in shown.stdout
    assert "one thing is wrong" in shown.stderr
    (found,) = json.loads(padre("verify", "--json", code=1).stdout)["demo"]
    assert (found["piece"], found["problem"], found["source"]) == ("HEAD", "empty", "log")
    assert "all is sound" in padre("repair").stderr
    assert (clone / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"


def test_maintaining_says_what_it_did(padre: Padre, model: Path) -> None:
    shown = padre("maintain")
    assert "now" in shown.stdout
    assert "packs consolidated" in shown.stderr
    done = json.loads(padre("maintain", "demo", "--json").stdout)["demo"]
    assert done["after"]["packs"] == 1


def test_a_project_that_is_not_here_cannot_be_looked_at(padre: Padre, model: Path) -> None:
    for command in ("verify", "repair", "maintain"):
        assert "no clone of project 'other'" in padre(command, "other", code=1).stderr


def test_copies_are_counted_made_and_then_dropped_here(
    padre: Padre, model: Path, store: padre_git.Store, tmp_path: Path
) -> None:
    clone = store.project_path("demo")
    places = [tmp_path / "lab", tmp_path / "disk"]
    text = "[core]\n    remote = lab\n"
    text += "".join(f"['remote \"{place.name}\"']\n    url = {place}\n" for place in places)
    (clone / ".dvc" / "config.local").write_text(text)
    git("update-ref", "refs/remotes/origin/main", "HEAD", cwd=clone)
    padre("repair", "demo")
    grow_old(model)
    shown = padre("verify", "demo", "--copies", "2", code=1)
    assert "too few copies" in shown.stdout
    assert "nothing known" not in shown.stdout
    assert "padre-git repair --copies 2 mends" in shown.stderr
    assert padre("gc", "demo", "--copies", "2").stderr == "0 B removed\n"
    padre("repair", "demo", "--copies", "2")
    padre("verify", "demo", "--copies", "2")
    dry = padre("gc", "demo", "-n", "--copies", "2")
    assert "model.bin" in dry.stdout
    assert model.exists()
    assert padre("gc", "demo", "--copies", "2").stderr.endswith("B removed\n")
    assert not model.exists()
    run = store.runs.list()[0]
    assert store.artifacts.get(run, "model.bin").read_bytes() == b"weights"
    assert "3 copies are wanted" in padre("verify", "demo", "--copies", "3", code=1).stderr
    padre("gc", "--copies", "0", code=2)
