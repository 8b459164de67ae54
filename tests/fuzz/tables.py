"""Tables beside a run: series, splits, results, cells and indices, beside their writers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from padre_git.errors import FormatError, InvalidInputError
from padre_git.format import decode_series, decode_splits, encode_series, encode_splits
from padre_git.format.cells import cell_reader, cell_writer, read_type
from padre_git.format.indices import read_indices, write_indices
from padre_git.format.reading import parse_document
from padre_git.format.writing import write_document
from padre_git.model import Array, Key, Results, Split
from padre_git.model.arrays import DTYPES
from tests.fuzz.draw import Draw

__all__ = [
    "cell_seeds",
    "check_cell",
    "check_indices",
    "check_series",
    "check_splits",
    "index_seeds",
    "series_seeds",
    "split_seeds",
]

_RUN = Key.parse("iris/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz")
_CUT = b"\n\x00results\n"


def series_seeds() -> Iterator[bytes]:
    """Yields series as they are written."""
    yield b'step,time,loss,"a,b"\n0,2026-11-21T10:15:00.000000Z,1.5,\n'
    yield b"step,time,acc\n-1,2026-11-21T10:15:00.123456Z,nan\n5,2026-02-30T00:00:00.000000Z,inf\n"
    yield b"step,time\n9999999999999999999,2026-11-21T10:15:00.000000Z\n"


def check_series(data: bytes) -> None:
    """A series is refused, or written and read again as it was."""
    try:
        points = decode_series(data)
    except FormatError:
        return
    written = encode_series(points)
    again = decode_series(written)
    assert encode_series(again) == written
    # the columns may change places: they stand in the order of their first use
    assert [(p.step, p.time, sorted(map(repr, p.values.items()))) for p in again] == [
        (p.step, p.time, sorted(map(repr, p.values.items()))) for p in points
    ]


def split_seeds() -> Iterator[bytes]:
    """Yields the two files of splits, one after the other."""
    results = Results(
        truth=Array(("a", 'b,"c'), dtype="str"),
        predicted=Array((1, 2), dtype="int64"),
        probabilities=Array(((0.1, 0.9), (0.5, 0.5)), dtype="float32", width=2),
    )
    split = Split(
        run=_RUN,
        number=0,
        train=Array(range(50), dtype="int64"),
        test=Array((True, True, False), dtype="bool"),
        validation=Array(("x", "y"), dtype="str"),
        metrics={"accuracy": 0.5},
        results=results,
    )
    other = Split(run=_RUN, number=3, test=Array((1.5, float("nan")), dtype="float16"))
    for splits in ([split], [other], [split, other]):
        files = encode_splits(splits)
        yield files["splits.yaml"] + _CUT + files.get("results.csv", b"")


def check_splits(data: bytes) -> None:
    """Splits are refused, or written and read again as they were."""
    document, found, results = data.partition(_CUT)
    files = {"splits.yaml": document, **({"results.csv": results} if found else {})}
    try:
        splits = decode_splits(_RUN, files)
    except FormatError:
        return
    written = encode_splits(splits)
    again = decode_splits(_RUN, written)
    assert again == splits
    assert encode_splits(again) == written


def index_seeds() -> Iterator[bytes]:
    """Yields indices of every kind as documents."""
    for array in (
        Array(range(300), dtype="int64"),
        Array((5, 4, 3, 3, 4, 5, 2**63), dtype="uint64"),
        Array((True,) * 9 + (False,), dtype="bool"),
        Array(((1, 2, 3), (4, 5, 6)), dtype="int8", width=3),
        Array(("a", ""), dtype="str"),
        Array((), dtype="float64", width=0),
    ):
        yield write_document({"test": write_indices(array)})


def check_indices(data: bytes) -> None:
    """Indices are refused, or written and read again as they were; no length is believed."""
    try:
        values = parse_document(data).values
    except FormatError:
        return
    for value in values.values():
        try:
            array = read_indices(value)
        except ValueError:
            continue
        assert len(array) * (array.width or 1) <= 20_000_000
        again = read_indices(write_indices(array))
        assert again == array
        assert (again.dtype, again.width) == (array.dtype, array.width)


_TYPES = sorted(DTYPES)


def cell_seeds() -> Iterator[bytes]:
    """Yields a cell of each type."""
    for number, text in enumerate([b"true", b"1.5", b"nan", b"-inf", b"1e-5", b"0", b"-17", b"x"]):
        yield from (bytes([kind]) + text for kind in range(number, len(_TYPES), 3))


def check_cell(data: bytes) -> None:
    """A cell is refused, or written and read again as it was."""
    draw = Draw(data)
    dtype = draw.one(_TYPES)
    text = draw.rest().decode("utf-8", "surrogateescape")
    with suppress(ValueError):
        assert read_type(text)[0] in DTYPES
    try:
        value = cell_reader(dtype)(text)
        array = Array((value,), dtype=dtype)
    except (ValueError, InvalidInputError):
        return
    again = cell_reader(dtype)(cell_writer(dtype)(array[0]))
    assert Array((again,), dtype=dtype) == array
