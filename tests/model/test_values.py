"""Which values can be stored, and what they become."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padre_git.errors import InvalidNameError, InvalidValueError
from padre_git.model import Experiment, FrozenMapping
from padre_git.model.values import flatten, freeze, freeze_metrics, thaw


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(7), 7),
        (np.array([1, 2]), (1, 2)),
        ([1, [2, "x"]], (1, (2, "x"))),
        ((1, None), (1, None)),
        ({"a": {"b": [1]}}, {"a": {"b": (1,)}}),
        (-0.0, -0.0),
        (2**64, 2**64),
    ],
)
def test_values_are_stored_as_documented(given_: object, stored: object) -> None:
    frozen = freeze(given_, "parameters.x")
    assert frozen == stored
    assert type(frozen) is type(stored) or isinstance(frozen, FrozenMapping)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        np.float64("nan"),
        object(),
        {1, 2},
        frozenset("ab"),
        b"bytes",
        1j,
        10**5000,
        "\ud800",
        {None: 1},
        {1: 1, "1": 2},
        {"": 1},
        {"a\n": 1},
        [object()],
        np.array([float("nan")]),
        lambda: None,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_exact_place_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidValueError, match=r"parameters\.x"):
        freeze(value, "parameters.x")


def test_nesting_without_end_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(InvalidValueError, match="nested deeper"):
        freeze(endless, "parameters.x")


def test_metrics_are_numbers_and_may_be_nan() -> None:
    metrics = freeze_metrics({"loss": np.float32("nan"), "n": np.int8(3), "val/acc": math.inf})
    assert math.isnan(metrics["loss"])
    assert (metrics["n"], metrics["val/acc"]) == (3, math.inf)


@pytest.mark.parametrize("value", [True, "0.5", None, [1.0]])
def test_a_metric_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match=r"metrics\.loss"):
        freeze_metrics({"loss": value})


@pytest.mark.parametrize("name", [None, 1, "", " a", "a\x00", "e\u0301", "x" * 251, "\u202e\n"])
def test_a_label_that_cannot_be_kept_is_refused(name: object) -> None:
    with pytest.raises(InvalidNameError):
        freeze_metrics({name: 1})


def test_parameters_that_collide_when_flattened_are_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"'a\.b'"):
        Experiment(project="iris", name="svm", parameters={"a.b": 1, "a": {"b": 1}})


def test_flatten_gives_dotted_names() -> None:
    assert flatten({"a": {"b": 1, "c": {}}, "d": 2}) == {"a.b": 1, "a.c": {}, "d": 2}


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_values)
def test_frozen_values_are_hashable_picklable_and_thaw_to_what_they_were(value: object) -> None:
    frozen = freeze(value, "x")
    hash(frozen)
    assert pickle.loads(pickle.dumps(frozen)) == frozen
    assert thaw(frozen) == value


def test_a_frozen_mapping_cannot_be_changed() -> None:
    mapping = FrozenMapping({"a": 1})
    with pytest.raises(TypeError):
        mapping["a"] = 2  # type: ignore[index]
    with pytest.raises(AttributeError):
        mapping.a = 2  # type: ignore[attr-defined]


def test_what_cannot_even_be_printed_is_refused_like_the_rest() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("not now")

    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"a": deep}
    for value, reason in ((Odd(), "is of type Odd"), (deep, "is nested deeper than")):
        with pytest.raises(InvalidValueError, match=reason):
            freeze(value, "parameters.x")
