"""Tables: runs as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from padre_git.errors import UnsupportedError
from padre_git.model import Run
from padre_git.model.values import flatten, thaw

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["frame_of", "row_of"]

_FIXED = ("experiment", "status", "seed", "started", "ended", "execution", "title")


def frame_of(runs: Callable[[], Sequence[Run]]) -> pd.DataFrame:
    """Returns a DataFrame with one row for each run.

    Args:
        runs: is called when it is clear that pandas is there.

    Raises:
        UnsupportedError: if it is not.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise UnsupportedError(
            "cannot make a DataFrame: pandas is not installed", hint="pip install pandas"
        ) from error
    found = list(runs())
    rows = [row_of(run) for run in found]
    columns = [*_FIXED]
    for mapping in ("params.", "metrics.", "tags."):
        seen = dict.fromkeys(name for row in rows for name in row if name.startswith(mapping))
        columns += seen
    index = pd.Index([run.id for run in found], name="run", dtype="object")
    return pd.DataFrame(rows, index=index, columns=columns)


def row_of(run: Run) -> dict[str, Any]:
    """Returns a run's values by column."""
    row: dict[str, Any] = {
        "experiment": f"{run.key.project}/{run.experiment.name}",
        "status": run.status.value,
        "seed": run.seed,
        "started": run.started,
        "ended": run.ended,
        "execution": run.execution.name,
        "title": run.title,
    }
    row |= {f"params.{name}": thaw(value) for name, value in flatten(run.parameters).items()}
    row |= {f"metrics.{name}": value for name, value in run.metrics.items()}
    return row | {f"tags.{name}": value for name, value in run.tags.items()}
