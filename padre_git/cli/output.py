"""Output: tables that fit the terminal, JSON, and text that cannot drive a terminal."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import click

from padre_git.errors import InvalidInputError, printable
from padre_git.model import Array, Entity, Key
from padre_git.model.values import is_number

__all__ = ["plain", "print_json", "print_table", "printable", "shown"]

_NARROWEST = 4


def plain(value: Any) -> Any:
    """Returns a value of the store as JSON knows it; entities become objects with key and url."""
    if isinstance(value, Key | datetime):
        return str(value) if isinstance(value, Key) else value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Entity) and dataclasses.is_dataclass(value):
        return {"key": _key(value), **_fields(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, Array | list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _key(entity: Entity) -> str | None:
    try:
        return entity.key.text
    except InvalidInputError:
        return None


def _fields(value: Any) -> dict[str, Any]:
    return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}


def print_json(value: Any) -> None:
    """Prints a value of the store as JSON, with all that is no letter or sign spelled out."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    click.echo("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def shown(value: Any) -> str:
    """Returns a cell of a table: short, printable, one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Mapping):
        return " ".join(f"{name}={shown(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(shown, value))
    text = printable(str(value.value if isinstance(value, Enum) else value))
    return " ".join(text.split())


def print_table(rows: Iterable[Sequence[Any]], columns: Sequence[str]) -> None:
    """Prints rows under their headings, cut to the terminal's width (whole when piped).

    Args:
        rows: one sequence of cells per row; numbers are aligned to the right.
        columns: the headings.
    """
    cells = [list(row) for row in rows]
    texts = [[shown(cell) for cell in row] for row in cells]
    numeric = [
        any(is_number(row[n]) for row in cells)
        and all(row[n] is None or is_number(row[n]) for row in cells)
        for n in range(len(columns))
    ]
    widths = [max([len(name), *(len(row[n]) for row in texts)]) for n, name in enumerate(columns)]
    widths = _fitted(widths, len(columns))
    for row in [list(columns), *texts]:
        line = "  ".join(
            _cell(text, width, numeric[n])
            for n, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo(line.rstrip())


def _fitted(widths: list[int], columns: int) -> list[int]:
    """Narrows the widest columns until the table fits a terminal."""
    if not sys.stdout.isatty():
        return widths
    room = max(shutil.get_terminal_size().columns - 2 * (columns - 1), columns)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cell(text: str, width: int, right: bool) -> str:
    if len(text) > width:
        text = text[: max(width - 1, 0)] + "…"
    return text.rjust(width) if right else text.ljust(width)
