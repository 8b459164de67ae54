"""The command line: ``padre-git`` and ``git padre``, verb first.

Data goes to standard output, chatter to standard error. Exit codes: 0 done, 1 an error, 2 wrong
usage, 3 a conflict, 4 the remote is unavailable, 130 interrupted.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Runs the command line and exits with its code."""
    from padre_git.cli.group import commands

    commands(prog_name="padre-git")
