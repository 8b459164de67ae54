"""Settings: where a store is, and what it remembers of how it was opened.

A store's root is a directory with one clone for each project. Beside them, ``padre-git.yaml``
keeps remote, artifact remote and branch, so that they are given once. Opening a store makes no
repository; the file is written when something is given that it does not say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padre_git.errors import DocumentError, InvalidInputError, UnsupportedFormatError
from padre_git.vcs.credentials import Login, Secret, origin_of

if TYPE_CHECKING:
    from padre_git.hosts import Named

__all__ = [
    "FILE",
    "Settings",
    "check_root",
    "credentials",
    "data_login",
    "find_root",
    "offline",
    "read_settings",
    "remember",
]

FILE = "padre-git.yaml"
_SCHEMA = "store/1"
_CONFIG = "config.yaml"
_LONGEST_BRANCH = 200
_LONGEST_SHOWN = 100


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Is what a store remembers.

    Attributes:
        remote: base, template or repository where clones meet; None for a store without remote.
        artifacts: the DVC remote, if it is not beside the git remote.
        branch: that is read and written.
    """

    remote: str | None = None
    artifacts: str | None = None
    branch: str = "main"


def find_root(root: str | os.PathLike[str] | None) -> Path:
    """Returns the root: as given, from ``PADRE_ROOT``, the user's configuration, or ``~/padre``.

    Raises:
        InvalidInputError: if it is a file, its text is empty, or no file system has such a name.
        DocumentError: if the user's configuration cannot be read.
    """
    if root is None:
        root = os.environ.get("PADRE_ROOT") or _configured() or "~/padre"
    if not str(root).strip() or "\0" in str(root):
        raise InvalidInputError("the root of a store is a directory, not an empty text")
    path = Path(os.path.abspath(Path(root).expanduser()))  # noqa: PTH100 - links stay as they are
    try:
        if path.exists() and not path.is_dir():
            raise InvalidInputError(f"'{path}' is a file, not the root of a store")
    except OSError as error:
        raise InvalidInputError(
            f"'{_short(path)}' cannot be the root of a store: {_reason(error)}",
            hint="choose another root",
        ) from error
    return path


def credentials(origin: str) -> Named:
    """Returns what the environment has for an origin: a token, or a user and a secret.

    ``PADRE_TOKEN`` comes before ``PADRE_SECRET``; with ``PADRE_HOST`` no other host gets either.

    Args:
        origin: scheme, host and port.
    """
    from padre_git.hosts import Named

    only, host = os.environ.get("PADRE_HOST"), origin.partition("://")[2]
    if only and only.lower() not in {origin, host, host.rpartition(":")[0]}:
        return Named()
    token, secret, user = (
        os.environ.get(name, "").strip() for name in ("PADRE_TOKEN", "PADRE_SECRET", "PADRE_USER")
    )
    return Named(user=user or None, secret=Secret(token or secret) if token or secret else None)


def data_login() -> Login | None:
    """Returns what the environment has for data remotes on a web server; None for nothing.

    ``PADRE_DATA_SECRET`` is for ``PADRE_DATA_HOST`` alone: a project says itself where its data is.
    The user may be empty: then it is the one that the remote is configured with.

    Raises:
        InvalidInputError: if there is a secret and no host, or one cannot be told to a host.
    """
    host, user, secret = (
        os.environ.get(f"PADRE_DATA_{name}", "").strip() for name in ("HOST", "USER", "SECRET")
    )
    if not secret:
        return None
    origin = origin_of(host if "://" in host else f"https://{host}")
    if origin is None:
        raise InvalidInputError(
            "PADRE_DATA_SECRET is set, and PADRE_DATA_HOST does not say for which host",
            hint="PADRE_DATA_HOST=https://dav.example.org; without scheme it is https",
        )
    return Login(origin=origin, user=user, secret=Secret(secret))


def offline() -> str | None:
    """Returns why no remote may be talked to, by ``PADRE_OFFLINE``; None if they may be."""
    if os.environ.get("PADRE_OFFLINE", "").strip() in {"", "0"}:
        return None
    return "PADRE_OFFLINE is set"


def _short(path: Path) -> str:
    text = str(path)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _configured() -> str | None:
    """Returns the root that the user's own configuration file names."""
    import platformdirs

    path = platformdirs.user_config_path("padre-git") / _CONFIG
    if not path.is_file():
        return None
    values = _values(path)
    root = values.get("root")
    if not set(values) <= {"root"} or not isinstance(root, str):
        raise DocumentError("it has one key, 'root', a directory", file=str(path))
    return root


def check_root(root: Path) -> None:
    """Makes sure that clones in this directory would not be files of another repository.

    Raises:
        InvalidInputError: if it lies in a git work tree that does not ignore it.
    """
    for place in dict.fromkeys([root, root.resolve()]):
        above = next((p for p in (place, *place.parents) if (p / ".git").exists()), None)
        if above is not None and not _is_ignored(above, place):
            raise InvalidInputError(
                f"'{root}' lies in the git work tree '{above}'",
                hint="choose another root, or let that repository ignore it (.gitignore)",
            )


def _is_ignored(work_tree: Path, root: Path) -> bool:
    if work_tree == root:
        return False
    from padre_git.vcs import try_git

    inside = f"{root.relative_to(work_tree).as_posix()}/"
    return try_git(["check-ignore", "-q", "--", inside], work_tree).code == 0


def read_settings(root: Path) -> Settings:
    """Returns what a store remembers; the defaults if there is nothing.

    Raises:
        DocumentError: if the file breaks its format.
        UnsupportedFormatError: if a later version has written it.
    """
    path = root / FILE
    if not path.is_file():
        return Settings()
    values = _values(path)
    schema = values.pop("schema", None)
    if schema != _SCHEMA:
        if str(schema).startswith("store/"):
            raise UnsupportedFormatError(f"'{path}' was written by a later padre_git: '{schema}'")
        raise DocumentError(f"'schema' is not '{_SCHEMA}'", file=str(path), field="schema")
    for name, value in values.items():
        if name not in {field.name for field in fields(Settings)} or not isinstance(value, str):
            raise DocumentError("not a setting of a store", file=str(path), field=name)
    return Settings(**values)


def remember(root: Path, before: Settings, given: Mapping[str, str | None]) -> Settings:
    """Returns the settings of a store with what was given in the place of what it remembers.

    What is new is checked and written down.

    Raises:
        InvalidInputError: for a remote or branch that cannot be one, or that has a password in it,
            or if the root cannot be written.
    """
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    after = replace(before, **changes)
    _check(after)
    if after != before:
        from padre_git.format import write_document

        named = {field.name: getattr(after, field.name) for field in fields(after)}
        values = {name: value for name, value in named.items() if value is not None}
        _write(root, write_document({"schema": _SCHEMA, **values}))
    return after


def _write(root: Path, content: bytes) -> None:
    temporary = root / f".{FILE}.{os.getpid()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(root / FILE)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise InvalidInputError(
            f"'{root}' cannot be written: {_reason(error)}",
            hint="choose another root, or make it writable",
        ) from error


def _check(settings: Settings) -> None:
    if settings.remote is not None:
        from padre_git.vcs.remotes import RemoteLocation

        RemoteLocation.parse(settings.remote)
    if settings.artifacts is not None and "@" in settings.artifacts.partition("://")[2]:
        user = settings.artifacts.partition("://")[2].partition("@")[0]
        if ":" in user:
            raise InvalidInputError(
                "invalid artifact remote: it has a password in it",
                hint="credentials belong into DVC's own configuration",
            )
    branch = settings.branch
    if not 1 <= len(branch) <= _LONGEST_BRANCH or not _is_branch(branch):
        raise InvalidInputError(f"not the name of a branch: '{branch[:60]}'")


def _is_branch(name: str) -> bool:
    """Returns whether git would take a name; stricter where nobody needs more."""
    allowed = all(c.isalnum() or c in "._/-" for c in name)
    pieces = name.split("/")
    good = all(p and p[0] not in ".-" and not p.endswith((".", ".lock")) for p in pieces)
    return allowed and good and ".." not in name and name != "HEAD"


def _values(path: Path) -> dict[str, Any]:
    from padre_git.format import parse_document

    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"'{path}' cannot be read: {_reason(error)}") from error
    return dict(parse_document(content, file=str(path)).values)
