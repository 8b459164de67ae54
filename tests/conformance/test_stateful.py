"""Every backend agrees with a plain dict, whatever is done in whatever order."""

from __future__ import annotations

import shutil
from pathlib import Path

from hypothesis import HealthCheck, settings

from padre_git.backends import Memory, MemoryBackend
from padre_git.backends.file import FileBackend
from padre_git.testing.machine import BackendMachine

#: The same examples in every run: a failure here is a failure everywhere.
CI = settings(
    max_examples=40,
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


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = CI
TestFileMachine = FileMachine.TestCase
TestFileMachine.settings = CI
