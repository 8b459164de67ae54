"""Splits and results come back exactly: values, order, element types, and what is not there.

Tests named ``o11`` … ``o18`` succeed those of the original's split encoding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from padre_git.errors import DocumentError, InvalidValueError, UnsupportedFormatError
from padre_git.format.indices import read_indices, write_indices
from padre_git.format.splits import decode_splits, encode_splits
from padre_git.model import Array, Key, Results, Split
from padre_git.model.arrays import DTYPES

RUN = Key.parse("iris/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz")


def split(number: int = 0, **values: Any) -> Split:
    return Split(run=RUN, number=number, **values)


def round_trip(*splits: Split) -> tuple[Split, ...]:
    files = encode_splits(splits)
    back = decode_splits(RUN, files)
    assert encode_splits(back) == files
    return back


def test_a_cross_validation_is_short_and_readable() -> None:
    folds = [
        split(
            number=n,
            train=np.array([i for i in range(150) if i // 30 != n]),
            test=np.arange(n * 30, n * 30 + 30),
            metrics={"accuracy": 0.9 + n / 100},
        )
        for n in range(2)
    ]
    assert encode_splits(folds) == {
        "splits.yaml": b"""schema: splits/1

splits:
  - number: 0
    metrics:
      accuracy: 0.9
    train:
      type: int64
      length: 120
      values: "30-149"
    test:
      type: int64
      length: 30
      values: "0-29"
  - number: 1
    metrics:
      accuracy: 0.91
    train:
      type: int64
      length: 120
      values: "0-29 60-149"
    test:
      type: int64
      length: 30
      values: "30-59"
"""
    }


def test_results_are_a_table_that_names_its_instances() -> None:
    fold = split(
        number=3,
        test=[7, 5],
        results=Results(
            truth=["setosa", 'a "b"\n'],  # type: ignore[arg-type]
            predicted=["setosa", ""],  # type: ignore[arg-type]
            probabilities=np.array([[0.1, 0.9], [1, 0]], dtype="float32"),  # type: ignore[arg-type]
        ),
    )
    assert encode_splits([fold])["results.csv"] == (
        b"split,index,truth,predicted,probability_0,probability_1\n"
        b"3,7,setosa,setosa,0.1,0.9\n"
        b'3,5,"a ""b""\n",,1.0,0.0\n'
    )
    assert round_trip(fold) == (fold,)


# -- successors of the original's tests ------------------------------------------------------


def test_o11_decoding_gives_the_values_and_their_type() -> None:
    (back,) = round_trip(split(train=np.array([1, 2, 2, 1]), test=[4, 1, 1, 2], validation=[8, 3]))
    assert isinstance(back.train, Array)
    assert np.asarray(back.train).dtype == np.int64
    assert list(back.train) == [1, 2, 2, 1]
    assert back.test == Array([4, 1, 1, 2])
    assert back.validation == Array([8, 3])


def test_o12_decoding_gives_single_elements() -> None:
    (back,) = round_trip(split(train=[1], test=np.array([0], dtype="uint8"), validation=[9]))
    assert (list(back.train), list(back.test), list(back.validation)) == ([1], [0], [9])  # type: ignore[arg-type]


def test_o13_decoding_nothing_gives_none() -> None:
    (back,) = round_trip(split())
    assert (back.train, back.test, back.validation) == (None, None, None)


def test_o14_encoding_keeps_unsorted_indices_as_they_are() -> None:
    indices = [5, 3, 4, 5, 6, 0, 2, 1]
    (back,) = round_trip(split(train=indices))
    assert list(back.train) == indices  # type: ignore[arg-type]


def test_o15_encoding_keeps_empty_test_and_validation_sets() -> None:
    (back,) = round_trip(split(train=[1, 2], test=[], validation=np.array([], dtype="int32")))
    assert back.test == Array([])
    assert back.validation == Array([], dtype="int32")


def test_o16_encoding_keeps_a_split_in_which_every_set_is_empty() -> None:
    given_ = split(train=[], test=[], validation=[])
    assert round_trip(given_) == (given_,)


def test_o17_encoding_keeps_single_elements() -> None:
    given_ = split(train=[0], test=[1], validation=[2])
    assert round_trip(given_) == (given_,)


def test_o18_encoding_tells_none_from_empty() -> None:
    (back,) = round_trip(split(train=None, test=[], validation=None))
    assert back.train is None
    assert back.test == Array([])


# -- arrays ----------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@st.composite
def arrays(draw: st.DrawFn, length: int | None = None) -> Array:
    dtype = draw(st.sampled_from(sorted(DTYPES)))
    rows = draw(st.integers(0, 8)) if length is None else length
    width = draw(st.none() | st.integers(0, 3))
    shape = (rows,) if width is None else (rows, width)
    if dtype == "str":
        row = texts if width is None else st.tuples(*[texts] * width)
        return Array(draw(st.lists(row, min_size=rows, max_size=rows)), dtype="str", width=width)
    return Array(draw(hnp.arrays(dtype, shape)))


@given(arrays())
def test_indices_of_every_type_come_back_exactly(array: Array) -> None:
    back = read_indices(write_indices(array))
    assert back == array
    assert list(map(repr, back.values)) == list(map(repr, array.values))


@given(hnp.arrays(st.sampled_from(["int64", "uint8", "float32", "bool", "<U3"]), st.integers(0, 9)))
def test_numpy_gets_back_what_it_gave(given_: np.ndarray) -> None:
    if given_.dtype.kind == "U" and any("\ud800" <= c <= "\udfff" for s in given_ for c in s):
        return
    (back,) = round_trip(split(train=given_))
    found = np.asarray(back.train)
    assert found.dtype.kind == given_.dtype.kind
    assert found.dtype == given_.dtype or found.dtype.kind == "U"
    np.testing.assert_array_equal(found, given_)


@given(st.lists(st.integers(-3, 12), max_size=40))
def test_ranges_neither_sort_nor_lose_anything(indices: list[int]) -> None:
    (back,) = round_trip(split(train=Array(indices, dtype="int16")))
    assert list(back.train) == indices  # type: ignore[arg-type]


@given(st.data(), st.integers(0, 3))
def test_results_come_back_exactly(data: st.DataObject, count: int) -> None:
    splits = []
    for number in range(count):
        rows = data.draw(st.integers(0, 4))
        columns = arrays(length=rows)
        results = st.builds(
            Results,
            truth=columns,
            predicted=columns,
            probabilities=st.none() | columns,
            index=st.none() | columns,
        )
        splits.append(
            split(
                number=number * 3,
                test=data.draw(st.none() | columns),
                results=data.draw(st.none() | results),
                metrics=data.draw(st.dictionaries(st.sampled_from(["a", "b c", "1"]), st.floats())),
            )
        )
    back = round_trip(*splits)
    for old, new in zip(splits, back, strict=True):
        assert repr(old.results) == repr(new.results)
        assert old.results == new.results
        assert (old.number, old.test) == (new.number, new.test)
        assert repr(dict(old.metrics)) == repr(dict(new.metrics))


def test_short_floats_are_written_with_the_digits_they_need() -> None:
    array = Array(np.array([0.1, 1 / 3, 3.4028235e38, 1e-45, -0.0, math.nan], dtype="float32"))
    assert write_indices(array)["values"] == "0.1 0.33333334 3.4028235e+38 1e-45 -0.0 nan"


@pytest.mark.parametrize(
    ("indices", "text"),
    [([0, 1], "0 1"), ([0, 1, 2], "0-2"), ([2, 1, 0], "2 1 0"), ([-1, 0, 1], "-1 0 1"), ([], "")],
)
def test_three_that_count_up_are_a_range(indices: list[int], text: str) -> None:
    assert write_indices(Array(indices, dtype="int64"))["values"] == text


def test_flags_are_written_as_runs() -> None:
    mask = np.array([True] * 3 + [False] * 2)
    assert write_indices(Array(mask))["values"] == "true*3 false*2"


def test_long_sets_are_wrapped_so_that_diffs_stay_small() -> None:
    text = encode_splits([split(train=list(range(0, 3000, 2)))])["splits.yaml"].decode()
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("\n") > 60


def test_splits_are_stored_in_the_order_of_their_numbers() -> None:
    assert [s.number for s in round_trip(split(2), split(0), split(10))] == [0, 2, 10]


def test_no_splits_are_no_files_and_no_files_are_no_splits() -> None:
    assert encode_splits([]) == {}
    assert decode_splits(RUN, {"run.yaml": b"schema: run/1\n"}) == ()


def test_two_splits_of_one_number_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="the same number"):
        encode_splits([split(1), split(1)])


def test_what_is_too_large_for_a_document_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padre_git.format.splits.MOST_BYTES", 100)
    with pytest.raises(InvalidValueError, match=r"take \d+ bytes"):
        encode_splits([split(train=list(range(0, 100, 2)))])
    monkeypatch.setattr("padre_git.format.indices.LONGEST", 10)
    with pytest.raises(InvalidValueError, match="11 indices"):
        write_indices(Array(range(11)))
    assert read_indices(write_indices(Array(range(10)))) == Array(range(10))


def test_rows_that_are_too_long_for_a_table_are_refused() -> None:
    results = Results(truth=[0], predicted=[0], probabilities=[[0.0] * 100_000])  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="rows of 100000 elements"):
        encode_splits([split(results=results)])


# -- strict reading --------------------------------------------------------------------------

HEAD = "schema: splits/1\n\nsplits:\n"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("schema: splits/1\n", "not exactly a list"),
        ("schema: splits/1\n\nsplits: {}\n", "not exactly a list"),
        ("schema: run/1\n\nsplits: []\n", "splits.yaml:1: the schema is 'run/1'"),
        ("splits: []\n", "the schema is"),
        ("schema: splits/1\n\nsplits: []\n\nmore: 1\n", "not exactly a list"),
        (HEAD + "  - 1\n", "splits.yaml:4: a split is not a mapping"),
        (HEAD + "  - metrics: {}\n", "count upwards"),
        (HEAD + "  - number: -1\n", "count upwards"),
        (HEAD + "  - number: true\n", "count upwards"),
        (HEAD + "  - number: 1\n  - number: 1\n", "splits.yaml:5: splits do not count upwards"),
        (HEAD + "  - number: 0\n    name: x\n", "splits.yaml:5: unknown key 'name'"),
        (HEAD + "  - number: 0\n    metrics: 1\n", "metrics are not a mapping"),
        (HEAD + "  - number: 0\n    metrics:\n      a: x\n", "is not a number"),
        (HEAD + "  - number: 0\n    train: 1\n", "splits.yaml:5: is not a mapping of 'type'"),
        (HEAD + "  - number: 0\n    results: 1\n", "is not a mapping with 'rows'"),
    ],
)
def test_a_damaged_document_is_refused_with_its_line_and_key(document: str, text: str) -> None:
    with pytest.raises(DocumentError, match=text) as caught:
        decode_splits(RUN, {"splits.yaml": document.encode()})
    assert caught.value.key == RUN.text
    assert caught.value.file == "splits.yaml"


def test_a_later_schema_is_refused_as_such() -> None:
    with pytest.raises(UnsupportedFormatError, match="splits/2"):
        decode_splits(RUN, {"splits.yaml": b"schema: splits/2\n\nsplits: []\n"})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"type": "object"}, "is not an array type"),
        ({"type": 64}, "is not an array type"),
        ({"type": "float64 x 100000"}, "is not an array type"),
        ({"length": -1}, "has the length -1"),
        ({"length": True}, "has the length True"),
        ({"length": 10**12}, "has the length"),
        ({"length": 4}, "has 3 values, not 4"),
        ({"length": 2}, "beyond the length"),
        ({"values": "2-0"}, "runs backwards"),
        ({"values": "0-99999999999999"}, "beyond the length"),
        ({"values": "0 1 x"}, "has 'x', which is not an integer"),
        ({"values": "0 1 2.0"}, "is not an integer"),
        ({"values": "0 1 true*1"}, "is not an integer"),
        ({"values": [0, 1, 2]}, "not text"),
        ({"values": None}, "not text"),
        ({"type": "str"}, "not a list of texts"),
        ({"type": "str", "values": [1, 2, 3]}, "not a list of texts"),
        ({"type": "bool"}, "neither 'true' nor 'false'"),
        ({"type": "bool", "values": "true*99999999"}, "beyond the length"),
        ({"type": "uint8", "values": "1 2 256"}, "out of range"),
        ({"type": "float64", "values": "1 2 3"}, "not a floating-point number"),
        ({"type": "float64", "values": "1.0 2.0 0x1p3"}, "not a floating-point number"),
        ({"extra": 1}, "is not a mapping of"),
    ],
)
def test_damaged_indices_are_refused(changes: Mapping[str, Any], text: str) -> None:
    values = {"type": "int64", "length": 3, "values": "0-2", **changes}
    with pytest.raises(ValueError, match=text):
        read_indices(values)


GOOD = encode_splits(
    [
        split(n, test=[1, 2], results=Results(truth=[0, 1], predicted=[0.5, 1]))  # type: ignore[arg-type]
        for n in range(2)
    ]
)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("split,index", "fold,index", "results.csv:1: the header is"),
        ("1,1,0,0.5\n", "", "lines of split 1 are missing"),
        ("1,2,1,1.0\n", "1,2,1,1.0\n1,2,1,1.0\n", "results.csv:6: there are more lines"),
        ("1,1,0,0.5\n", "1,1,0\n", "results.csv:4: 3 cells, not 4"),
        ("1,1,0,0.5\n", "0,1,0,0.5\n", "results.csv:4: '0' stands where split 1 does"),
        ("0,1,0,0.5\n", "0,1,x,0.5\n", r"results.csv:2: 'x' is not an integer \(field 'truth'\)"),
        ("0,1,0,0.5\n", "0,1,0,\n", "results.csv:2: '' is not a floating-point number"),
        ("1,2,1,1.0\n", "1,2,1,1.0", "not complete|cut off"),
        ("1,2,1,1.0\n", '1,2,"1,1.0\n', "results.csv:5: the line is cut off or badly quoted"),
        ("0,1,0,0.5\n", '0,1,0"",0.5\n', "results.csv:2: the line is cut off or badly quoted"),
        ("0,1,0,0.5\n", "0,1,0,0.5\r\n", "results.csv:2: the line is cut off"),
    ],
)
def test_damaged_results_are_refused_with_their_line(old: str, new: str, text: str) -> None:
    table = GOOD["results.csv"].decode()
    assert old in table
    damaged = {**GOOD, "results.csv": table.replace(old, new, 1).encode()}
    with pytest.raises(DocumentError, match=text) as caught:
        decode_splits(RUN, damaged)
    assert caught.value.key == RUN.text


def test_lines_inside_quotes_are_counted() -> None:
    fold = split(results=Results(truth=["a\nb", "c"], predicted=[1, 2]))  # type: ignore[arg-type]
    files = encode_splits([fold])
    damaged = {**files, "results.csv": files["results.csv"].replace(b",2\n", b",x\n")}
    with pytest.raises(DocumentError, match=r"results\.csv:4: 'x'"):
        decode_splits(RUN, damaged)


def test_results_that_are_missing_or_not_text_are_named() -> None:
    with pytest.raises(DocumentError, match=r"results\.csv: the file is missing"):
        decode_splits(RUN, {"splits.yaml": GOOD["splits.yaml"]})
    with pytest.raises(DocumentError, match=r"results\.csv:2: the results are not UTF-8"):
        decode_splits(RUN, {**GOOD, "results.csv": b"split\n\xff\n"})


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("rows: 2", "rows: -1", "has '?-1'? rows"),
        ("rows: 2", "rows: 99999999999", "lines of split 0 are missing|stands where"),
        ("truth: int64", "truth: uint128", "is not an array type"),
        ("truth: int64", "truth: int64\n      colour: int64", "unknown key 'colour'"),
        ("truth: int64", "truth: bool", "neither 'true' nor 'false'"),
        ("predicted: float64", "guessed: float64", "is not a mapping with 'rows'"),
    ],
)
def test_damaged_shapes_are_refused(old: str, new: str, text: str) -> None:
    document = GOOD["splits.yaml"].decode()
    assert old in document
    with pytest.raises(DocumentError, match=text):
        decode_splits(RUN, {**GOOD, "splits.yaml": document.replace(old, new, 1).encode()})
