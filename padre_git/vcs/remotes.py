"""Remote locations: where the repository of each project is, as text and as a directory.

Three forms are understood. A *base* holds ``<base>/<project>.git`` for every project, a *template*
says it otherwise (``https://host/lab-{project}.git``), and an address ending in ``.git`` is the
repository of one project. Each may be a directory, a ``file``, ``ssh``, ``git``, ``http`` or
``https`` URL or git's short form ``user@host:path``. Nothing else is given to git: no option-like
text, no ``ext::`` helper, and no password or token, which belongs into a credential helper.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from padre_git.errors import InvalidInputError, InvalidNameError
from padre_git.model import Key
from padre_git.model.names import quoted

__all__ = ["RemoteLocation", "path_of", "without_user"]

_PROJECT = "{project}"
_SCHEMES = frozenset(["file", "git", "http", "https", "ssh"])
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_SHORT = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>[^@/:]+):(?P<path>.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class RemoteLocation:
    """Is where the repositories of a store's projects meet.

    Attributes:
        template: the address of a project's repository with ``{project}`` in it, or without it
            if the location is one project's repository.
        only: the one project, if the location is a single repository.
    """

    template: str
    only: str | None = None

    @classmethod
    def parse(cls, text: str | Path, *, project: str | None = None) -> RemoteLocation:
        """Returns the location that a person means.

        Args:
            text: a base, a template with ``{project}``, or an address ending in ``.git``.
            project: the project of a single repository whose name says another one.

        Raises:
            InvalidInputError: if git must not be given this, or it holds a password or token.
        """
        address = _checked(str(text).strip())
        if address.count(_PROJECT) == 1 and not re.search(r"[{}]", address.replace(_PROJECT, "")):
            _check_public(address)
            return cls(template=address)
        if "{" in address or "}" in address:
            raise InvalidInputError(
                f"invalid remote: {quoted(text)}", hint="a template has '{project}' in it once"
            )
        if not address.endswith(".git"):
            return cls(template=f"{address.rstrip('/')}/{_PROJECT}.git")
        name = project or re.split(r"[/:]", address.removesuffix(".git"))[-1]
        try:
            Key.project_named(name)
        except InvalidNameError as error:
            raise InvalidInputError(
                f"no project can be named after the remote {quoted(text)}",
                hint="give the project's name beside it, or the directory above it as a base",
            ) from error
        return cls(template=address, only=name)

    def __str__(self) -> str:
        return self.template.removesuffix(f"/{_PROJECT}.git")

    def url(self, project: str) -> str | None:
        """Returns what git is given for a project's repository; None if it has no place here."""
        if self.only is not None:
            return self.template if project == self.only else None
        return self.template.replace(_PROJECT, project)

    def public_url(self, project: str) -> str | None:
        """Returns the url of a project that may be stored and shown: without a user name."""
        url = self.url(project)
        return None if url is None else without_user(url)

    def record_url(self, key: Key) -> str | None:
        """Returns the url of a record: its project's, and its path as the fragment."""
        url = self.public_url(key.project)
        return url if url is None or not key.path else f"{url}#{key.path}"

    def key_of(self, url: str) -> Key | None:
        """Returns the key of the record with this url; None if its place is not this location."""
        place, _, path = url.partition("#")
        name = self.only
        if name is None:
            head, _, tail = without_user(self.template).partition(_PROJECT)
            place_name = re.fullmatch(f"{re.escape(head)}([^/]+){re.escape(tail)}", place)
            name = place_name.group(1) if place_name else ""
        try:
            if self.public_url(Key.project_named(name).name) != place:
                return None
            return Key.parse(f"{name}/{path}" if path else name)
        except InvalidNameError:
            return None

    def path(self, project: str) -> Path | None:
        """Returns the directory of a project's repository, if the location is on this machine."""
        url = self.url(project)
        return None if url is None else path_of(url)

    @property
    def directory(self) -> Path | None:
        """The directory that holds the repositories; None if they are on a host."""
        if not self.template.startswith("file://"):
            return None
        head = self.template.removeprefix("file://").partition(_PROJECT)[0]
        path = Path(unquote(head))
        return path if head.endswith("/") else path.parent

    def projects(self) -> tuple[str, ...] | None:
        """Returns the names of the projects that are there; None if the place cannot be listed.

        Raises:
            OSError: if the directory cannot be read.
        """
        base = self.directory
        if base is None:
            return None
        found = []
        for entry in sorted(base.iterdir()):
            key = self.key_of(entry.as_uri())
            if key is not None and (entry / "HEAD").is_file():
                found.append(key.project)
        return tuple(found)

    def has_place(self, name: str) -> bool:
        """Returns whether a name found at the remote can be a project's of this location."""
        try:
            return self.url(Key.project_named(name).name) is not None
        except InvalidNameError:
            return False

    def data_url(self, project: str) -> str | None:
        """Returns the data store beside a project's repository; None if that takes a choice.

        A directory gives a path, ``ssh`` a URL; behind ``http`` and the short form of ssh there is
        no place that DVC could write to.
        """
        url = self.url(project)
        if url is None or not url.startswith(("file://", "ssh://")):
            return None
        beside = f"{url.rstrip('/').removesuffix('.git')}.dvc"
        return unquote(beside.removeprefix("file://"))


def path_of(url: str) -> Path | None:
    """Returns the directory that a ``file`` url names; None for any other url."""
    if not url.startswith("file://"):
        return None
    return Path(unquote(url.removeprefix("file://")))


def without_user(url: str) -> str:
    """Returns a url without user name, password and token."""
    if "://" in url:
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    short = _SHORT.fullmatch(url)
    return url if short is None else f"{short['host']}:{short['path']}"


def _checked(address: str) -> str:
    """Returns an address in the one form that is stored and given to git."""
    if not address or address.startswith("-") or not address.isprintable():
        raise InvalidInputError(
            f"invalid remote: {quoted(without_user(address))}",
            hint="it is a directory, a URL or 'user@host:path'",
        )
    if _HELPER.match(address.replace(_PROJECT, "x")):
        raise InvalidInputError(
            f"invalid remote: {quoted(address)} runs a program of its own",
            hint="use a directory, a URL or 'user@host:path'",
        )
    if "://" in address:
        return _checked_url(address)
    short = _SHORT.fullmatch(address)
    if short is not None and not address.startswith(("/", ".", "~")):
        _check_host(short["host"], short["user"], short["path"])
        return address
    try:
        path = Path(address).expanduser().absolute()
    except RuntimeError as error:  # "~somebody" whom this machine does not know
        raise InvalidInputError(f"invalid remote: no home for {quoted(address)}") from error
    return "file://" + _encoded(_tidy(path))


def _checked_url(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError as error:
        raise InvalidInputError(f"invalid remote: {error}") from error
    if parts.scheme not in _SCHEMES:
        raise InvalidInputError(
            f"invalid remote: git is not given '{parts.scheme}' URLs",
            hint=f"use one of {', '.join(sorted(_SCHEMES))}",
        )
    if any(mark in address for mark in "?# "):
        raise InvalidInputError(
            "invalid remote: a URL with a query, a fragment or a blank",
            hint="tokens belong into git's credential helper",
        )
    if parts.scheme == "file":
        path = unquote(parts.path)
        if parts.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path:
            raise InvalidInputError("invalid remote: a 'file' URL of another machine")
        return "file://" + _encoded(_tidy(Path(path)))
    _check_userinfo(parts)
    _check_host(host, parts.username, parts.path or "/")
    return address


def _check_public(template: str) -> None:
    if _PROJECT not in without_user(template):
        raise InvalidInputError(
            f"invalid remote: '{_PROJECT}' stands in the user name",
            hint="the urls of records have no user name, and would be the same for all projects",
        )


def _check_userinfo(parts: SplitResult) -> None:
    userinfo = parts.netloc.rpartition("@")[0]
    if ":" in userinfo or (userinfo and parts.scheme != "ssh"):
        raise InvalidInputError(
            f"invalid remote: user name or password in the URL of host '{parts.hostname}'",
            hint="leave them out and use git's credential helper (git help credentials)",
        )


def _check_host(host: str, user: str | None, path: str) -> None:
    # ssh would read a host, user or path that begins with a dash as an option; behind "#" in the
    # url of a record stands which one it is
    given = (host, user or "", path)
    if not host or not path or "#" in host + path or any(p.startswith("-") for p in given):
        raise InvalidInputError(
            f"invalid remote: host {quoted(host)} and path {quoted(path)}",
            hint="a URL looks like 'ssh://host/path'",
        )


def _tidy(path: Path) -> Path:
    if ".." in path.parts:
        return path.resolve()
    return path


def _encoded(path: Path) -> str:
    """Returns a path percent-encoded, with the place for the project's name left readable."""
    return path.as_uri().removeprefix("file://").replace("%7B", "{").replace("%7D", "}")
