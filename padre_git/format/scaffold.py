"""The scaffold: the files a project's repository begins with, which are the user's afterwards."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["scaffold"]

_PACKAGE = Path(__file__).parent.parent


def scaffold() -> dict[str, bytes]:
    """Returns the first files of a project, content by path, as ``templates/project`` has them."""
    return dict(_scaffold())


@cache
def _scaffold() -> dict[str, bytes]:
    # a wheel has the templates inside the package, a checkout beside it
    inside = _PACKAGE / "templates"
    root = (inside if inside.is_dir() else _PACKAGE.parent / "templates") / "project"
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
    if ".padre/format.yaml" not in files:
        raise FileNotFoundError(f"the templates of padre_git are not installed at '{root}'")
    return files
