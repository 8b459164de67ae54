"""The API: the store, transactions, the recorder, artifacts and the names of the seeds.

:func:`padre_git.open` makes a :class:`~padre_git.api.store.Store`; everything here is reached from
one. Modules are imported when they are needed.
"""

__all__: list[str] = []
