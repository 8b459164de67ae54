"""Three people do what they like for a while; in the end everybody has everything."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from padre_git.backends.policy import Policy
from padre_git.errors import RemoteUnavailableError
from padre_git.model import Key, Record
from padre_git.testing.documents import EXPERIMENT, IRIS, document, put, remove, run_key, store
from tests.backends.dual_stores import Lab
from tests.conftest import git

PEOPLE = ("ada", "ben", "cleo")


class World:
    """Is a lab with people in it, and what they were told is stored."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self.lab = lab
        self.chance = random.Random(seed)
        policies = (Policy.AUTO, Policy.ALWAYS, Policy.MANUAL)
        self.stores = {
            name: lab.store(name, policy=policy)
            for name, policy in zip(PEOPLE, policies, strict=True)
        }
        store(self.stores["ada"], IRIS, EXPERIMENT)
        for name in PEOPLE:
            self.stores[name].pull("iris")
        self.runs: dict[str, dict[Key, int]] = {name: {} for name in PEOPLE}
        self.gone: set[Key] = set()
        self.titles: dict[str, str] = {}
        self.online = True
        self.count = 0

    def act(self) -> None:
        name = self.chance.choice(PEOPLE)
        actions = [self.put, self.put, self.change, self.remove, self.withdraw, self.title]
        actions += [self.sync, self.sync, self.switch, self.pull_and_push, self.read, self.evict]
        self.chance.choice(actions)(name)

    def put(self, name: str) -> None:
        self.count += 1
        key = run_key(self.count)
        put(self.stores[name], key, seed=self.count)
        self.runs[name][key] = self.count

    def own(self, name: str) -> Key | None:
        return self.chance.choice(sorted(self.runs[name])) if self.runs[name] else None

    def change(self, name: str) -> None:
        if key := self.own(name):
            self.count += 1
            put(self.stores[name], key, seed=self.count)
            self.runs[name][key] = self.count

    def remove(self, name: str) -> None:
        if key := self.own(name):
            remove(self.stores[name], key)
            del self.runs[name][key]
            self.gone.add(key)

    def withdraw(self, name: str) -> None:
        if self.online and (key := self.own(name)):
            self.sync(name)
            self.stores[name].withdraw(key)
            del self.runs[name][key]
            self.gone.add(key)

    def title(self, name: str) -> None:
        self.count += 1
        put(self.stores[name], IRIS.dataset(f"of-{name}"), title=f"version {self.count}")
        self.titles[name] = f"version {self.count}"

    def sync(self, name: str) -> None:
        try:
            self.stores[name].sync("iris")
        except RemoteUnavailableError:
            assert not self.online

    def switch(self, name: str) -> None:
        (self.lab.go_offline if self.online else self.lab.go_online)()
        self.online = not self.online

    def pull_and_push(self, name: str) -> None:
        clone = self.lab.clone(name)
        readme = clone / f"{name}.md"
        readme.write_text(f"{self.count}\n")
        git("add", readme.name, cwd=clone)
        git("commit", "-qm", "by hand", "--allow-empty", cwd=clone)
        if self.online:
            git("pull", "-q", "--no-rebase", "--no-edit", cwd=clone)
            git("push", "-q", cwd=clone)

    def read(self, name: str) -> None:
        for key in self.runs[name]:
            assert key in self.stores[name].read([key])

    def evict(self, name: str) -> None:
        if key := self.own(name):
            self.stores[name].evict(key)

    def check(self) -> None:
        if not self.online:
            self.switch("ada")
        for name in (*PEOPLE, *PEOPLE):
            self.sync(name)
        wanted = {key: seed for runs in self.runs.values() for key, seed in runs.items()}
        fresh = self.lab.store("fresh")
        assert set(fresh.scan(EXPERIMENT)) == set(wanted)
        for name, title in self.titles.items():
            dataset = IRIS.dataset(f"of-{name}")
            assert fresh.read([dataset])[dataset].document.startswith(
                document(dataset, title=title)
            )
        for name in PEOPLE:
            found = self.stores[name].read(wanted)
            for key, seed in wanted.items():
                assert isinstance(found[key], Record)
                assert found[key].files == {"run.yaml": document(key, seed=seed)}
            clone = self.lab.clone(name)
            assert git("rev-parse", "main", cwd=clone).strip() == self.lab.head()
            assert git("status", "--porcelain", cwd=clone) == ""
        self.lab.close()


def live(lab: Lab, seed: int, steps: int) -> None:
    world = World(lab, seed)
    for _ in range(steps):
        world.act()
    world.check()


@pytest.mark.parametrize("seed", range(2))
def test_after_a_while_everybody_has_everything(tmp_path: Path, seed: int) -> None:
    live(Lab(tmp_path), seed, steps=40)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 130))
def test_after_a_long_while_everybody_has_everything(tmp_path: Path, seed: int) -> None:
    live(Lab(tmp_path), seed, steps=150)
