"""After a restore: is the data of what came back still to be had?"""

from __future__ import annotations

from collections.abc import Sequence

from padre_git.api.data import DataPlaces
from padre_git.backends.base import Backend
from padre_git.bus import Bus, refusing
from padre_git.errors import PadreGitError
from padre_git.messages import Notice, Restored
from padre_git.model import Record

__all__ = ["DataCheck"]

_NAMED = 3


class DataCheck:
    """Looks for the data of restored records, and tells what nobody has any more.

    Args:
        backend: where the records are.
        places: where their data is.
        bus: where restores are heard of, and notices go.
    """

    def __init__(self, backend: Backend, places: DataPlaces, bus: Bus) -> None:
        self._backend = backend
        self._places = places
        self._bus = bus
        bus.subscribe(Restored, self.look)

    def look(self, event: Restored) -> None:
        """Looks for the data of a record and of all below it; nothing is fetched."""
        try:
            with refusing():
                gone = self._gone(event)
        except PadreGitError as error:
            self._tell(
                event, f"whether the data of '{event.key}' is to be had is not known: {error}"
            )
            return
        if gone:
            more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
            names = ", ".join(gone[:_NAMED])
            self._tell(event, f"restored, but nobody has this data any more: {names}{more}")

    def _gone(self, event: Restored) -> Sequence[str]:
        from padre_git.artifacts import unobtainable

        found = self._backend.read([event.key, *self._backend.scan(event.key)])
        pointers = {
            f"{key}/{name}": content
            for key, record in found.items()
            if isinstance(record, Record)
            for name, content in record.files.items()
            if name.endswith(".dvc")
        }
        return unobtainable(self._places.of(event.key.project), pointers) if pointers else ()

    def _tell(self, event: Restored, text: str) -> None:
        self._bus.publish(Notice(text=text, project=event.key.project))
