"""Settings: which DVC remote a clone uses, from DVC's own configuration files.

``.dvc/config`` is tracked and everybody's; ``.dvc/config.local`` is this clone's and wins. Both are
read without importing DVC, because most remotes are directories.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

from padre_git.artifacts import durable
from padre_git.errors import ArtifactError, InvalidInputError
from padre_git.model.names import quoted
from padre_git.vcs.ownfiles import read_own

__all__ = [
    "RemoteSettings",
    "create_store",
    "local_option",
    "own_settings",
    "reachable_url",
    "read_settings",
    "remote_options",
    "replace_private",
    "set_local_option",
    "url_beside",
    "write_settings",
]

_SECTION = re.compile(r"\s*\[\s*(?P<quote>['\"]?)(?P<name>.*?)(?P=quote)\s*\]\s*(?:#.*)?")
_OPTION = re.compile(
    r"\s*(?P<key>[^=\s#\[][^=]*?)\s*=\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>[^#]*?))"
    r"\s*(?:#.*)?"
)
_REMOTE = re.compile(r'remote "(?P<name>.+)"')
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.*", re.DOTALL)
_PASSWORD = re.compile(r"[^:/]+://[^/@]*:[^/@]*@")
_LENGTH = 1_000_000


@dataclass(frozen=True, kw_only=True)
class RemoteSettings:
    """Is where the data of a clone is shared.

    Attributes:
        name: of the remote in DVC's configuration; None for one that is not configured there.
        url: as configured; None if it is configured outside of the clone.
        directory: where that is on this machine; None if it is elsewhere.
    """

    #: The name of the remotes that :func:`write_settings` writes.
    OURS: ClassVar[str] = "padre"

    name: str | None
    url: str | None
    directory: Path | None

    @classmethod
    def of_url(cls, url: str, *, base: Path, name: str | None = None) -> RemoteSettings:
        """Returns settings for a URL or path, relative to ``base``."""
        return cls(name=name, url=url, directory=_directory(url, base))

    def __str__(self) -> str:
        return re.sub(r"//[^/@]*@", "//", self.url or self.name or "")


def _directory(url: str, base: Path) -> Path | None:
    if url.startswith("file://"):
        return Path(unquote(url.removeprefix("file://")))
    if _URL.fullmatch(url):
        return None
    return Path(os.path.normpath((base / Path(url).expanduser()).absolute()))


def read_settings(project: Path) -> RemoteSettings | None:
    """Returns the default remote of a clone; None if it has none.

    Args:
        project: the clone's directory.

    Raises:
        ArtifactError: if DVC's configuration cannot be read.
    """
    directory = project / ".dvc"
    merged: dict[str, dict[str, str]] = {}
    for name in ("config", "config.local"):
        for section, options in _parse(_read(directory / name), directory / name).items():
            merged.setdefault(section, {}).update(options)
    remote = merged.get("core", {}).get("remote", "").lower()
    if not remote:
        return None
    url = merged.get(f'remote "{remote}"', {}).get("url")
    if url is None:
        return RemoteSettings(name=remote, url=None, directory=None)
    return RemoteSettings.of_url(url, base=directory, name=remote)


def own_settings(project: Path) -> list[RemoteSettings]:
    """Returns the remotes whose addresses this clone itself has configured.

    Args:
        project: the clone's directory.

    Raises:
        ArtifactError: if DVC's configuration cannot be read.
    """
    path = project / ".dvc" / "config.local"
    return [
        RemoteSettings.of_url(options["url"], base=path.parent, name=match["name"])
        for section, options in _parse(_read(path), path).items()
        if (match := _REMOTE.fullmatch(section)) and _is_place(options.get("url", ""))
    ]


def _is_place(url: str) -> bool:
    """Returns whether a url is an address, and not another remote's name."""
    return bool(url) and not url.startswith("remote://")


def remote_options(path: Path, name: str) -> dict[str, str]:
    """Returns what one of DVC's configuration files says about a remote.

    Raises:
        ArtifactError: if it cannot be read.
    """
    return dict(_parse(_read(path), path).get(f'remote "{name}"', {}))


def _read(path: Path) -> str:
    if path.parent.is_symlink() or path.is_symlink():
        raise ArtifactError(f"'{path}' is a link", hint="a clone's settings are files of its own")
    try:
        data = read_own(path)
    except OSError as error:
        raise ArtifactError(f"cannot read '{path}': {error.strerror}") from error
    if data is None and os.path.lexists(path):
        raise ArtifactError(f"cannot read '{path}'", hint="a clone's settings are files of its own")
    if data is None:
        return ""
    try:
        return data[:_LENGTH].decode()
    except UnicodeDecodeError as error:
        raise ArtifactError(f"cannot read '{path}': it is not UTF-8") from error


def _parse(text: str, path: Path) -> Mapping[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    section = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if head := _SECTION.fullmatch(line):
            section = found.setdefault(head["name"].lower(), {})
        elif (option := _OPTION.fullmatch(line)) and section is not None:
            value = option["single"] or option["double"] or option["bare"] or ""
            section[option["key"].lower()] = value
        else:
            raise ArtifactError(f"{path}:{number}: not a line of DVC's configuration")
    return found


def write_settings(project: Path, url: str) -> None:
    """Makes ``url`` the default remote of this clone, in ``.dvc/config.local``.

    The user's other lines stay as they are; nothing is written if it is so already.

    Args:
        project: the clone's directory.
        url: a path or any URL that DVC understands, without password.

    Raises:
        InvalidInputError: for a URL with a password or characters that cannot be written.
        ArtifactError: if the configuration cannot be read.
    """
    _check_url(url)
    path = project / ".dvc" / "config.local"
    before = _read(path)
    _parse(before, path)
    lines = before.splitlines()
    _set(lines, "core", "remote", RemoteSettings.OURS)
    _set(lines, f'remote "{RemoteSettings.OURS}"', "url", url)
    if "\n".join(lines) + "\n" != before:
        _replace(path, lines)


def local_option(project: Path, section: str, key: str) -> str | None:
    """Returns what this clone itself has configured, in ``.dvc/config.local``.

    Raises:
        ArtifactError: if DVC's configuration cannot be read.
    """
    path = project / ".dvc" / "config.local"
    return _parse(_read(path), path).get(section, {}).get(key)


def set_local_option(project: Path, section: str, key: str, value: str | None) -> None:
    """Sets one option of this clone, or removes it; every other line stays as it is.

    Raises:
        ArtifactError: if DVC's configuration cannot be read.
    """
    path = project / ".dvc" / "config.local"
    lines = _read(path).splitlines()
    _parse("\n".join(lines), path)
    _set(lines, section, key, value or "")
    if value is None:
        lines.remove(f"    {key} = ")
    _replace(path, lines)


def _check_url(url: str) -> None:
    if _PASSWORD.match(url):
        raise InvalidInputError(
            "invalid artifact remote: it has a password in it",
            hint="give credentials to DVC: dvc remote modify --local padre password …",
        )
    if not url or not url.isprintable() or '"' in url or "%(" in url:
        raise InvalidInputError(f"invalid artifact remote: {quoted(url)}")


def _set(lines: list[str], section: str, key: str, value: str) -> None:
    """Sets one option in the lines of a configuration file, touching no other line."""
    text = f'    {key} = "{value}"' if re.search(r"[#,'\s]", value) else f"    {key} = {value}"
    heads = [n for n, line in enumerate(lines) if _SECTION.fullmatch(line)]
    for place, start in enumerate(heads):
        head = _SECTION.fullmatch(lines[start])
        if head is None or head["name"].lower() != section:
            continue
        end = heads[place + 1] if place + 1 < len(heads) else len(lines)
        for number in range(start + 1, end):
            option = _OPTION.fullmatch(lines[number])
            if option is not None and option["key"].lower() == key:
                lines[number] = text
                return
        lines.insert(start + 1, text)
        return
    lines += [f"['{section}']" if " " in section else f"[{section}]", text]


def _replace(path: Path, lines: list[str]) -> None:
    """Replaces a file in DVC's directory; a kill leaves a half where git does not see it."""
    scratch = path.parent / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    replace_private(path, ("\n".join(lines) + "\n").encode(), scratch=scratch)


def replace_private(path: Path, data: bytes, *, scratch: Path | None = None) -> None:
    """Replaces a file that only its owner may read, whole or not at all; durable on return.

    Args:
        path: the file.
        data: what it is to have.
        scratch: where it is written first, on the same disk; None for beside it.
    """
    temporary = (scratch or path.parent) / f".{path.name}.{secrets.token_hex(4)}"
    target = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            durable.write_all(target, data)
            os.fsync(target)
        finally:
            os.close(target)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # the first one is to be told
            temporary.unlink()
        raise
    durable.sync_directory(path.parent)


def url_beside(project: str, git_dir: Path) -> str | None:
    """Returns the data store beside the remote that a clone was made from; None if it has none.

    Args:
        project: its name.
        git_dir: its git directory (of the main work tree).
    """
    from padre_git.vcs.process import run_git
    from padre_git.vcs.remotes import RemoteLocation

    # by its file, so that no repository further up can answer
    question = ["config", "--file", str(git_dir / "config"), "--get", "remote.origin.url"]
    address = run_git(question, git_dir, check=False).decode(errors="replace").strip()
    try:
        url = RemoteLocation.parse(address, project=project).data_url(project)
    except InvalidInputError:
        return None
    return reachable_url(url)


def reachable_url(url: str | None) -> str | None:
    """Returns a url that was not asked for, if DVC can reach it here without another package."""
    if url is not None and url.startswith("ssh://") and find_spec("dvc_ssh") is None:
        return None
    return url


def create_store(directory: Path) -> None:
    """Makes a directory that several people's clones share data through, if it is not there.

    It is its owner's alone, unless the directory above is shared with a group; then as that one.

    Args:
        directory: the store; the directory above it must exist.

    Raises:
        ArtifactError: if it cannot be made.
    """
    if directory.is_dir():
        return
    try:
        above = directory.parent.stat().st_mode
        shared = above & 0o2070 if above & 0o020 else 0
        durable.make_directories(directory, mode=0o700 | shared)
    except OSError as error:
        raise ArtifactError(f"cannot make '{directory}': {error.strerror}") from error
