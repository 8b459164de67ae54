"""Installed packages: exact versions by normalised name, read from the directories' names."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["Package", "installed_packages", "normalise", "package_of"]

_DIST = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._]*)-(?P<version>\d[A-Za-z0-9.!+]*)\.dist-info")


@dataclass(frozen=True, kw_only=True)
class Package:
    """Is one installed package.

    Attributes:
        name: normalised.
        version: exact.
        source: the directory it is installed from in place; None for a plain installation.
    """

    name: str
    version: str
    source: Path | None = None


def installed_packages() -> dict[str, str]:
    """Returns the version of every package this interpreter can import, sorted by name.

    The names of ``.dist-info`` directories say it (reading all the metadata takes 50 times as
    long); what is named in another way is asked for its metadata.
    """
    found: dict[str, str] = {}
    for place in sys.path:
        for name, version in _packages_in(place or "."):
            found.setdefault(normalise(name), version)
    return dict(sorted(found.items()))


def _packages_in(place: str) -> Iterator[tuple[str, str]]:
    if not Path(place).is_dir():
        yield from _zipped(place)
        return
    for name in sorted(os.listdir(place)):  # noqa: PTH208 - names are all that is needed
        if match := _DIST.fullmatch(name):
            yield match["name"], match["version"]
        elif name.endswith((".dist-info", ".egg-info")):
            yield from _asked(Path(place) / name)


def _zipped(place: str) -> Iterator[tuple[str, str]]:
    if Path(place).is_file():
        from importlib.metadata import distributions

        for found in distributions(path=[place]):
            yield found.metadata["Name"], found.version


def _asked(place: Path) -> Iterator[tuple[str, str]]:
    from importlib.metadata import PathDistribution

    metadata = PathDistribution(place).metadata
    if metadata and metadata["Name"] and metadata["Version"]:
        yield metadata["Name"], metadata["Version"]


def package_of(file: Path) -> Package | None:
    """Returns the package that installed a module or a program; None if none did."""
    module = _module_name(file)
    found = _provider_of_program(file.stem) if module is None else _provider_of(module)
    if found is None:
        return None
    return Package(
        name=normalise(found.metadata["Name"]), version=found.version, source=_source(found)
    )


def normalise(name: str) -> str:
    """Returns a package's name as the packaging standard spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _module_name(file: Path) -> str | None:
    """Returns the importable name at the top of an installed file; None for a program."""
    parts = file.parts
    for n in range(len(parts) - 2, -1, -1):
        if parts[n] in {"site-packages", "dist-packages"}:
            return parts[n + 1].partition(".")[0]
    return None


def _provider_of(module: str) -> Distribution | None:
    from importlib.metadata import distribution, packages_distributions

    names = packages_distributions().get(module)
    return distribution(names[0]) if names else None


def _provider_of_program(name: str) -> Distribution | None:
    from importlib.metadata import entry_points

    for group in ("console_scripts", "gui_scripts"):
        for entry in entry_points(group=group, name=name):
            if entry.dist is not None:
                return entry.dist
    return None


def _source(found: Distribution) -> Path | None:
    """Returns where a package that is installed in place has its code."""
    try:
        told = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    url = urlsplit(str(told.get("url", "")))
    if url.scheme != "file" or not told.get("dir_info", {}).get("editable"):
        return None
    path = Path(unquote(url.path))
    return path if path.is_dir() else None
