"""Every backend agrees with a plain dict, whatever is done in whatever order."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from padre_git.backends import FileBackend, GitBackend, Memory, MemoryBackend
from padre_git.testing.machine import BackendMachine
from tests.conftest import git


def settled(examples: int) -> settings:
    """Returns settings with the same examples in every run: who sees a failure sees it again."""
    return settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


class MemoryMachine(BackendMachine):
    def make_backend(self, directory: Path) -> MemoryBackend:
        return MemoryBackend()

    def another(self, backend: MemoryBackend) -> MemoryBackend:
        return MemoryBackend(backend.memory)

    def reopened(self, backend: MemoryBackend, directory: Path) -> MemoryBackend:
        states = {name: list(states) for name, states in backend.memory.projects.items()}
        return MemoryBackend(Memory(states))


class FileMachine(BackendMachine):
    keeps_history = False

    def make_backend(self, directory: Path) -> FileBackend:
        return FileBackend(directory)

    def another(self, backend: FileBackend) -> FileBackend:
        return FileBackend(backend.root)

    def reopened(self, backend: FileBackend, directory: Path) -> FileBackend:
        shutil.copytree(backend.root, directory)
        return FileBackend(directory)


class GitMachine(BackendMachine):
    def make_backend(self, directory: Path) -> GitBackend:
        return GitBackend(directory)

    def another(self, backend: GitBackend) -> GitBackend:
        return GitBackend(backend.root)

    def reopened(self, backend: GitBackend, directory: Path) -> GitBackend:
        for project in projects(backend.root):
            git("clone", "--quiet", project.as_uri(), directory / project.name, cwd=backend.root)
        return GitBackend(directory)

    def check_store(self) -> None:
        for project in projects(self.backend.root):
            assert git("fsck", "--full", "--strict", "--no-dangling", cwd=project) == ""
            assert git("status", "--porcelain", "--ignored", cwd=project) == ""


def projects(root: Path) -> list[Path]:
    return sorted(root.iterdir()) if root.exists() else []


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = settled(120)
TestFileMachine = FileMachine.TestCase
TestFileMachine.settings = settled(30)
TestGitMachine = GitMachine.TestCase
TestGitMachine.settings = settled(30)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("machine", [MemoryMachine, FileMachine, GitMachine])
def test_many_more_examples_agree(machine: type[BackendMachine]) -> None:
    many = settings(settled(400), derandomize=False, stateful_step_count=60)
    run_state_machine_as_test(machine, settings=many)
