"""Arrays keep value, order and element type, with numpy and without."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from padre_git.errors import InvalidValueError
from padre_git.model import Array

_DTYPES = ["int8", "uint16", "int64", "uint64", "float16", "float32", "float64", "bool"]


@given(
    st.sampled_from(_DTYPES).flatmap(
        lambda d: hnp.arrays(d, hnp.array_shapes(max_dims=2, min_side=0, max_side=5))
    )
)
def test_a_numpy_array_comes_back_as_it_was(given_: np.ndarray) -> None:
    array = Array(given_)
    back = np.asarray(array)
    assert back.dtype == given_.dtype
    assert back.shape == given_.shape
    np.testing.assert_array_equal(back, given_)
    assert pickle.loads(pickle.dumps(array)) == array


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([3, 1, 2], "int64"),
        ([0.5, 1], "float64"),
        ([True], "bool"),
        (["a", ""], "str"),
        (range(3), "int64"),
        ([], "int64"),
    ],
)
def test_plain_values_have_a_type_too(values: object, dtype: str) -> None:
    array = Array(values)  # type: ignore[arg-type]
    assert array.dtype == dtype
    assert list(array) == list(values)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "values",
    [
        [1, "a"],
        [object()],
        [None],
        [[1, 2], [3]],
        [[1], 2],
        np.array([1j]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        [True, 1],
    ],
)
def test_a_mixture_is_refused(values: object) -> None:
    with pytest.raises(InvalidValueError):
        Array(values)  # type: ignore[arg-type]


def test_text_arrays_of_numpy_keep_their_text() -> None:
    array = Array(np.array(["setosa", "virginica"]))
    assert array.dtype == "str"
    assert np.asarray(array).tolist() == ["setosa", "virginica"]


def test_equality_looks_at_type_shape_and_values() -> None:
    assert Array([1, 2]) == Array(np.array([1, 2]))
    assert Array([1, 2]) != Array([2, 1])
    assert Array([1, 2]) != Array(np.array([1, 2], dtype="int8"))
    assert Array([float("nan")]) == Array([float("nan")])


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([300], "uint8"),
        ([-1], "uint64"),
        ([2**63], "int64"),
        ([10**5000], None),
        (["\ud800"], None),
    ],
)
def test_what_the_type_cannot_hold_is_refused(values: list[object], dtype: str | None) -> None:
    with pytest.raises(InvalidValueError, match="cannot store an array"):
        Array(values, dtype=dtype)


def test_plain_numbers_become_what_numpy_would_make_of_them() -> None:
    assert Array([0.1], dtype="float32") == Array(np.array([0.1], dtype="float32"))
    assert Array([0.1, 1e9], dtype="float16").values == tuple(
        np.array([0.1, np.inf], dtype="float16").tolist()
    )
    assert [type(value) for value in Array([1, 2.5])] == [float, float]
