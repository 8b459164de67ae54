"""Series: the points a run logged, as ``series.csv``.

The header is ``step,time,<metrics…>``, the metrics in the order of their first use; each point is
one line. Only the header can have quotes. Numbers are written by ``repr``, so they come back as
they were: integers stay integers, ``nan``, ``inf`` and ``-inf`` are kept.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from padre_git.errors import DocumentError, InvalidNameError, InvalidValueError
from padre_git.model import FrozenMapping, Point
from padre_git.model.names import check_label, quoted
from padre_git.model.values import freeze_metrics, scalar

__all__ = ["Row", "decode_series", "encode_rows", "encode_series"]

#: What is logged in one call: the step, microseconds since 1970, and numbers as ``repr`` writes
#: them, by metric name.
Row = tuple[int, int, Mapping[str, str]]

#: Bytes beyond which a series is not read into memory.
LARGEST = 1 << 28
_FILE = "series.csv"
_FIXED = ("step", "time")
_NUMBER = re.compile(r"-?(?:[0-9]{1,100}(\.[0-9]+)?(e[+-]?[0-9]{1,3})?|inf)|nan")
_STEPS = 10**19
_STEP = re.compile(r"0|-?[1-9][0-9]{0,18}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_INFINITE = (float("inf"), float("-inf"))
_PLAIN = frozenset((int, float))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_series(points: Iterable[Point]) -> bytes:
    """Returns ``series.csv``, one line per point in the order given.

    Raises:
        InvalidNameError: if the name of a metric is not a label.
        InvalidValueError: if a value is not a number, a step not an integer, or a time has no zone.
    """
    return _table((f"{_step(p.step)},{_time(p.time)}", _cells(p.values)) for p in points)


def encode_rows(rows: Iterable[Row]) -> bytes:
    """Returns ``series.csv`` of rows that were checked when they were logged.

    Args:
        rows: see :data:`Row`, in order.
    """
    return _table((f"{step},{_moment(time)}", cells) for step, time, cells in rows)


def _table(rows: Iterable[tuple[str, Mapping[str, str]]]) -> bytes:
    """Returns a table: of each row, its first cells and the others by column."""
    columns: dict[str, int] = {}
    lines = [""]
    short: list[tuple[int, int]] = []
    for start, values in rows:
        known = len(columns)
        cells = [start] + [""] * known
        for name, value in values.items():
            if name in columns:
                cells[columns[name]] = value
            else:
                columns[check_label(name, "metric")] = len(cells)
                cells.append(value)
        if len(columns) > known:
            short.append((len(lines), len(columns) - known))
        lines.append(",".join(cells))
    for end, more in short:  # metrics that came later: their cells are empty before
        lines[1:end] = [line + "," * more for line in lines[1:end]]
    lines[0] = _header(columns)
    return ("\n".join(lines) + "\n").encode()


def _cells(values: Mapping[str, float]) -> Mapping[str, str]:
    if not _PLAIN.issuperset(map(type, values.values())):
        values = freeze_metrics(values)
    return {name: repr(value) for name, value in values.items()}


def _step(step: object) -> int:
    found = step if type(step) is int else scalar(step)
    if type(found) is not int or not -_STEPS < found < _STEPS:
        raise InvalidValueError(f"cannot store a point: the step {quoted(step)} is not an integer")
    return found


def _time(time: datetime) -> str:
    if time.tzinfo is not UTC:
        if time.utcoffset() is None:
            raise InvalidValueError(
                f"cannot store a point: the time '{time}' has no time zone",
                hint="use datetime.now(UTC)",
            )
        time = time.astimezone(UTC)
    return time.isoformat(timespec="microseconds")[:-6] + "Z"


def _moment(microseconds: int) -> str:
    """Returns what :func:`_time` does; most rows share their second with others."""
    second, rest = divmod(microseconds, 1_000_000)
    return f"{_second(second)}.{rest:06d}Z"


@lru_cache(maxsize=1000)
def _second(since: int) -> str:
    return (_EPOCH + timedelta(seconds=since)).isoformat()[:-6]


def _header(names: Iterable[str]) -> str:
    return ",".join((*_FIXED, *map(_quoted_cell, names)))


def _quoted_cell(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if "," in name or '"' in name else name


def decode_series(data: bytes) -> tuple[Point, ...]:
    """Returns the points of a ``series.csv`` in its order.

    Raises:
        DocumentError: if it is not as :func:`encode_series` writes it, naming the line.
    """
    lines = _lines(data)
    names = _read_header(lines[0])
    points = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split(",")
        if len(cells) != len(names) + 2:
            raise _damaged(f"{len(cells)} cells, not {len(names) + 2}", number)
        values = {
            name: _read_number(cell, name, number)
            for name, cell in zip(names, cells[2:], strict=True)
            if cell
        }
        points.append(
            Point(
                step=_read_step(cells[0], number),
                time=_read_time(cells[1], number),
                values=FrozenMapping(values),
            )
        )
    return tuple(points)


def _damaged(reason: str, line: int | None, field: str | None = None) -> DocumentError:
    return DocumentError(reason, file=_FILE, line=line, field=field)


def _lines(data: bytes) -> list[str]:
    if len(data) > LARGEST:
        raise _damaged(f"{len(data)} bytes are too many for a series", None)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _damaged("the series is not UTF-8", line) from error
    if not text.endswith("\n"):
        raise _damaged("the last line is not complete", text.count("\n") + 1)
    return text[:-1].split("\n")


def _read_header(line: str) -> list[str]:
    try:
        names = next(csv.reader([line], strict=True), [])
        for name in names[2:]:
            check_label(name, "metric")
    except (csv.Error, InvalidNameError) as error:
        raise _damaged(f"the header is damaged: {error}", 1) from error
    if _header(names[2:]) != line:
        raise _damaged("the header does not begin with 'step,time' or is not canonical", 1)
    if len(set(names[2:])) != len(names[2:]):
        raise _damaged("the header names a metric twice", 1)
    return names[2:]


def _read_number(cell: str, name: str, line: int) -> int | float:
    found = _NUMBER.fullmatch(cell)
    if found is None:
        raise _damaged(f"{quoted(cell)} is not a number", line, name)
    if found[1] is None and found[2] is None and cell[-1].isdigit():
        return int(cell)
    value = float(cell)
    if value in _INFINITE and "inf" not in cell:
        raise _damaged(f"{quoted(cell)} is too large a number", line, name)
    return value


def _read_step(cell: str, line: int) -> int:
    if _STEP.fullmatch(cell) is None:
        raise _damaged(f"{quoted(cell)} is not a step", line, "step")
    return int(cell)


def _read_time(cell: str, line: int) -> datetime:
    try:
        if _TIME.fullmatch(cell):
            return datetime.fromisoformat(cell)
    except ValueError:
        pass  # the pattern fits and the calendar does not: the same error as below
    raise _damaged(f"{quoted(cell)} is not an RFC 3339 time in UTC", line, "time")
