"""The page about two machines is typed from top to bottom, and prints what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "two-machines.rst"
_BLOCK = re.compile(r"^\.\. code-block:: (console|python)\n\n((?:   .*\n|\n)+)", re.MULTILINE)
_MARK = "=== what the next one prints ==="


@dataclass
class Step:
    """Is one command of the page, and what it shall print."""

    command: str
    shown: list[str]


def steps(text: str) -> Iterator[Step]:
    """Yields the commands of a page in order; a block of Python is one."""
    for kind, body in _BLOCK.findall(text):
        lines = [line[3:] for line in body.rstrip().split("\n")]
        if kind == "python":
            yield Step("python - <<'END'\n" + "\n".join(lines) + "\nEND", [])
            continue
        step: Step | None = None
        for line in lines:
            if line.startswith("$ "):
                if step is not None:
                    yield step
                step = Step(line.removeprefix("$ "), [])
            elif line.strip() and step is not None:
                step.shown.append(line)
        if step is not None:
            yield step


def is_shown(printed: str, shown: list[str]) -> bool:
    """Returns whether a text is what the page shows; ``…`` stands for anything in its line."""
    lines = [line.rstrip() for line in printed.strip("\n").split("\n") if line.strip()]
    return len(lines) == len(shown) and all(map(_is_like, lines, shown))


def _is_like(line: str, shown: str) -> bool:
    pattern = ".*".join(re.escape(" ".join(part.split(" "))) for part in shown.split("…"))
    return re.fullmatch(re.sub(r"(?:\\ )+", " +", pattern), line) is not None


def test_the_page_is_typed_from_top_to_bottom_and_prints_what_it_says(tmp_path: Path) -> None:
    typed = list(steps(PAGE.read_text()))
    assert len(typed) > 30
    # nobody types two of them within a second, and runs of one second are listed by their ids
    pause = {step.command: "sleep 1\n" for step in typed if " record " in step.command}
    script = "".join(
        f"echo '{_MARK}'\n{pause.get(step.command, '')}{step.command}\n" for step in typed
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = done.stdout.split(f"{_MARK}\n")[1:]
    assert (done.returncode, len(printed)) == (0, len(typed)), printed[-1]
    for step, text in zip(typed, printed, strict=True):
        assert is_shown(text, step.shown), f"$ {step.command}\n{text}\n--- but the page says\n" + (
            "\n".join(step.shown)
        )
