"""The API: the store, transactions, the recorder, artifacts and the names of the seeds.

:func:`padre_git.open` makes a :class:`~padre_git.api.store.Store`; everything here is reached from
one. What is public is imported from :mod:`padre_git`; the modules here are imported when they are
needed, so that a process that only records starts quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padre_git.api.http import HttpBackend, HttpClient
    from padre_git.api.opening import open_store
    from padre_git.api.relocating import move_remote
    from padre_git.api.seeds import DualBackend
    from padre_git.api.store import Store

__all__ = ["DualBackend", "HttpBackend", "HttpClient", "Store", "move_remote", "open_store"]

_MODULES = {
    "DualBackend": "seeds",
    "HttpBackend": "http",
    "HttpClient": "http",
    "Store": "store",
    "move_remote": "relocating",
    "open_store": "opening",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'padre_git.api' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"padre_git.api.{_MODULES[name]}"), name)
