"""Series come back exactly; damaged ones are named with their line."""

from __future__ import annotations

import math
import timeit
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padre_git.errors import DocumentError, InvalidNameError, InvalidValueError
from padre_git.format.series import decode_series, encode_rows, encode_series
from padre_git.model import Point

AT = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
HEAD = b"step,time,loss\n"
ROW = b"0,2026-11-21T10:15:00.000000Z,"

labels = (
    st.text(min_size=1, max_size=20)
    .map(lambda text: unicodedata.normalize("NFC", text.strip()))
    .filter(lambda text: text and text.isprintable() and text == text.strip())
)
numbers = st.integers(-(10**99), 10**99) | st.floats()
points = st.builds(
    Point,
    step=st.integers(-(2**62), 2**62),
    time=st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)),
    values=st.dictionaries(labels, numbers, max_size=4),
)


def exact(points: object) -> list[object]:
    return [
        (p.step, p.time, {n: (type(v), repr(v)) for n, v in p.values.items()})
        for p in points  # type: ignore[attr-defined]
    ]


def test_a_series_is_a_table_that_every_program_reads() -> None:
    data = encode_series(
        [
            Point(step=0, time=AT, values={"loss": 0.5}),
            Point(step=1, time=AT + timedelta(microseconds=1), values={"val/acc": 1, "loss": 0.25}),
            Point(step=1, time=AT, values={'a "b", c': math.inf}),
        ]
    )
    assert data.decode() == (
        'step,time,loss,val/acc,"a ""b"", c"\n'
        "0,2026-11-21T10:15:00.000000Z,0.5,,\n"
        "1,2026-11-21T10:15:00.000001Z,0.25,1,\n"
        "1,2026-11-21T10:15:00.000000Z,,,inf\n"
    )


@given(st.lists(points, max_size=6))
def test_points_come_back_with_values_types_order_and_times(points: list[Point]) -> None:
    data = encode_series(points)
    back = decode_series(data)
    assert exact(back) == exact(points)
    assert encode_series(back) == data


@given(st.lists(points, max_size=6))
def test_rows_as_they_are_logged_become_the_same_bytes_as_points(points: list[Point]) -> None:
    rows = [
        (
            point.step,
            (point.time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1),
            {name: repr(value) for name, value in point.values.items()},
        )
        for point in points
    ]
    assert encode_rows(rows) == encode_series(points)


def test_the_columns_stand_in_the_order_of_first_use() -> None:
    data = encode_series(
        [Point(step=0, time=AT, values={"z": 1.0}), Point(step=1, time=AT, values={"a": 1, "z": 2})]
    )
    assert data.splitlines()[0] == b"step,time,z,a"


def test_a_metric_may_have_the_name_of_a_fixed_column() -> None:
    point = Point(step=0, time=AT, values={"step": 1, "time": 2})
    assert decode_series(encode_series([point])) == (point,)


@pytest.mark.parametrize(
    ("name", "cell"), [("a,b", '"a,b"'), ('a"b', '"a""b"'), ('"', '""""'), (",", '","')]
)
def test_a_name_with_a_comma_or_a_quote_is_quoted(name: str, cell: str) -> None:
    points = (Point(step=0, time=AT, values={name: 1}),)
    data = encode_series(points)
    assert data.splitlines()[0] == f"step,time,{cell}".encode()
    assert decode_series(data) == points


def test_a_series_without_points_has_a_header() -> None:
    assert encode_series([]) == b"step,time\n"
    assert decode_series(b"step,time\n") == ()


def test_numpy_scalars_are_stored_as_their_value_and_other_zones_as_utc() -> None:
    zone = timezone(timedelta(hours=2))
    point = Point(
        step=np.int64(3),  # type: ignore[arg-type]
        time=AT.astimezone(zone),
        values={"loss": np.float32(0.5)},  # type: ignore[dict-item]
    )
    (back,) = decode_series(encode_series([point]))
    assert (back.step, back.time, back.values) == (3, AT, {"loss": 0.5})
    assert back.time.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("point", "error", "text"),
    [
        (Point(step=1.5, time=AT, values={}), InvalidValueError, "step"),  # type: ignore[arg-type]
        (Point(step=True, time=AT, values={}), InvalidValueError, "step"),
        (Point(step=10**19, time=AT, values={}), InvalidValueError, "step"),
        (Point(step=0, time=datetime(2026, 1, 1), values={}), InvalidValueError, "time zone"),
        (Point(step=0, time=AT, values={"a\n": 1}), InvalidNameError, "control characters"),
        (Point(step=0, time=AT, values={"": 1}), InvalidNameError, "0 characters"),
        (Point(step=0, time=AT, values={"a": "1"}), InvalidValueError, "'metrics.a'"),  # type: ignore[dict-item]
        (Point(step=0, time=AT, values={"a": True}), InvalidValueError, "'metrics.a'"),
        (Point(step=0, time=AT, values={"a": None}), InvalidValueError, "'metrics.a'"),  # type: ignore[dict-item]
    ],
)
def test_what_cannot_be_stored_is_refused(point: Point, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        encode_series([point])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", r"series\.csv:1: the last line is not complete"),
        (b"step,time", "series.csv:1: the last line"),
        (b"\n", "series.csv:1: the header"),
        (b"time,step\n", "series.csv:1: the header"),
        (b"step,time,a,a\n", "series.csv:1: the header names a metric twice"),
        (b'step,time,"a"\n', "series.csv:1: the header"),
        (b'step,time,"a\n', "series.csv:1: the header"),
        (b"step,time,\n", "series.csv:1: the header"),
        (b"step,time,a\r\n", "series.csv:1: the header"),
        (HEAD + ROW + b"0.5\n" + ROW + b"x\n", r":3: 'x' is not a number \(field 'loss'\)"),
        (HEAD + ROW + b"1_0\n", "series.csv:2: '1_0' is not a number"),
        (HEAD + ROW + b"0.5\r\n", "series.csv:2: .* is not a number"),
        (HEAD + ROW + b"\xd9\xa1\n", "is not a number"),
        (HEAD + ROW + b"1e999\n", "series.csv:2: '1e999' is too large"),
        (HEAD + ROW + b"9" * 101 + b"\n", "is not a number"),
        (HEAD + ROW + b"Infinity\n", "is not a number"),
        (HEAD + ROW + b"1,2\n", "series.csv:2: 4 cells, not 3"),
        (HEAD + b"\n" + ROW + b"1\n", "series.csv:2: 1 cells, not 3"),
        (HEAD + b"x,2026-11-21T10:15:00.000000Z,1\n", "series.csv:2: 'x' is not a step"),
        (HEAD + b"0,yesterday,1\n", "series.csv:2: 'yesterday' is not an RFC 3339 time"),
        (HEAD + b"0,2026-11-21T10:15:00.000000+01:00,1\n", "series.csv:2: .* is not an RFC 3339"),
        (HEAD + b"0,2026-11-21T10:15:00Z,1\n", "series.csv:2: .* is not an RFC 3339 time"),
        (HEAD + b"0,2026-11-21,1\n", "series.csv:2: .* is not an RFC 3339 time"),
        (HEAD + b"0,2026-02-30T10:15:00.000000Z,1\n", "series.csv:2: .* is not an RFC 3339 time"),
        (HEAD + ROW + b"1\n" + ROW + b"\xff\n", "series.csv:3: the series is not UTF-8"),
        (HEAD + ROW + b"1\n<<<<<<< ours\n", "series.csv:3: 1 cells"),
    ],
)  # fmt: skip
def test_a_damaged_series_is_refused_with_its_line(data: bytes, text: str) -> None:
    with pytest.raises(DocumentError, match=text):
        decode_series(data)


def test_an_oversized_series_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padre_git.format.series.LARGEST", 20)
    with pytest.raises(DocumentError, match="too many"):
        decode_series(HEAD + ROW + b"1\n")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_points_or_a_document_error(data: bytes) -> None:
    for attempt in (data, HEAD + data, HEAD + ROW + data):
        try:
            found = decode_series(attempt)
        except DocumentError:
            continue
        assert encode_series(found).count(b"\n") == attempt.count(b"\n")


def test_a_hundred_steps_take_well_under_a_millisecond() -> None:
    rows = [
        (n, 10**15 + n, {"loss": repr(1 / (n + 1)), "accuracy": repr(n / 7)}) for n in range(100)
    ]
    unit = min(timeit.repeat(lambda: [repr(n / 7) for n in range(1000)], number=1, repeat=20))
    cost = min(timeit.repeat(lambda: encode_rows(rows), number=1, repeat=20))
    assert cost < 5 * unit  # 1,000 float texts take 0.2 to 0.4 ms
