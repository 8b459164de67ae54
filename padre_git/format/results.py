"""Results: what a model said of each instance, as ``results.csv``, one line per instance.

Columns are ``split,index,truth,predicted`` and the probabilities, one per class. Element types,
widths and row counts stand in ``splits.yaml``, so that values, order and type come back exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from padre_git.errors import DocumentError
from padre_git.format.cells import cell_reader, cell_writer, check_array, read_type, write_type
from padre_git.model import Array, Results, Split
from padre_git.model.names import quoted

__all__ = ["Shape", "read_results", "read_shape", "write_results", "write_shape"]

FILE = "results.csv"
#: Bytes beyond which results are not read into memory.
LARGEST = 1 << 28
_ARRAYS = ("index", "truth", "predicted", "probabilities")
_TO_QUOTE = re.compile(r'[",\r\n]')
_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))([,\n])')


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Is what a split's results look like.

    Attributes:
        rows: number of instances.
        types: element type and width by array; one that is missing was not given.
    """

    rows: int
    types: Mapping[str, tuple[str, int | None]]


def write_shape(results: Results) -> dict[str, Any]:
    """Returns the types of results as a mapping for a document."""
    types = {name: write_type(array) for name, array in _given(results).items()}
    return {"rows": len(results.truth), **types}


def _given(results: Results) -> dict[str, Array]:
    found = {name: getattr(results, name) for name in _ARRAYS}
    return {name: array for name, array in found.items() if array is not None}


def read_shape(values: object) -> Shape:
    """Returns the shape that :func:`write_shape` has written.

    Raises:
        ValueError: if it is something else.
    """
    if not isinstance(values, dict) or not {"rows", "truth", "predicted"} <= set(values):
        raise ValueError("is not a mapping with 'rows', 'truth' and 'predicted'")
    if unknown := sorted(set(values) - {"rows", *_ARRAYS}):
        raise ValueError(f"has the unknown key {quoted(unknown[0])}")
    rows = values["rows"]
    if type(rows) is not int or rows < 0:
        raise ValueError(f"has {quoted(rows)} rows")
    return Shape(
        rows=rows, types={name: read_type(values[name]) for name in _ARRAYS if name in values}
    )


def _heads(array: str, width: int | None) -> list[str]:
    """Returns the columns of an array: one, or one per element of its rows."""
    head = "probability" if array == "probabilities" else array
    return [head] if width is None else [f"{head}_{n}" for n in range(width)]


def _header(shapes: Sequence[Shape]) -> list[str]:
    """Returns all columns of a table; ``index`` is always one of them."""
    heads = ["split", "index"]
    for array in _ARRAYS:
        widths = [shape.types[array][1] for shape in shapes if array in shape.types]
        single = _heads(array, None) if None in widths else []
        heads += [head for head in single if head not in heads]
        heads += _heads(array, max((width for width in widths if width is not None), default=0))
    return heads


def write_results(splits: Sequence[Split]) -> bytes:
    """Returns ``results.csv`` of the splits that have results, in the order given."""
    found = [(split, split.results) for split in splits if split.results is not None]
    header = _header([read_shape(write_shape(results)) for _, results in found])
    lines = [",".join(header)]
    for split, results in found:
        rows = len(results.truth)
        columns = {"split": [str(split.number)] * rows, **_index_for_readers(split, rows)}
        for name, array in _given(results).items():
            columns.update(_columns(name, array))
        empty = [""] * rows
        lines.extend(map(",".join, zip(*(columns.get(h, empty) for h in header), strict=True)))
    return ("\n".join(lines) + "\n").encode()


def _index_for_readers(split: Split, rows: int) -> dict[str, list[str]]:
    """Returns the test set as ``index`` if it has that length, for who reads the table alone."""
    test = split.test
    if test is None or test.width is not None or len(test) != rows:
        return {}
    return _columns("index", test)


def _columns(name: str, array: Array) -> dict[str, list[str]]:
    write = _quoted_cell if array.dtype == "str" else cell_writer(array.dtype)
    heads = _heads(name, array.width)
    if array.width is None:
        return {heads[0]: list(map(write, array.values))}
    return {head: [write(row[n]) for row in array.values] for n, head in enumerate(heads)}


def _quoted_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _TO_QUOTE.search(text) else text


def read_results(data: bytes, shapes: Mapping[int, Shape]) -> dict[int, Results]:
    """Returns the results of each split.

    Args:
        data: a ``results.csv``.
        shapes: what they look like, by split, in the order of the file.

    Raises:
        DocumentError: if it is not as :func:`write_results` writes it, naming the line.
    """
    lines = _lines(_text(data))
    header = _header(list(shapes.values()))
    line, found = next(lines, (1, [""]))
    if found != header:
        raise _damaged(f"the header is {quoted(','.join(found))}, not {quoted(header)}", line)
    results = {number: _read_split(number, shapes[number], header, lines) for number in shapes}
    if (more := next(lines, None)) is not None:
        raise _damaged("there are more lines than 'splits.yaml' says", more[0])
    return results


def _text(data: bytes) -> str:
    if len(data) > LARGEST:
        raise DocumentError(f"{len(data)} bytes are too many for results", file=FILE)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _damaged("the results are not UTF-8", line) from error


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the cells of each line with its number; a quoted cell can go over many lines."""
    position, line, cells = 0, 1, list[str]()
    while position < len(text):
        found = _CELL.match(text, position)
        if found is None:
            raise _damaged("the line is cut off or badly quoted", line)
        cells.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        position = found.end()
        if found[3] == "\n":
            yield line, cells
            line, cells = line + 1 + sum(cell.count("\n") for cell in cells), []
    if cells:
        raise _damaged("the last line is not complete", line)


def _damaged(reason: str, line: int, field: str | None = None) -> DocumentError:
    return DocumentError(reason, file=FILE, line=line, field=field)


def _read_split(
    number: int, shape: Shape, header: list[str], lines: Iterator[tuple[int, list[str]]]
) -> Results:
    rows = [_next_row(number, header, lines) for _ in range(shape.rows)]
    place = {head: n for n, head in enumerate(header)}
    arrays = {
        name: _read_array(name, dtype, width, rows, place)
        for name, (dtype, width) in shape.types.items()
    }
    return Results(
        truth=arrays["truth"],
        predicted=arrays["predicted"],
        probabilities=arrays.get("probabilities"),
        index=arrays.get("index"),
    )


def _next_row(
    number: int, header: list[str], lines: Iterator[tuple[int, list[str]]]
) -> tuple[int, list[str]]:
    line, cells = next(lines, (0, None))
    if cells is None:
        raise DocumentError(f"lines of split {number} are missing", file=FILE)
    if len(cells) != len(header):
        raise _damaged(f"{len(cells)} cells, not {len(header)}", line)
    if cells[0] != str(number):
        raise _damaged(f"{quoted(cells[0])} stands where split {number} does", line, "split")
    return line, cells


def _read_array(
    name: str,
    dtype: str,
    width: int | None,
    rows: list[tuple[int, list[str]]],
    place: Mapping[str, int],
) -> Array:
    heads = _heads(name, width)
    columns = [_read_column(rows, place[head], head, cell_reader(dtype)) for head in heads]
    try:
        if width is None:
            return check_array(columns[0], dtype, None)
        return check_array(
            zip(*columns, strict=True) if columns else [()] * len(rows), dtype, width
        )
    except ValueError as error:
        raise DocumentError(f"the results are damaged: {error}", file=FILE, field=name) from error


def _read_column(rows: list[tuple[int, list[str]]], place: int, head: str, read: Any) -> list[Any]:
    values = []
    for line, cells in rows:
        try:
            values.append(read(cells[place]))
        except ValueError as error:
            raise _damaged(f"{quoted(cells[place])} {error}", line, head) from error
    return values
