"""Keys: the place of a record, as text and as parts."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache, total_ordering

from padre_git.errors import InvalidNameError
from padre_git.model.ids import check_id
from padre_git.model.names import check_name, quoted

__all__ = ["Key", "Kind"]


class Kind(StrEnum):
    """The kinds of record."""

    PROJECT = "project"
    DATASET = "dataset"
    ENVIRONMENT = "environment"
    EXPERIMENT = "experiment"
    EXECUTION = "execution"
    RUN = "run"

    @property
    def parent(self) -> Kind | None:
        """The kind of record that holds records of this kind."""
        return _PARENTS[self]

    @property
    def noun(self) -> str:
        """The kind with its article, for messages: ``a project``, ``an experiment``."""
        return f"an {self.value}" if self.value[0] in "aeiou" else f"a {self.value}"

    @property
    def directory(self) -> str:
        """The directory of records of this kind below their parent."""
        return f"{self.value}s"


_PARENTS = {
    Kind.PROJECT: None,
    Kind.DATASET: Kind.PROJECT,
    Kind.ENVIRONMENT: Kind.PROJECT,
    Kind.EXPERIMENT: Kind.PROJECT,
    Kind.EXECUTION: Kind.EXPERIMENT,
    Kind.RUN: Kind.EXPERIMENT,
}
_CHECKS: dict[Kind, Callable[[object, str], str]] = {
    Kind.PROJECT: check_name,
    Kind.DATASET: check_name,
    Kind.EXPERIMENT: check_name,
    Kind.ENVIRONMENT: check_id,
    Kind.EXECUTION: check_id,
    Kind.RUN: check_id,
}
_BELOW = {kind.directory: kind for kind in Kind}


@total_ordering
class Key:
    """Is the place of a record; its text is the record's path without the shard.

    ``Key.parse("iris/experiments/svm-baseline/runs/r-…")`` and
    ``Key.project("iris").experiment("svm-baseline").run("r-…")`` are the same key. Keys are
    immutable, hashable and ordered by their text.
    """

    __slots__ = ("kind", "name", "parent", "text")

    text: str
    kind: Kind
    name: str
    parent: Key | None

    def __init__(self, kind: Kind, name: str, parent: Key | None = None) -> None:
        if (parent.kind if parent else None) is not kind.parent:
            raise InvalidNameError(f"{kind.noun} has no place below {quoted(str(parent))}")
        _CHECKS[kind](name, kind.value)
        text = name if parent is None else f"{parent.text}/{kind.directory}/{name}"
        for slot, value in (("text", text), ("kind", kind), ("name", name), ("parent", parent)):
            object.__setattr__(self, slot, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a key is immutable: cannot set '{name}'")

    def __reduce__(self) -> tuple[Callable[[str], Key], tuple[str]]:
        return Key.parse, (self.text,)

    @classmethod
    def project_named(cls, name: str) -> Key:
        """Returns the key of the project ``name``."""
        return _of(Kind.PROJECT, name)

    @classmethod
    def parse(cls, text: str) -> Key:
        """Returns the key whose text this is.

        Raises:
            InvalidNameError: if it is not the text of a key.
        """
        names = str(text).split("/")
        if len(names) % 2 == 0:
            raise InvalidNameError(
                f"invalid key: {quoted(text)}",
                hint="a key looks like 'project/experiments/name/runs/r-…'",
            )
        key = cls.project_named(names[0])
        for directory, name in zip(names[1::2], names[2::2], strict=True):
            if directory not in _BELOW:
                raise InvalidNameError(f"invalid key: {quoted(text)} has {quoted(directory)} in it")
            key = _of(_BELOW[directory], name, key)
        return key

    def child(self, kind: Kind, name: str) -> Key:
        """Returns the key of the record ``name`` of ``kind`` below this one."""
        return Key(kind, name, self)

    def dataset(self, name: str) -> Key:
        """Returns the key of a dataset of this project."""
        return Key(Kind.DATASET, name, self)

    def environment(self, name: str) -> Key:
        """Returns the key of an environment of this project."""
        return _of(Kind.ENVIRONMENT, name, self)

    def experiment(self, name: str) -> Key:
        """Returns the key of an experiment of this project."""
        return _of(Kind.EXPERIMENT, name, self)

    def execution(self, name: str) -> Key:
        """Returns the key of an execution of this experiment."""
        return _of(Kind.EXECUTION, name, self)

    def run(self, name: str) -> Key:
        """Returns the key of a run of this experiment."""
        return _of(Kind.RUN, name, self)

    @property
    def project(self) -> str:
        """The name of the project that holds this record (its own name for a project)."""
        return self.text.partition("/")[0]

    @property
    def path(self) -> str:
        """The text below the project, without shard; empty for the project itself."""
        return self.text.partition("/")[2]

    def ancestors(self) -> list[Key]:
        """Returns the keys above this one, the nearest first."""
        found: list[Key] = []
        key = self.parent
        while key is not None:
            found.append(key)
            key = key.parent
        return found

    def contains(self, other: Key) -> bool:
        """Returns whether ``other`` is this key or lies below it."""
        return other.text == self.text or other.text.startswith(self.text + "/")

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Key({self.text!r})"

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other.text == self.text

    def __lt__(self, other: object) -> bool:
        return self.text < other.text if isinstance(other, Key) else NotImplemented


def _of(kind: Kind, name: str, parent: Key | None = None) -> Key:
    if type(name) is not str:
        return Key(kind, name, parent)
    return (_last if kind is Kind.RUN else _common)(kind, name, parent)


@lru_cache(maxsize=1024)  # thousands of runs have these few above them
def _common(kind: Kind, name: str, parent: Key | None) -> Key:
    return Key(kind, name, parent)


@lru_cache(maxsize=64)  # recording a run asks for its key a dozen times
def _last(kind: Kind, name: str, parent: Key | None) -> Key:
    return Key(kind, name, parent)
