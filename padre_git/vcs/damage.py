"""Damage: the one error for a clone whose own files cannot be read, and what it says to do."""

from __future__ import annotations

import time
from pathlib import Path

from padre_git.errors import DamagedError

__all__ = ["advice", "age", "damaged", "project_of", "seconds_old"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def project_of(place: Path) -> str:
    """Returns the name of the project whose clone or git directory this is."""
    return place.parent.name if place.name == ".git" else place.name


def advice(place: Path) -> str:
    """Returns what somebody does about damage in a clone.

    Args:
        place: the clone or its git directory.
    """
    project = project_of(place)
    return (
        f"padre-git verify {project} says what else is damaged,"
        f" padre-git repair {project} restores what has another copy"
    )


def damaged(problem: str, place: Path) -> DamagedError:
    """Returns the error for something in a clone that cannot be read.

    Args:
        problem: what cannot be read, and why.
        place: the clone or its git directory.
    """
    project = project_of(place)
    return DamagedError(
        f"project '{project}' is damaged: {problem}", key=project, hint=advice(place)
    )


def age(path: Path) -> str:
    """Returns how old a file is, for a person."""
    seconds = int(seconds_old(path))
    for size, unit in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def seconds_old(path: Path) -> float:
    """Returns how many seconds ago a file was written; 0 for none."""
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0
