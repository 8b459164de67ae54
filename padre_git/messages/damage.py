"""What is wrong with a clone, whose records it touches, what can put it right; and upkeep."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from padre_git.model import Key

__all__ = ["Damage", "Maintained", "Piece", "Size", "Source"]


class Piece(StrEnum):
    """Is what of a clone can be damaged."""

    #: One of git's objects: a file below ``objects``, or what several packs lack.
    OBJECT = "object"
    PACK = "pack"
    PACK_INDEX = "pack index"
    #: A branch, a tag or any other ref, in its own file or in ``packed-refs``.
    REF = "ref"
    HEAD = "HEAD"
    CONFIG = "configuration"
    #: What is staged.
    INDEX = "index"
    #: What git has worked out before: commit-graph, multi-pack-index, bitmaps.
    DERIVED = "derived"
    #: The lock of a process that is gone.
    LOCK = "lock"
    #: A file of ours below ``.git/padre``.
    STATE = "state"
    #: The document of a record that has records below it.
    PARENT = "parent"
    #: A document in the work tree; the branch has it, too.
    FILE = "file"
    #: What a running run has logged.
    SPOOL = "spool"
    #: An object kept by DVC.
    DATA = "data"


class Source(StrEnum):
    """Is what something damaged can be restored from."""

    REMOTE = "remote"
    #: The log of a ref, or what else tells where it was.
    LOG = "log"
    #: The files in the work tree, or the index.
    WORK_TREE = "work tree"
    #: The project's history.
    HISTORY = "history"
    #: What is left of it, or what it was made from.
    REST = "rest"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Is one thing that is wrong with a clone.

    Attributes:
        project: whose clone it is.
        piece: what is damaged.
        name: which one: a file below the clone, a ref, or an object's id.
        problem: what is wrong with it.
        records: the records that it touches, in order; the project itself if it touches all.
        source: what it can be restored from; None if nothing is known to have another copy.
    """

    project: str
    piece: Piece
    name: str
    problem: str
    records: tuple[Key, ...] = ()
    source: Source | None = None


@dataclass(frozen=True, kw_only=True)
class Size:
    """Is how much room a clone's git directory takes.

    Attributes:
        bytes: of all its files.
        files: how many they are.
        packs: how many of them are packs.
        loose: how many are single objects.
    """

    bytes: int
    files: int
    packs: int
    loose: int


@dataclass(frozen=True, kw_only=True)
class Maintained:
    """Is what an upkeep has done.

    Attributes:
        project: whose clone it is.
        before: what the clone took before.
        after: what it takes now.
        done: what was done, step by step; what could not be done says why.
    """

    project: str
    before: Size
    after: Size
    done: tuple[str, ...] = ()
