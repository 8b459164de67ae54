"""Data files: pandas and numpy objects as files that anybody can read, and back.

Tables become CSV or Parquet, arrays become ``.npy``; nothing is ever pickled or unpickled. A table
is written as CSV only if reading it gives the same table again, which is tried: types and
missing values are where CSV loses something without saying so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from padre_git.errors import InvalidInputError, UnsupportedError
from padre_git.model import Column
from padre_git.model.names import quoted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["DataFormat", "columns_of", "read_data", "written"]


class DataFormat(StrEnum):
    """Is how data is written to a file."""

    #: Text, for tables.
    CSV = "csv"
    #: Columns with their types, for tables; needs pyarrow.
    PARQUET = "parquet"
    #: numpy's own format, for arrays.
    NPY = "npy"


_TABLES = (DataFormat.CSV, DataFormat.PARQUET)
_ORDERED = {True: "ordinal", False: "nominal"}


def columns_of(data: Any, described: tuple[Column, ...] = ()) -> tuple[Column, ...]:
    """Returns the columns of a table, each with its type; none for anything else.

    Args:
        data: a DataFrame, a Series, an array or anything else.
        described: what is known of columns already; it stays, and gets the type if it has none.

    Raises:
        InvalidInputError: for a column that is described and not there, or has no usable name.
    """
    if _library(data) != "pandas":
        return described
    table = _table(data)
    known = {column.name: column for column in described}
    missing = known.keys() - set(table.columns)
    if missing:
        raise InvalidInputError(
            f"no column {quoted(min(missing))} in the data",
            hint=f"it has {', '.join(map(quoted, list(table.columns)[:8]))}",
        )
    return tuple(_column(table[name], known.get(name)) for name in table.columns)


def _column(series: pd.Series[Any], known: Column | None) -> Column:
    ordered = getattr(series.dtype, "ordered", None)
    level = None if ordered is None else _ORDERED[bool(ordered)]
    name = str(series.name)
    if known is None:
        return Column(name=name, type=str(series.dtype), level=level)
    return Column(
        name=name,
        type=known.type or str(series.dtype),
        unit=known.unit,
        level=known.level or level,
        target=known.target,
    )


@contextmanager
def written(
    data: Any, name: str, format: str | None, columns: tuple[Column, ...] = ()
) -> Iterator[Path]:
    """Gives the path of data as a file or directory: its own, or one that lives in the block.

    Args:
        data: a path, a DataFrame, a Series or an array.
        name: of the file that is made, without ending.
        format: a word of :class:`DataFormat`; None for CSV of tables and ``.npy`` of arrays.
        columns: of a table.

    Raises:
        InvalidInputError: if the data cannot be written so without loss.
        UnsupportedError: if the library that writes it is not installed.
    """
    chosen = _format(data, format)
    if chosen is None:
        yield Path(data).expanduser()
        return
    with TemporaryDirectory(prefix="padre-") as directory:
        path = Path(directory) / f"{name}.{chosen}"
        if chosen is DataFormat.NPY:
            _write_array(data, path)
        else:
            _write_table(_table(data), path, chosen, columns)
        yield path


def _format(data: Any, word: str | None) -> DataFormat | None:
    """Returns the format to write data in; None for data that is a file already."""
    library = _library(data)
    if library is None:
        if word is not None:
            raise InvalidInputError("files are stored as they are", hint="leave 'format' out")
        return None
    fitting = _TABLES if library == "pandas" else (DataFormat.NPY,)
    if word is None:
        return fitting[0]
    if word not in [*fitting]:
        raise InvalidInputError(
            f"cannot write {type(data).__name__} as {quoted(word)}",
            hint=f"use {' or '.join(quoted(str(f)) for f in fitting)}",
        )
    return DataFormat(word)


def _library(data: Any) -> str | None:
    """Returns which library data belongs to, without importing it; None for a path."""
    library = type(data).__module__.partition(".")[0]
    if library in ("pandas", "numpy") and hasattr(
        data, "dtypes" if library == "pandas" else "dtype"
    ):
        return library
    if isinstance(data, str) or hasattr(data, "__fspath__"):
        return None
    raise InvalidInputError(
        f"data is a path, a DataFrame, a Series or an array, not {type(data).__name__}"
    )


def _table(data: Any) -> pd.DataFrame:
    import pandas as pd

    table: pd.DataFrame = data.to_frame() if isinstance(data, pd.Series) else data
    names = list(table.columns)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise InvalidInputError(
            "the columns of a table need different names, which are text",
            hint="set data.columns first",
        )
    return table


def _write_array(data: np.ndarray[Any, Any], path: Path) -> None:
    import numpy as np

    if data.dtype.hasobject:
        raise InvalidInputError(
            "an array of Python objects is not stored: it would have to be pickled",
            hint="give it a type: data.astype(…)",
        )
    np.save(path, data, allow_pickle=False)


def _write_table(
    table: pd.DataFrame, path: Path, chosen: DataFormat, columns: tuple[Column, ...]
) -> None:
    import pandas as pd

    if chosen is DataFormat.PARQUET:
        try:
            table.to_parquet(path)
        except ImportError as error:
            raise UnsupportedError(
                "cannot write Parquet: pyarrow is not installed", hint="pip install pyarrow"
            ) from error
        return
    if not table.index.equals(pd.RangeIndex(len(table))):
        raise InvalidInputError(
            "the index of a table is not written to CSV",
            hint="make it a column, data.reset_index(), or drop it, data.reset_index(drop=True)",
        )
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    _check_same(table, path, columns)


def _check_same(table: pd.DataFrame, path: Path, columns: tuple[Column, ...]) -> None:
    try:
        again = _read_csv(path, {column.name: column.type for column in columns})
        lost = [name for name in table.columns if not table[name].equals(again[name])]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInputError(
            f"the table cannot be read from CSV again: {error}",
            hint="format='parquet' keeps types and missing values",
        ) from error
    if lost:
        raise InvalidInputError(
            f"column {quoted(lost[0])} would lose something in CSV"
            f" (its type is {table[lost[0]].dtype})",
            hint="give it one simple type, write missing texts as None and no empty ones, or"
            " use format='parquet'",
        )


def read_data(path: Path, columns: tuple[Column, ...] = ()) -> Any:
    """Returns what a file holds: a DataFrame for CSV and Parquet, an array for ``.npy``.

    Args:
        path: the file, whose ending says its format.
        columns: what is known of the columns of a table.

    Raises:
        InvalidInputError: if the file is not of its format, or holds Python objects.
        UnsupportedError: for any other ending, or if a library is not installed.
    """
    readers: Mapping[str, Any] = {
        ".csv": lambda: _read_csv(path, {column.name: column.type for column in columns}),
        ".parquet": lambda: _read_parquet(path),
        ".npy": lambda: _read_array(path),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UnsupportedError(
            f"'{path.name}' is neither CSV, Parquet nor .npy", hint="read the file yourself"
        )
    try:
        return reader()
    except ImportError as error:
        raise UnsupportedError(
            f"cannot read '{path.name}': {error.name} is not installed",
            hint=f"pip install {error.name}",
        ) from error
    except (ValueError, OSError, EOFError) as error:
        raise InvalidInputError(f"cannot read '{path.name}': {error}") from error


def _read_array(path: Path) -> Any:
    import numpy as np

    return np.load(path, allow_pickle=False)


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_parquet(path)


def _read_csv(path: Path, types: Mapping[str, str | None]) -> pd.DataFrame:
    """Reads CSV; columns with a type that pandas knows get it, and "NA" is a text like others."""
    import pandas as pd

    known = {name: dtype for name, type_ in types.items() if (dtype := _dtype(type_)) is not None}
    times = {name: dtype for name, dtype in known.items() if dtype.kind in "mM"}
    table: pd.DataFrame = pd.read_csv(
        path,
        dtype={name: dtype for name, dtype in known.items() if name not in times},
        keep_default_na=False,
        na_values=[""],
        encoding="utf-8",
        **_exactly(pd.__version__),
    )
    for name, dtype in times.items():
        if dtype.kind == "m":
            table[name] = pd.to_timedelta(table[name]).astype(dtype)
        else:
            zoned = getattr(dtype, "tz", None) is not None
            table[name] = pd.to_datetime(table[name], format="ISO8601", utc=zoned).astype(dtype)
    return table


def _exactly(version: str) -> dict[str, Any]:
    """Returns how a version of pandas is told to read the very numbers that were written."""
    major, minor = map(int, version.split(".")[:2])
    return {"float_precision": "round_trip"} if (major, minor) < (3, 1) else {}


def _dtype(type_: str | None) -> Any:
    import pandas as pd

    if type_ is None:
        return None
    try:
        return pd.api.types.pandas_dtype(type_)
    except (TypeError, ValueError):  # a word for people, such as "text"
        return None
