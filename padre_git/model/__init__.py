"""The vocabulary: keys, names, ids, values, records and entities. Nothing here does I/O."""

from padre_git.model.arrays import Array
from padre_git.model.entities import (
    Dataset,
    Entity,
    Environment,
    Execution,
    Experiment,
    Project,
    Run,
)
from padre_git.model.key import Key, Kind
from padre_git.model.parts import (
    Code,
    Column,
    Computation,
    Direction,
    Note,
    Point,
    Results,
    Split,
    Status,
)
from padre_git.model.record import ABSENT, DOCUMENTS, Change, ChangeSet, Found, Record, Tombstone
from padre_git.model.values import FrozenMapping

__all__ = [
    "ABSENT",
    "DOCUMENTS",
    "Array",
    "Change",
    "ChangeSet",
    "Code",
    "Column",
    "Computation",
    "Dataset",
    "Direction",
    "Entity",
    "Environment",
    "Execution",
    "Experiment",
    "Found",
    "FrozenMapping",
    "Key",
    "Kind",
    "Note",
    "Point",
    "Project",
    "Record",
    "Results",
    "Run",
    "Split",
    "Status",
    "Tombstone",
]
