"""Deeds that are wrong on purpose: a sweep that finds nothing in them does not look."""

from __future__ import annotations

import contextlib
from pathlib import Path

import padre_git
from padre_git.errors import PadreGitError
from padre_git.model import Experiment
from tests.faults.deeds import DEEDS, Deed

__all__ = ["EVERYTHING", "PLANTED"]


def _put(store: padre_git.Store, name: str = "new") -> None:
    store.experiments.put(Experiment(project="iris", name=name, title=name))


def _lie(store: padre_git.Store, lab: Path) -> None:
    with contextlib.suppress(PadreGitError):
        _put(store)


def _raise(store: padre_git.Store, lab: Path) -> None:
    (lab / "ada/iris/.git/padre/own").write_bytes(b"own")
    _put(store)


def _halve(store: padre_git.Store, lab: Path) -> None:
    _put(store)
    _put(store, "other")


def _litter(store: padre_git.Store, lab: Path) -> None:
    own = lab / "ada/iris/.git/padre/own.tmp"
    own.touch()
    _put(store)
    own.unlink()


def _spoil(store: padre_git.Store, lab: Path) -> None:
    path = lab / "ada/iris/.git/objects/ab" / ("c" * 38)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"no object")
    path.unlink()
    _put(store)


def _remove(store: padre_git.Store, lab: Path) -> None:
    path = lab / "ada/iris/experiments/svm/experiment.yaml"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    _put(store)


def _give(store: padre_git.Store, lab: Path) -> None:
    (lab / "mine/model.bin").unlink()
    _put(store)


#: What is wrong with each, as the sweep says it; and the fault that shows it.
PLANTED: dict[str, tuple[Deed, str, str]] = {
    "lie": (Deed(do=_lie), "EIO", "success, and not so"),
    "raise": (Deed(do=_raise), "ENOSPC", "raw: "),
    "halve": (Deed(do=_halve), "kill", "here is neither old nor new"),
    "litter": (Deed(do=_litter), "EIO", "left behind: ada/iris/.git/padre/own.tmp"),
    "spoil": (Deed(do=_spoil), "kill", "git fsck in iris"),
    "remove": (Deed(do=_remove), "kill", "git status: "),
    "give": (Deed(do=_give), "EIO", "a file of the user's is gone"),
}
EVERYTHING = {**DEEDS, **{name: deed for name, (deed, *_) in PLANTED.items()}}
