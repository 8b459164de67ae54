"""The collections: the verbs put, get, list, delete, exists, history and rename for each kind.

A collection turns what people pass into commands on the bus and knows no backend. Every kind of
record has a :class:`Collection`; executions and runs can do more (:class:`Executions`,
:class:`Runs`), computations and splits have
verbs of their own.
"""

from padre_git.collections.base import Collection
from padre_git.collections.executions import Executions
from padre_git.collections.parts import Computations, PartCollection, Splits
from padre_git.collections.runs import Runs
from padre_git.collections.session import Ref, Session, Unit

__all__ = [
    "Collection",
    "Computations",
    "Executions",
    "PartCollection",
    "Ref",
    "Runs",
    "Session",
    "Splits",
    "Unit",
]
