"""Output: what a recorded command prints, kept in its run's spool until it is the run's log.

Lines of a spool would be quoted and sealed, and read again whole; a plain file takes the bytes as
they come, so that killing us loses none.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from padre_git.api.spool import read_file

if TYPE_CHECKING:
    from padre_git.api.recorder import Recorder
    from padre_git.api.replaying import Replayed

__all__ = ["ARTIFACT", "OUTPUT", "add_output", "log_output", "long_output"]

#: The file in the directory of a spool.
OUTPUT = "output"
#: What all of a long output is called among the run's artifacts.
ARTIFACT = "command-output.txt"
_LOG = "log.txt"
#: Bytes of a command's output beyond which its log has only the end of it.
_LONGEST = 5_000_000


def log_output(run: Recorder, kept: Path, earlier: str) -> None:
    """Logs what a command has printed; if it is long, its end, and all of it as an artifact.

    Args:
        run: what it is recorded as.
        kept: the file that has it, which is removed.
        earlier: what the command had printed in a process before.
    """
    if long_output(kept):
        run.log_artifact(kept, ARTIFACT)
    run.log_text(_LOG, earlier[-_LONGEST:] + _end_of(kept))
    kept.unlink(missing_ok=True)


def add_output(found: Replayed, directory: Path) -> None:
    """Adds to a run what its command had printed when its process was killed."""
    with suppress(OSError):  # mostly there is none
        if text := _end_of(directory / OUTPUT):
            found.draft.set_text(_LOG, found.draft.texts.get(_LOG, "")[-_LONGEST:] + text)


def long_output(kept: Path) -> bool:
    """Returns whether there is more than a log has."""
    return kept.is_file() and kept.stat().st_size > _LONGEST


def _end_of(kept: Path) -> str:
    """Returns the last lines of a file; what is before them is in the artifact."""
    before = max(kept.lstat().st_size - _LONGEST, 0)
    text = read_file(kept, before)
    if not before:
        return text.decode(errors="replace")
    cut = text.find(b"\n") + 1
    where = f"[{before + cut} bytes before this are in the artifact '{ARTIFACT}']\n"
    return where + text[cut:].decode(errors="replace")
