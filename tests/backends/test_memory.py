"""The memory backend passes the suite."""

from __future__ import annotations

from pathlib import Path

from padre_git.backends import Memory, MemoryBackend
from padre_git.testing import BackendSuite


class TestMemory(BackendSuite):
    def make_backend(self, directory: Path) -> MemoryBackend:
        return MemoryBackend()

    def another(self, backend: MemoryBackend) -> MemoryBackend:
        return MemoryBackend(backend.memory)

    def reopened(self, backend: MemoryBackend, directory: Path) -> MemoryBackend:
        states = {name: list(states) for name, states in backend.memory.projects.items()}
        return MemoryBackend(Memory(states))
