"""Values: which Python objects may be parameters, attributes and metrics, and how they are held.

The mapping is documented in docs/format, "Values": numpy scalars become their value, tuples and
lists become tuples, mappings become :class:`FrozenMapping`; what has no exact place in YAML 1.1 and
1.2 alike is refused.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from padre_git.errors import InvalidNameError, InvalidValueError
from padre_git.model.names import check_label, quoted

__all__ = [
    "FrozenMapping",
    "flatten",
    "freeze",
    "freeze_metrics",
    "has_passed",
    "is_number",
    "passed",
    "scalar",
    "thaw",
]

_DEPTH = 16
_INT_DIGITS = 100
_INT_BOUND = 10**_INT_DIGITS


class FrozenMapping(Mapping[str, Any]):
    """Is an immutable, hashable, picklable mapping that keeps its order and equals any mapping."""

    __slots__ = ("_items", "_passed")

    _items: dict[str, Any]
    #: What it was checked as, so that a copy of an entity need not check it again.
    _passed: Callable[..., Any] | None

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        object.__setattr__(self, "_items", dict(items or {}))
        object.__setattr__(self, "_passed", None)

    def __getitem__(self, name: str) -> Any:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if type(other) is FrozenMapping:
            return self._items == other._items
        return super().__eq__(other)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a stored mapping is immutable: cannot set '{name}'")

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[type[FrozenMapping], tuple[dict[str, Any]]]:
        return FrozenMapping, (dict(self._items),)


def passed(mapping: FrozenMapping, check: Callable[..., Any]) -> FrozenMapping:
    """Returns a mapping that :func:`has_passed` a check from now on."""
    object.__setattr__(mapping, "_passed", check)
    return mapping


def has_passed(value: object, check: Callable[..., Any]) -> bool:
    """Returns whether a value is what a check has returned: it would return it as it is."""
    return type(value) is FrozenMapping and value._passed is check  # noqa: SLF001 - its friend


def is_number(value: Any) -> bool:
    """Returns whether ``value`` is an integer or a float; a flag is neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def scalar(value: Any) -> Any:
    """Returns the Python value of a numpy scalar or zero-dimensional array; others as they are."""
    if hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    return value


def freeze(value: Any, field: str, *, finite: bool = True) -> Any:
    """Returns ``value`` as it will be stored and read back.

    Args:
        value: None, bool, int, float, str, or mappings (with text keys), lists, tuples of these;
            numpy scalars and arrays are taken by their values.
        field: dotted name for messages, such as ``parameters.C``.
        finite: refuse NaN and infinities.

    Raises:
        InvalidValueError: for everything else, naming the field.
    """
    if has_passed(value, freeze):
        return value
    frozen = _freeze(value, field, finite, 0)
    return passed(frozen, freeze) if finite and type(frozen) is FrozenMapping else frozen


def _freeze(value: Any, field: str, finite: bool, depth: int) -> Any:
    if type(value) not in _EXACT:  # most values are of these types themselves
        value = scalar(value)
    check = _EXACT.get(type(value)) or next(
        (check for type_, check in _SCALARS if isinstance(value, type_)), None
    )
    if check is not None:
        return check(value, field, finite)
    if depth > _DEPTH:
        raise _refused(value, field, f"is nested deeper than {_DEPTH}")
    if isinstance(value, Mapping):
        return _freeze_mapping(value, field, finite, depth)
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(
            _freeze(item, f"{field}[{n}]", finite, depth + 1) for n, item in enumerate(value)
        )
    raise _refused(value, field, f"is of type {type(value).__name__}")


def _freeze_mapping(value: Mapping[Any, Any], field: str, finite: bool, depth: int) -> Any:
    frozen = {}
    for name, item in value.items():
        try:
            check_label(name, "mapping key")
        except InvalidNameError as error:
            raise InvalidValueError(
                f"cannot store '{field}': {error.message}", field=field
            ) from error
        frozen[name] = _freeze(item, f"{field}.{name}", finite, depth + 1)
    return FrozenMapping(frozen)


def _check_int(value: Any, field: str, finite: bool) -> int:
    if not -_INT_BOUND < value < _INT_BOUND:
        raise InvalidValueError(
            f"cannot store '{field}': the integer has more than {_INT_DIGITS} digits", field=field
        )
    return int(value)


def _check_float(value: Any, field: str, finite: bool) -> float:
    if finite and not math.isfinite(value):
        raise _refused(value, field, "is not a finite number")
    return float(value)


def _check_text(value: Any, field: str, finite: bool) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _refused(value, field, "has a lone surrogate and is not text") from error
    return str(value)


_SCALARS: tuple[tuple[type, Callable[[Any, str, bool], Any]], ...] = (
    (int, _check_int),
    (float, _check_float),
    (str, _check_text),
)

_EXACT: Mapping[type, Callable[[Any, str, bool], Any]] = {
    **dict(_SCALARS),
    bool: lambda value, field, finite: value,
    type(None): lambda value, field, finite: None,
}


def _glimpse(value: Any) -> str:
    """Returns the beginning of what a value looks like, however deep or odd it is."""
    try:
        return quoted(reprlib.repr(value))
    except Exception:  # noqa: BLE001 - it is refused already; its own trouble must not hide that
        return f"'{type(value).__name__}'"


def _refused(value: Any, field: str, reason: str) -> InvalidValueError:
    return InvalidValueError(
        f"cannot store '{field}': {_glimpse(value)} {reason}",
        field=field,
        hint="values are None, bool, int, finite float, text, and lists and mappings of these",
    )


def freeze_metrics(metrics: Mapping[Any, Any], field: str = "metrics") -> FrozenMapping:
    """Returns metrics by name as numbers; NaN and infinities are kept.

    Raises:
        InvalidNameError: for a name that is not a label.
        InvalidValueError: for a value that is not a number (bool is not).
    """
    if isinstance(metrics, FrozenMapping) and has_passed(metrics, freeze_metrics):
        return metrics
    frozen: dict[str, int | float] = {}
    for name, given in metrics.items():
        check_label(name, "metric")
        value = scalar(given)
        if not is_number(value):
            raise InvalidValueError(
                f"cannot store '{field}.{name}': {_glimpse(value)} is not a number",
                field=f"{field}.{name}",
                hint="texts and flags are parameters or tags, not metrics",
            )
        frozen[name] = freeze(value, f"{field}.{name}", finite=False)
    return passed(FrozenMapping(frozen), freeze_metrics)


def flatten(mapping: Mapping[str, Any], field: str = "parameters") -> dict[str, Any]:
    """Returns nested mappings as one with dotted names: ``{"a": {"b": 1}}`` as ``{"a.b": 1}``.

    Raises:
        InvalidValueError: if two entries get the same dotted name.
    """
    flat: dict[str, Any] = {}

    def walk(inner: Mapping[str, Any], prefix: str) -> None:
        for name, value in inner.items():
            if isinstance(value, Mapping) and value:
                walk(value, f"{prefix}{name}.")
            elif prefix + name in flat:
                raise InvalidValueError(
                    f"two values of '{field}' have the name '{prefix}{name}' when flattened",
                    field=f"{field}.{prefix}{name}",
                )
            else:
                flat[prefix + name] = value

    walk(mapping, "")
    return flat


def thaw(value: Any) -> Any:
    """Returns a frozen value as plain dicts and lists, for writers and JSON."""
    if isinstance(value, Mapping):
        return {name: thaw(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value
