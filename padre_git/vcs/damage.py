"""Damage: the one error for a clone whose own files cannot be read, and what it says to do."""

from __future__ import annotations

from pathlib import Path

from padre_git.errors import DamagedError

__all__ = ["advice", "damaged", "project_of"]


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
