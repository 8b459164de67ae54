"""Watching: what git says of a transfer, told to subscribers as events."""

from __future__ import annotations

from collections.abc import Callable

from padre_git.messages import Event, Progress
from padre_git.vcs.progress import Step, Watch

__all__ = ["watching"]


def watching(project: str, notify: Callable[[Event], None]) -> Watch:
    """Returns what tells subscribers how far a transfer of a project is.

    Args:
        project: its name.
        notify: is told.
    """

    def tell(step: Step) -> None:
        notify(
            Progress(
                project=project,
                step=step.what,
                done=step.done,
                total=step.total,
                detail=step.detail,
            )
        )

    return tell
