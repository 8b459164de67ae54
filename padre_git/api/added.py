"""Added: what people have made of a run's artifacts while it was taken for ended."""

from __future__ import annotations

from padre_git.api.attachments import DIRECTORY, RESERVED, Attachments
from padre_git.api.home import Home
from padre_git.api.pointing import pointer_of
from padre_git.errors import ArtifactError, FormatError, RemoteError
from padre_git.messages import History, Notice, Read
from padre_git.model import Key, Kind

__all__ = ["with_added"]

_POINTER = f"{DIRECTORY}.dvc"


def with_added(home: Home, run: Key, kept: Attachments) -> dict[str, bytes | None]:
    """Returns the pointer of a run that is stored already, to its artifacts and those of others.

    What somebody has added, replaced or taken away is so, unless the run has logged that name
    since it went on. Where the list of those files cannot be had, the run's own count, and a
    notice says in which commit the others are.

    Args:
        home: where it is recorded to.
        run: its key.
        kept: its artifacts as it knows them.
    """
    from padre_git.artifacts import unite_items, write_pointer

    if home.data is None or not kept.items:
        return {}
    record = home.session.bus.send(Read(subject=Kind.RUN, key=run))
    try:
        stored = pointer_of(record)
        pointer = unite_items(
            home.data.of(run.project), DIRECTORY, kept.before, kept.items, stored, own=RESERVED
        )
    except (ArtifactError, RemoteError, FormatError) as error:
        (last,) = home.session.bus.send(History(subject=Kind.RUN, key=run, limit=1))
        text = f"what others have added to '{run}' is not put together with what it has logged"
        text = f"{text}: {error.message}; it is in commit {last.state}"
        home.session.bus.publish(Notice(text=text, project=run.project))
        return {}
    return {_POINTER: None if pointer is None else write_pointer(pointer)}
