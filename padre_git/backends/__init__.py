"""The waist: backends store records as bytes and know nothing of what is in them.

:class:`Backend` is the contract; memory is its model in few words, file keeps plain directories
without history, git keeps one repository for each project.
"""

from padre_git.backends.base import Backend, Changes
from padre_git.backends.file import FileBackend
from padre_git.backends.git import GitBackend
from padre_git.backends.memory import Memory, MemoryBackend

__all__ = ["Backend", "Changes", "FileBackend", "GitBackend", "Memory", "MemoryBackend"]
