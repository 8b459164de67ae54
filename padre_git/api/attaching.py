"""Attaching: the verbs by which a running run keeps texts, figures, models and files."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from padre_git.api.attachments import Attachments, rendered, written
from padre_git.api.draft import Draft
from padre_git.api.events import event_of_items
from padre_git.api.models import saved
from padre_git.errors import InvalidInputError
from padre_git.model import Key

__all__ = ["Attaching"]

_LOG = "log.txt"


class Attaching(ABC):
    """Keeps what is larger than a number, as it is at that moment.

    Attributes:
        _attachments: what was kept so far.
        _lock: held while something is added.
    """

    _attachments: Attachments
    _lock: threading.RLock

    @property
    @abstractmethod
    def key(self) -> Key:
        """The run's key."""

    @abstractmethod
    def _checked_draft(self) -> Draft:
        """Returns the run's draft, with its lock held; refuses if the run has ended."""

    @abstractmethod
    def _write(self, *event: Any) -> None:
        """Appends an event to the spool."""

    def log_text(self, name: str, text: str) -> None:
        """Keeps a text under a name: ``log.txt`` in the record itself, others as artifacts."""
        with self._lock:
            draft = self._checked_draft()
            if name == _LOG:
                draft.set_text(_LOG, text)
                self._write("text", _LOG, draft.texts[_LOG])
            else:
                self._attach_bytes(name, text.encode(errors="backslashreplace"))

    def log_dict(self, name: str, values: Any) -> None:
        """Keeps a mapping or list as an artifact: YAML if the name says so, else JSON."""
        with self._lock:
            self._checked_draft()
            self._attach_bytes(name, written(name, values))

    def log_figure(self, name: str, figure: Any) -> None:
        """Keeps a figure as an artifact, in the format that the name's suffix says.

        Args:
            name: such as ``plots/roc.png``.
            figure: of matplotlib, plotly or whatever can save itself; bytes; SVG or HTML text.
        """
        with self._lock:
            self._checked_draft()
            self._attach_bytes(*rendered(name, figure))

    def log_model(
        self, model: Any, name: str = "model", *, format: str | None = None, step: int | None = None
    ) -> str:
        """Keeps a model in a format that can be read without running what is in it.

        Args:
            model: an estimator of scikit-learn, tensors by name (of numpy or torch), a model of
                onnx, or with ``format="joblib"`` anything that can be pickled.
            name: path below the run's artifacts, without ending.
            format: ``"skops"``, ``"safetensors"``, ``"onnx"`` or ``"joblib"``; None for the one of
                the first three that fits.
            step: of a checkpoint, which is kept beside those of other steps.

        Returns:
            The name of the artifact, such as ``model.skops`` or ``model/0000000100.safetensors``.

        Raises:
            InvalidInputError: if no safe format fits.
            UnsupportedError: if the format's library is not installed.
        """
        with self._lock:
            self._checked_draft()
            name, data = saved(model, name, format, step)
            self._attach_bytes(name, data)
        return name

    def log_artifact(self, path: str | Path, name: str | None = None) -> None:
        """Keeps a file or directory as it is now.

        Args:
            path: where it is.
            name: path below the run's artifacts; its own name if not given.

        Raises:
            ArtifactError, InvalidInputError: for a name or file that cannot be stored.
            NotFoundError: if there is nothing.
        """
        path = Path(path)
        self._attach(path, path.resolve().name if name is None else name)

    def log_artifacts(self, directory: str | Path, name: str | None = None) -> None:
        """Keeps everything in a directory, at the top of the run's artifacts or below ``name``.

        Raises:
            ArtifactError, InvalidInputError, NotFoundError: as :meth:`log_artifact`.
        """
        if not Path(directory).is_dir():
            raise InvalidInputError(f"not a directory: '{directory}'", key=self.key)
        self._attach(Path(directory), name or "")

    def _attach(self, path: Path, name: str) -> None:
        with self._lock:
            self._checked_draft()
            self._write("artifact", name, event_of_items(self._attachments.add(path, name)))

    def _attach_bytes(self, name: str, data: bytes) -> None:
        placed = self._attachments.add_bytes(data, name)
        self._write("artifact", name, event_of_items(placed))
