"""Fields: how queries, orders and tables name what is in an entity."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from padre_git.errors import InvalidInputError
from padre_git.model import Computation, Dataset, Entity, Environment, Execution, Run, Split
from padre_git.model.ids import short_id
from padre_git.model.names import quoted
from padre_git.model.values import flatten

__all__ = ["MISSING", "Field", "Reader"]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


#: What reading a field gives that an entity does not have.
MISSING: Final = _Missing()

_Read = Callable[[Any], Any]
_SYNONYMS = {
    "params": "parameters",
    "param": "parameters",
    "parameter": "parameters",
    "metric": "metrics",
    "tag": "tags",
    "attribute": "attributes",
}
_MAPPINGS = frozenset(
    ["parameters", "defaults", "metrics", "tags", "attributes", "settings", "packages"]
)
_TIMES = frozenset(["started", "ended"])
_HIDDEN = frozenset(["code", "train", "test", "validation", "results"])


@dataclass(frozen=True)
class Field:
    """Is one field of the entities of a kind.

    Attributes:
        name: in full, such as ``parameters.C``.
        read: returns its value in an entity, or :data:`MISSING`; a tuple for a field of many.
        is_time: whether its values are times.
    """

    name: str
    read: _Read
    is_time: bool = False


def _duration(entity: Any) -> float | None:
    if entity.started is None or entity.ended is None:
        return None
    return float((entity.ended - entity.started).total_seconds())


#: What can be asked of a type beside its attributes; these come before attributes.
_DERIVED: Mapping[type, Mapping[str, _Read]] = {
    Entity: {"key": lambda e: e.key.text, "project": lambda e: e.key.project},
    Dataset: {"columns": lambda e: tuple(column.name for column in e.columns)},
    Environment: {"name": lambda e: short_id(e.id)},
    Execution: {
        "name": lambda e: short_id(e.id),
        "experiment": lambda e: e.experiment.name,
        "commit": lambda e: e.code.commit,
        "package": lambda e: e.code.package,
        "version": lambda e: e.code.version,
    },
    Run: {
        "name": lambda e: short_id(e.id),
        "execution": lambda e: e.execution.name,
        "experiment": lambda e: e.experiment.name,
        "duration": _duration,
        "notes": lambda e: tuple(note.text for note in e.notes),
        "computations": lambda e: tuple(c.name for c in e.computations),
    },
    Computation: {
        "run": lambda e: e.run.name,
        "experiment": lambda e: e.run.parent.name,
        "project": lambda e: e.run.project,
        "duration": _duration,
    },
    Split: {
        "run": lambda e: e.run.name,
        "experiment": lambda e: e.run.parent.name,
        "project": lambda e: e.run.project,
    },
}


class Reader:
    """Finds the fields of one type of entity by name.

    Args:
        type_: a dataclass of :mod:`padre_git.model`.
    """

    def __init__(self, type_: type) -> None:
        own = {field.name for field in dataclasses.fields(type_)}
        self._mappings = own & _MAPPINGS
        self._readers = {name: _attribute(name) for name in own - _MAPPINGS - _HIDDEN}
        for base in reversed(type_.__mro__):
            self._readers.update(_DERIVED.get(base, {}))

    @property
    def names(self) -> list[str]:
        """All fields in order; a mapping such as ``metrics`` counts as one."""
        return sorted(self._readers.keys() | self._mappings)

    def field(self, name: str) -> Field:
        """Returns the field that a name stands for.

        ``params.C`` and ``parameters.C`` are the same; nested parameters have dotted names. A
        mapping alone, such as ``tags``, has the names in it as values.

        Raises:
            InvalidInputError: for a name that these entities do not have.
        """
        if name in self._readers:
            return Field(name, self._readers[name], is_time=name in _TIMES)
        head, dot, inner = name.partition(".")
        head = _SYNONYMS.get(head, head)
        if head not in self._mappings or (dot and not inner):
            raise InvalidInputError(f"no field {quoted(name)}", hint=self._advice(name))
        return Field(f"{head}{dot}{inner}", _entry(head, inner) if inner else _labels(head))

    def _advice(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.names, n=3)
        if "metrics" in self._mappings and not near:
            known = "'metrics." + name + "' or 'parameters." + name + "'?"
            return f"is it {known} Others are {', '.join(self.names)}"
        return f"is it {' or '.join(map(repr, near))}?" if near else ", ".join(self.names)


def _attribute(name: str) -> _Read:
    return lambda entity: getattr(entity, name)


def _labels(mapping: str) -> _Read:
    return lambda entity: tuple(getattr(entity, mapping))


def _entry(mapping: str, label: str) -> _Read:
    def read(entity: Any) -> Any:
        found = getattr(entity, mapping)
        value = found.get(label, MISSING)
        if value is MISSING or isinstance(value, Mapping):
            return flatten(found, mapping).get(label, MISSING) if "." in label else MISSING
        return value

    return read
