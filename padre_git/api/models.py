"""Models: kept in formats that are safe to read, and read back.

Tensors by name become safetensors, estimators of scikit-learn become skops, models of onnx their
own format: reading these runs nothing that the file says. A pickle can be kept (joblib), because
some models have no other form; reading it runs whatever it says, and is a verb of its own.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from padre_git.errors import (
    ArtifactError,
    InvalidInputError,
    NotFoundError,
    PadreGitError,
    UnsupportedError,
)
from padre_git.model.names import quoted

if TYPE_CHECKING:
    from padre_git.api.store import Store
    from padre_git.collections import Ref

__all__ = ["ModelFormat", "Models", "saved"]


class ModelFormat(StrEnum):
    """Is how a model is kept; also the ending of its name."""

    #: Estimators of scikit-learn and what is built like them.
    SKOPS = "skops"
    #: Tensors by name.
    SAFETENSORS = "safetensors"
    #: Models of onnx.
    ONNX = "onnx"
    #: A pickle: anything, and safe only from yourself.
    JOBLIB = "joblib"


_STEP = "{:010d}"


def saved(model: Any, name: str, format: str | None, step: int | None) -> tuple[str, bytes]:
    """Returns name and bytes of a model; see :meth:`padre_git.api.recorder.Recorder.log_model`.

    Raises:
        InvalidInputError: if no safe format fits, or the format is none.
        UnsupportedError: if the format's library is not installed.
    """
    chosen = _fitting(model) if format is None else _format(format)
    if step is not None and not _is_step(step):
        raise InvalidInputError(f"not a step: {quoted(step)}", hint="it is a whole number from 0")
    full = name if step is None else f"{name}/{_STEP.format(step)}"
    try:
        data = _SAVE[chosen](model)
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            f"cannot keep {type(model).__name__} as {chosen}: {error}"
        ) from error
    return f"{full}.{chosen}", data


def _is_step(step: object) -> bool:
    return isinstance(step, int) and not isinstance(step, bool) and step >= 0


def _format(word: str) -> ModelFormat:
    try:
        return ModelFormat(word)
    except ValueError:
        words = ", ".join(f"'{known}'" for known in ModelFormat)
        raise InvalidInputError(f"no format of models: {quoted(word)}", hint=words) from None


def _fitting(model: Any) -> ModelFormat:
    library = type(model).__module__.partition(".")[0]
    if isinstance(model, Mapping):
        return ModelFormat.SAFETENSORS
    if library == "onnx":
        return ModelFormat.ONNX
    if callable(getattr(model, "get_params", None)):
        return ModelFormat.SKOPS
    raise InvalidInputError(
        f"no safe format fits {type(model).__name__}",
        hint="keep its tensors (model.state_dict()), export it to onnx, or, if only you will read"
        " it, format='joblib'",
    )


def _library(name: str, format: ModelFormat) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise UnsupportedError(
            f"{format} needs the package '{package}'", hint=f"pip install {package}"
        ) from error


def _save_skops(model: Any) -> bytes:
    return bytes(_library("skops.io", ModelFormat.SKOPS).dumps(model))


def _save_tensors(model: Any) -> bytes:
    kinds = {type(tensor).__module__.partition(".")[0] for tensor in model.values()}
    if kinds <= {"numpy"}:
        return bytes(_library("safetensors.numpy", ModelFormat.SAFETENSORS).save(dict(model)))
    if kinds <= {"torch"}:
        tensors = {name: tensor.contiguous() for name, tensor in model.items()}
        return bytes(_library("safetensors.torch", ModelFormat.SAFETENSORS).save(tensors))
    raise TypeError("tensors by name are all of numpy, or all of torch")


def _save_onnx(model: Any) -> bytes:
    return bytes(model.SerializeToString(deterministic=True))


def _save_joblib(model: Any) -> bytes:
    stream = io.BytesIO()
    _library("joblib", ModelFormat.JOBLIB).dump(model, stream)
    return stream.getvalue()


_SAVE: Mapping[ModelFormat, Callable[[Any], bytes]] = {
    ModelFormat.SKOPS: _save_skops,
    ModelFormat.SAFETENSORS: _save_tensors,
    ModelFormat.ONNX: _save_onnx,
    ModelFormat.JOBLIB: _save_joblib,
}


class Models:
    """Reads the models of runs.

    Args:
        store: whose they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, run: Ref) -> list[str]:
        """Returns the names of a run's artifacts that are models, checkpoints in order of steps.

        Raises:
            ArtifactError, NotFoundError, RemoteError: as :meth:`Artifacts.list`.
        """
        endings = tuple(f".{known}" for known in ModelFormat)
        found = self._store.artifacts.list(run)
        return [artifact.name for artifact in found if artifact.name.endswith(endings)]

    def load(
        self, run: Ref, name: str = "model", *, step: int | None = None, trusted: Sequence[str] = ()
    ) -> Any:
        """Returns a model; nothing of what its file says is run.

        Args:
            run: whose.
            name: as it was given to ``log_model``, or the artifact's name.
            step: of a checkpoint; None for the model itself or else the last checkpoint.
            trusted: types that skops may make besides those that it knows to be harmless, such as
                ``"mypackage.MyTransformer"``.

        Returns:
            An estimator (skops), numpy arrays by name (safetensors) or a model of onnx.

        Raises:
            ArtifactError: if it is a pickle, or damaged; see also :meth:`Artifacts.get`.
            InvalidInputError: for types that are not trusted; the hint names them.
            NotFoundError: if there is no such model.
            UnsupportedError: if the format's library is not installed.
        """
        found = self._find(run, name, step)
        format = ModelFormat(found.rpartition(".")[2])
        if format is ModelFormat.JOBLIB:
            raise ArtifactError(
                f"'{found}' is a pickle: reading it would run whatever it says",
                hint="if you trust whoever made it: store.models.unpickle",
            )
        path = self._store.artifacts.get(run, found)
        try:
            return _LOAD[format](path, trusted)
        except PadreGitError:
            raise
        except (TypeError, ValueError, KeyError, OSError, BadZipFile) as error:
            raise ArtifactError(f"cannot read '{found}': {error}") from error

    def unpickle(self, run: Ref, name: str = "model", *, step: int | None = None) -> Any:
        """Returns a model that was kept as a pickle: whatever whoever made it says is run here.

        Raises:
            ArtifactError: if it is no pickle; see also :meth:`Artifacts.get`.
            NotFoundError: if there is no such model.
            UnsupportedError: if joblib is not installed.
        """
        found = self._find(run, name, step)
        if not found.endswith(f".{ModelFormat.JOBLIB}"):
            raise ArtifactError(f"'{found}' is no pickle", hint="store.models.load reads it")
        return _library("joblib", ModelFormat.JOBLIB).load(self._store.artifacts.get(run, found))

    def _find(self, run: Ref, name: str, step: int | None) -> str:
        names = self.list(run)
        below = f"{name}/" if step is None else f"{name}/{_STEP.format(step)}."
        exact = [n for n in names if n == name or (step is None and n.rpartition(".")[0] == name)]
        found = exact or [n for n in names if n.startswith(below)][-1:]
        if len(found) > 1:
            raise InvalidInputError(
                f"'{name}' is kept in several formats", hint=f"name one: {', '.join(found)}"
            )
        if not found:
            what = quoted(name) if step is None else f"{quoted(name)} of step {step}"
            raise NotFoundError(
                f"no model {what} in '{run}'", hint=f"it has {', '.join(names) or 'none'}"
            )
        return found[0]


def _load_skops(path: Path, trusted: Sequence[str]) -> Any:
    skops = _library("skops.io", ModelFormat.SKOPS)
    unknown = [t for t in skops.get_untrusted_types(file=path) if t not in trusted]
    if unknown:
        raise InvalidInputError(
            f"'{path.name}' would make objects of types that are not trusted: {', '.join(unknown)}",
            hint="if you know them: trusted=[…] with their names",
        )
    return skops.load(path, trusted=list(trusted))


def _load_tensors(path: Path, _: Sequence[str]) -> Any:
    library = _library("safetensors", ModelFormat.SAFETENSORS)
    try:
        return _library("safetensors.numpy", ModelFormat.SAFETENSORS).load_file(path)
    except library.SafetensorError as error:
        raise ValueError(str(error)) from error


def _load_onnx(path: Path, _: Sequence[str]) -> Any:
    onnx = _library("onnx", ModelFormat.ONNX)
    from google.protobuf.message import DecodeError

    try:
        # its tensors may name files elsewhere: those are not read
        return onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise ValueError(str(error)) from error


_LOAD: Mapping[ModelFormat, Callable[[Path, Sequence[str]], Any]] = {
    ModelFormat.SKOPS: _load_skops,
    ModelFormat.SAFETENSORS: _load_tensors,
    ModelFormat.ONNX: _load_onnx,
}
