"""Cells and tables of results: the shortest text, and what we would never have written."""

from __future__ import annotations

import math
import random
import struct

import pytest

from padre_git.errors import DocumentError, InvalidValueError
from padre_git.format.cells import cell_reader, cell_writer, read_type, write_type
from padre_git.format.indices import read_indices, write_indices
from padre_git.format.results import Shape, read_results, read_shape
from padre_git.model import Array

SHAPE = Shape(rows=1, types={"truth": ("int64", None), "predicted": ("int64", None)})
TABLE = b"split,index,truth,predicted\n0,,1,2\n"


def digits(text: str) -> int:
    """Returns how many digits of a number count."""
    mantissa = text.lstrip("-").partition("e")[0]
    return len(mantissa.replace(".", "").strip("0")) or 1


@pytest.mark.parametrize(("dtype", "code"), [("float16", "<e"), ("float32", "<f")])
def test_short_floats_have_the_fewest_digits_that_give_them_back(dtype: str, code: str) -> None:
    write, read = cell_writer(dtype), cell_reader(dtype)
    source, size = random.Random(7), struct.calcsize(code)
    for _ in range(5_000):
        data = source.randbytes(size)
        (value,) = struct.unpack(code, data)
        text = write(value)
        if math.isfinite(value):
            assert struct.pack(code, read(text)) == data
            fewer = f"{value:.{max(digits(text) - 1, 1)}g}"
            assert digits(text) == 1 or _packed(code, float(fewer)) != data


def _packed(code: str, value: float) -> bytes:
    try:
        return struct.pack(code, value)
    except OverflowError:
        return b""


def test_a_short_float_may_need_every_digit_of_its_type() -> None:
    (nine,) = struct.unpack("<f", struct.pack("<I", 0x3DCCCCD0))
    assert cell_writer("float32")(nine) == "0.100000024"
    (five,) = struct.unpack("<e", struct.pack("<H", 0x0690))
    assert cell_writer("float16")(five) == "0.00010014"


def test_rows_may_have_99_999_elements() -> None:
    widest = Array([(0,) * 99_999], dtype="int8", width=99_999)
    assert read_type(write_type(widest)) == ("int8", 99_999)
    with pytest.raises(InvalidValueError, match="rows of 100000 elements"):
        write_type(Array([(0,) * 100_000], dtype="int8", width=100_000))


def test_lines_of_indices_fill_92_columns_and_no_more() -> None:
    values = write_indices(Array([n * 2 for n in range(1000, 3000)]))["values"]
    lengths = [len(line) for line in values.split("\n")]
    assert max(lengths) <= 92
    # 18 numbers of 4 digits, or 15 of 5, and another would not fit
    assert all(length > 92 - 7 for length in lengths[:-1])
    assert max(len(line) for line in write_indices(Array([-7] * 100))["values"].split("\n")) == 92
    assert write_indices(Array([], dtype="int64"))["values"] == ""


def test_rows_without_elements_have_no_length_to_speak_of() -> None:
    empty = Array([()] * 5, dtype="float64", width=0)
    assert read_indices(write_indices(empty)) == empty


@pytest.mark.parametrize("rows", ["many", "1", 1.0, True, None, -1, [1]])
def test_a_number_of_rows_is_an_integer_from_0(rows: object) -> None:
    with pytest.raises(ValueError, match="rows"):
        read_shape({"rows": rows, "truth": "int64", "predicted": "int64"})


def test_a_table_is_read_as_far_as_it_goes() -> None:
    assert list(read_results(TABLE, {0: SHAPE})[0].predicted) == [2]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", r"results\.csv:1: the header"),
        (TABLE + b"0,", r"results\.csv:3: the last line is not complete"),
        (TABLE + b"0,,1,2,", r"results\.csv:3: the last line is not complete"),
        (TABLE + b"\n", "there are more lines"),
        (TABLE + b"0,,1,2", "cut off"),
        (TABLE[:-1] + b",", r"results\.csv:2: the last line is not complete"),
    ],
)
def test_what_stands_behind_a_table_is_never_passed_over(data: bytes, text: str) -> None:
    with pytest.raises(DocumentError, match=text):
        read_results(data, {0: SHAPE})
