"""What the work tree of a large project leaves out: its runs (docs/decisions/0024-large-clones)."""

from __future__ import annotations

from padre_git.vcs.lean import Lean

__all__ = ["LEAN"]

LEAN = Lean(
    above="experiments",
    left_out="runs",
    kept="executions",
    always=(".dvc", ".padre", "datasets", "environments"),
    files=10_000,
)
