"""No backend without the suite, and no backend without the state machine."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import get_type_hints

import pytest

import padre_git.backends
from padre_git.backends import Backend
from padre_git.testing.machine import BackendMachine
from padre_git.testing.suite import BackendSuite, PresentSuite

TESTS = Path(__file__).parents[1]


def backends() -> set[type[Backend]]:
    """Returns every backend of the package that stores."""
    for module in pkgutil.iter_modules(padre_git.backends.__path__, "padre_git.backends."):
        importlib.import_module(module.name)
    found: set[type[Backend]] = set()
    left = [Backend]
    while left:
        for below in left.pop().__subclasses__():
            left.append(below)
            if below.__module__.startswith("padre_git.backends.") and not inspect.isabstract(below):
                found.add(below)
    return found


def backends_made_by(*bases: type) -> set[type[Backend]]:
    """Returns what the tests make backends of with classes of these bases."""
    found: set[type[Backend]] = set()
    for file in [*TESTS.glob("backends/test_*.py"), *TESTS.glob("conformance/test_*.py")]:
        name = ".".join(("tests", *file.relative_to(TESTS).with_suffix("").parts))
        for value in vars(importlib.import_module(name)).values():
            if inspect.isclass(value) and issubclass(value, bases) and value not in bases:
                made = get_type_hints(value.make_backend)["return"]
                found.update(base for base in made.__mro__ if issubclass(base, Backend))
    return found


@pytest.mark.parametrize("backend", sorted(backends(), key=lambda b: b.__name__))
def test_every_backend_passes_the_suite(backend: type[Backend]) -> None:
    suite = BackendSuite if backend.keeps_history else PresentSuite
    assert backend in backends_made_by(suite)


@pytest.mark.parametrize("backend", sorted(backends(), key=lambda b: b.__name__))
def test_every_backend_agrees_with_the_oracle(backend: type[Backend]) -> None:
    assert backend in backends_made_by(BackendMachine)


def test_behaviours_read_as_sentences() -> None:
    names = [name for name in dir(BackendSuite) if name.startswith("test_")]
    assert len(names) > 60
    assert all(len(name.split("_")) >= 5 for name in names), [n for n in names if n.count("_") < 4]
