"""People do anything at the same time: plain git is never silently wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from padre_git.format import grave_files, locate, merge_files
from padre_git.model import Key, Kind
from tests.conftest import git
from tests.format.merges import CONFLICTS
from tests.format.sides import (
    ADDRESS,
    BASE,
    PROJECT,
    SVM,
    Files,
    a_run,
    changed,
    deleted,
    edited,
    files,
    home,
    import_branches,
    noted,
    pointer,
    renamed,
    tagged,
)
from tests.format.test_plain_git_merges import below_tombstones, by_merge_tree, tree

OTHER = SVM.replace(name="svm-2", title="Once more")
RUNS = [a_run(n, e) for e in (SVM, OTHER) for n in (1, 2, 3)]
START = tagged(BASE | files(SVM, OTHER, *RUNS), RUNS[0], "seen")
START |= {f"{home(run.key)}/artifacts.dvc": pointer("artifacts", "3" * 32) for run in RUNS[:4]}

Deed = Callable[[Files, random.Random], Files]


def living(now: Files, key: Key) -> bool:
    """Returns whether a record's document is there and no tombstone."""
    name = f"{home(key)}/{key.kind}.yaml"
    return name in now and b"deleted/" not in now[name]


def some_run(now: Files, rng: random.Random) -> object:
    found = [run for run in RUNS if living(now, run.key) and living(now, run.experiment)]
    return rng.choice(found) if found else None


def some_experiment(now: Files, rng: random.Random) -> object:
    found = [e for e in (SVM, OTHER) if living(now, e.key)]
    return rng.choice(found) if found else None


def on_run(deed: Callable[..., Files]) -> Deed:
    def do(now: Files, rng: random.Random) -> Files:
        run = some_run(now, rng)
        return now if run is None else deed(now, run, rng)

    return do


def on_experiment(deed: Callable[..., Files]) -> Deed:
    def do(now: Files, rng: random.Random) -> Files:
        experiment = some_experiment(now, rng)
        return now if experiment is None else deed(now, experiment, rng)

    return do


def put_back(now: Files, rng: random.Random, base: Files) -> Files:
    """Puts back what both sides know as deleted; see "What plain git cannot see"."""
    dead = [e for e in (SVM, OTHER) if not living(now, e.key) and not living(base, e.key)]
    if not dead:
        return now
    experiment = rng.choice(dead)
    graves = grave_files(experiment.key, home(experiment.key))
    return {p: d for p, d in now.items() if p not in graves} | files(experiment)


DEEDS: list[Deed] = [
    on_run(lambda now, run, rng: tagged(now, run, rng.choice("abc"), rng.choice(["", "1"]))),
    on_run(lambda now, run, rng: noted(now, run, f"a{rng.randrange(10**4)}", "x\n")),
    on_run(lambda now, run, rng: edited(now, run, title=rng.choice(["the best", "the worst"]))),
    on_run(lambda now, run, rng: edited(now, run, metrics={"accuracy": rng.random()})),
    on_run(
        lambda now, run, rng: changed(
            now, run.key, {"artifacts.dvc": pointer("artifacts", str(rng.randrange(3, 6)) * 32)}
        )
    ),
    on_run(lambda now, run, rng: deleted(now, run.key)),
    on_experiment(lambda now, e, rng: now | files(a_run(rng.randrange(10, 60), e))),
    on_experiment(lambda now, e, rng: edited(now, e, title=rng.choice(["Margins", "Kernels"]))),
    on_experiment(lambda now, e, rng: edited(now, e, description=rng.choice(["wide", "narrow"]))),
    on_experiment(lambda now, e, rng: edited(now, e, url=ADDRESS)),
    on_experiment(lambda now, e, rng: deleted(now, e.key)),
    on_experiment(lambda now, e, rng: renamed(now, e.key, f"{e.name}-{rng.choice('ab')}")),
    lambda now, rng: now | files(SVM.replace(name=rng.choice(["mlp", "tree"]))),
]  # fmt: skip


def a_side(base: Files, rng: random.Random) -> Files:
    now = base
    for _ in range(rng.randint(1, 4)):
        deed = rng.choice([*DEEDS, None])
        now = put_back(now, rng, base) if deed is None else deed(now, rng)
    return now


def check(count: int, seed: int, path: Path) -> int:
    """Merges random sides and returns how many merged without conflict."""
    rng = random.Random(seed)
    table = {}
    for number in range(count):
        start = a_side(START, rng) if rng.random() < 0.3 else START
        table[number] = (start, a_side(start, rng), a_side(start, rng))
    git("init", "-q", "-b", "main", path, cwd=path)
    import_branches(path, table)
    merged = 0
    for number, sides in table.items():
        outcome, commit = by_merge_tree(path, f"ours-{number}", f"theirs-{number}")
        ours = merge_files(*sides, PROJECT)
        if outcome == CONFLICTS:
            continue
        merged += 1
        assert ours.conflicts == (), (number, ours.conflicts)
        found = tree(path, commit)
        assert found == {p: d for p, d in ours.files.items() if d is not None}, number
        assert below_tombstones(found) == [], number
        assert all(locate(p, PROJECT) is None or d is not None for p, d in found.items())
    return merged


def test_what_plain_git_merges_is_what_we_merge(tmp_path: Path) -> None:
    assert check(150, 7, tmp_path) > 50


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.timeout(600)
def test_what_plain_git_merges_is_what_we_merge_at_length(tmp_path: Path, seed: int) -> None:
    assert check(1000, 1000 + seed, tmp_path) > 300


def test_every_kind_of_record_takes_part() -> None:
    kinds = {place[0].kind for path in START if (place := locate(path, PROJECT))}
    assert kinds == set(Kind)
