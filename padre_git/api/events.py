"""Events: what a spool says of a run, as JSON values.

From the first event alone and the file ``code.patch`` beside it, everything that must exist for the
run can be stored; the others say what was logged. :mod:`padre_git.api.replaying` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from padre_git.api.committing import Circumstances, is_known
from padre_git.api.home import Home
from padre_git.api.provenance import has_git
from padre_git.format import encode, write_time
from padre_git.model import Array, Results, Split

if TYPE_CHECKING:
    from padre_git.artifacts import Item

__all__ = ["SPOOL", "event_of_items", "event_of_split", "event_of_start"]

#: The version of the events' form.
SPOOL = 1


def event_of_start(home: Home, begun: Circumstances) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Returns version, run and the documents of what may have to be stored for it, by key."""
    run = begun.run
    known = {
        "key": run.key.text,
        "execution": run.execution.text,
        "environment": run.environment,
        "title": run.title,
        "started": None if run.started is None else write_time(run.started),
        "seed": run.seed,
        "defaults": run.defaults if has_git() else None,  # nothing could be read
        "argv": run.argv,
        "parent_run": run.parent_run,
        "attributes": run.attributes,
    }
    documents = {
        entity.key.text: {name: data.decode() for name, data in encode(entity).items()}
        for entity in begun.above()
        if not is_known(home, entity.key)
    }
    return SPOOL, known, documents


def event_of_split(split: Split) -> dict[str, Any]:
    """Returns a split with its results."""
    event: dict[str, Any] = {"number": split.number, "metrics": split.metrics}
    for name in ("train", "test", "validation"):
        event[name] = _array(getattr(split, name))
    event["results"] = _results(split.results)
    return event


def event_of_items(items: Mapping[str, Item]) -> dict[str, list[Any]]:
    """Returns where the bytes of artifacts are in the cache."""
    return {name: [item.md5, item.size, item.executable] for name, item in items.items()}


def _results(results: Results | None) -> dict[str, Any] | None:
    if results is None:
        return None
    names = ("truth", "predicted", "probabilities", "index")
    return {name: _array(getattr(results, name)) for name in names}


def _array(array: Array | None) -> dict[str, Any] | None:
    if array is None:
        return None
    return {"dtype": array.dtype, "width": array.width, "values": array.values}
