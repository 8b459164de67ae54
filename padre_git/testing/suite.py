"""The conformance suite: what every backend must do.

A backend is tested by a class of a few lines::

    class TestMine(BackendSuite):
        def make_backend(self, directory): return MyBackend(directory)
        def another(self, backend): return MyBackend(backend.directory)
        def reopened(self, backend, directory): return MyBackend(copied(backend, directory))

Everything is tested through the four methods of the waist; what a backend puts on a disk is for
tests of its own.
"""

from __future__ import annotations

from padre_git.testing.deleting import Deleting
from padre_git.testing.history import History, NoHistory
from padre_git.testing.listing import Listing
from padre_git.testing.storing import Storing
from padre_git.testing.writers import Lasting, Writers

__all__ = ["BackendSuite", "PresentSuite"]


class PresentSuite(Storing, Deleting, Listing, Lasting, Writers, NoHistory):
    """Is the suite for backends that keep the present state only."""


class BackendSuite(Storing, Deleting, Listing, Lasting, Writers, History):
    """Is the suite for backends that keep every state."""
