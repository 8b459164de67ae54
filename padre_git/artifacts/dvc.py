"""DVC's own library, for the remotes that only it can reach: the one module that imports it.

DVC's classes for file systems and its configuration are used, and nothing above them: no
repository object, so no lock, no index of all pointers, no state database of pickles in a shared
directory (CVE-2025-69872), no analytics, and nothing that could run a command.
"""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from padre_git.artifacts.cache import Cache
from padre_git.artifacts.hashes import object_path
from padre_git.artifacts.settings import RemoteSettings
from padre_git.artifacts.stores import UNKNOWN, Tell, attempt_all, nobody
from padre_git.errors import (
    ArtifactError,
    AuthenticationError,
    PadreGitError,
    RemoteUnavailableError,
)
from padre_git.model.names import quoted
from padre_git.vcs.asking import ask_keyring
from padre_git.vcs.credentials import Login, no_login, origin_of

__all__ = ["DvcStore"]

_WORKERS = 8
_WEB = ("http", "https")
_DAV = ("webdav", "webdavs")
#: With any of these, somebody has said how to be let in.
_SECRETS = ("password", "token", "custom_auth_header")
_CLOSING = 10.0
_CONNECTING = 10
_ABSENT = frozenset([404, 410])
_DENIED = frozenset([401, 403, 407])


class DvcStore:
    """Is a store that DVC's file systems reach: S3, ssh, WebDAV, HTTP and others.

    Args:
        project: the clone, whose DVC configuration names the remote or its credentials.
        settings: which remote.
        login: returns who we are on one web server; None for nobody in particular.

    Raises:
        ArtifactError: if DVC refuses the configuration or lacks the package for the protocol.
        AuthenticationError: if nothing says the password of the configured user.
    """

    def __init__(
        self,
        project: Path,
        settings: RemoteSettings,
        login: Callable[[], Login | None] = no_login,
    ) -> None:
        self._shown = str(settings)
        self._fs, self._path = _file_system(project, settings, login)

    def sizes(self, md5s: Sequence[str]) -> dict[str, int | None]:
        """Returns the size of each object there; None if absent, UNKNOWN if not measured.

        Raises:
            RemoteUnavailableError, AuthenticationError: if the remote cannot be asked.
        """
        with self._session(), self._errors():
            answers = self._fs.info(
                [self._place(md5) for md5 in md5s], return_exceptions=True, batch_size=_WORKERS
            )
        found: dict[str, int | None] = {}
        for md5, answer in zip(md5s, answers, strict=True):
            failure = _failure(answer)
            if failure is not None:
                raise self._error(failure) from failure
            if isinstance(answer, FileNotFoundError):
                found[md5] = None
            else:
                size = answer.get("size")
                found[md5] = UNKNOWN if size is None else int(size)
        return found

    def send(self, cache: Cache, md5s: Sequence[str], tell: Tell = nobody) -> None:
        """Copies objects from the cache, after checking their bytes.

        Raises:
            ArtifactMissingError, ArtifactCorruptError: if the cache has not the bytes.
            RemoteUnavailableError, AuthenticationError: if the remote does not take them.
        """

        def send(md5: str) -> None:
            cache.open(md5).close()
            place = self._place(md5)
            with self._errors():
                self._fs.put_file(os.fspath(cache.path(md5)), place)

        with self._session():
            failed = self._make_directories(md5s) or attempt_all(send, md5s, tell)
        if failed:
            raise failed[0]

    def fetch(self, cache: Cache, md5s: Sequence[str], tell: Tell = nobody) -> None:
        """Copies objects into the cache, checked and flushed.

        Raises:
            ArtifactCorruptError: if the remote has other bytes.
            RemoteUnavailableError, AuthenticationError: if it does not give them.
        """

        def fetch(md5: str) -> None:
            with _download(cache) as temporary:
                with self._errors():
                    self._fs.get_file(self._place(md5), os.fspath(temporary))
                with temporary.open("rb") as stream:
                    cache.receive(stream.fileno(), md5)

        with self._session():
            failed = attempt_all(fetch, md5s, tell)
        if failed:
            raise failed[0]

    def _make_directories(self, md5s: Sequence[str]) -> list[PadreGitError | OSError]:
        """Makes the directories of objects, each once; returns what went wrong."""
        wanted = {self._fs.parent(self._place(md5)) for md5 in md5s}
        above = {self._fs.parent(directory) for directory in wanted}
        # first what they share: servers fail in their own ways when two make one directory
        return attempt_all(self._make, sorted(above)) or attempt_all(self._make, sorted(wanted))

    def _make(self, directory: str) -> None:
        with self._errors():
            try:
                self._fs.makedirs(directory, exist_ok=True)
            except Exception:
                self._fs.fs.invalidate_cache()
                if not self._fs.exists(directory):  # else another clone has made it meanwhile
                    raise

    def _place(self, md5: str) -> str:
        return str(self._fs.join(self._path, *object_path(md5).split("/")))

    @contextmanager
    def _session(self) -> Iterator[None]:
        """Connects, and closes connections to a web server; fsspec leaves that to chance."""
        with self._errors():
            self._fs.fs.invalidate_cache()  # several threads at once would make several
        try:
            yield
        finally:
            used = self._fs.__dict__.get("fs")  # asking for it would connect
            if used is not None and self._fs.protocol in _WEB:
                _close_web(used)
            elif used is not None and self._fs.protocol in _DAV:
                used.client.http.close()
                self._fs.__dict__.pop("fs")  # it is made anew, and a closed one does not open

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except PadreGitError:
            raise
        except Exception as error:
            # every file system has exceptions of its own, without a common base
            raise self._error(error) from error

    def _error(self, error: Exception) -> PadreGitError:
        words = " ".join(str(error).split())[:300] or type(error).__name__
        status = getattr(error, "status", getattr(error, "status_code", None))
        if isinstance(error, PermissionError) or status in _DENIED:
            return AuthenticationError(
                f"the artifact remote '{self._shown}' does not let us in: {words}",
                hint="give credentials to DVC: dvc remote modify --local …",
            )
        return RemoteUnavailableError(f"the artifact remote '{self._shown}' failed: {words}")


def _close_web(file_system: Any) -> None:
    session = getattr(file_system, "_session", None)
    if session is not None:
        from fsspec.asyn import sync  # type: ignore[import-untyped]

        sync(file_system.loop, session.close, timeout=_CLOSING)
        file_system._session = None  # noqa: SLF001 - it is made anew where it is None


def _failure(answer: object) -> Exception | None:
    """Returns what kept a remote from answering; None if it said yes or no."""
    if not isinstance(answer, Exception):
        return None
    if not isinstance(answer, FileNotFoundError):
        return answer
    # fsspec says "not found" for a web server that is down or wants a password, too
    cause = answer.__cause__
    status = getattr(cause, "status", None)
    if isinstance(cause, Exception) and isinstance(status, int) and status not in _ABSENT:
        return cause
    if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
        return cause
    return None


@contextmanager
def _download(cache: Cache) -> Iterator[Path]:
    temporary = cache.scratch_directory() / f"{secrets.token_hex(8)}.part"
    try:
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _let_in(
    arguments: Mapping[str, Any], url: str, named: Callable[[], Login | None]
) -> dict[str, Any]:
    """Returns what lets us in at a web server whose remote has no secret in DVC's files.

    That is what was named for this very server, or else what the keyring has for it.
    """
    if any(arguments.get(name) for name in _SECRETS):
        return {}
    is_dav, user = url.startswith("webdav"), arguments.get("user")
    origin = origin_of(url.replace("webdav", "http", 1) if is_dav else url)
    login = named()
    if login is None or login.origin != origin:
        login = None if origin is None else ask_keyring(origin, user)
    if login is None and is_dav and user:
        raise AuthenticationError(
            f"nothing says the password of {quoted(user)} for '{origin}'",
            hint=f"PADRE_DATA_HOST={origin} with PADRE_DATA_SECRET, keyring set {origin} {user},"
            " or dvc remote modify --local …",
        )
    if login is None:
        return {}
    found = {"user": login.user or user, "password": str(login.secret)}
    return found if is_dav else {**found, "auth": "basic"}


def _as_header(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Returns user and password of a web server as a header.

    As such they do not follow a redirect to another host; as DVC hands them over, they do.
    """
    user, password = (arguments.get(name) for name in ("user", "password"))
    if arguments.get("auth") != "basic" or not user or password is None:
        return {}
    word = b64encode(f"{user}:{password}".encode()).decode()
    return {"auth": "custom", "custom_auth_header": "Authorization", "password": f"Basic {word}"}


def _file_system(
    project: Path, settings: RemoteSettings, login: Callable[[], Login | None]
) -> tuple[Any, str]:
    from dvc.config import Config, ConfigError
    from dvc.fs import RemoteMissingDepsError, get_cloud_fs

    options = {"name": settings.name} if settings.name else {"url": settings.url}
    try:
        config = Config(os.fspath(project / ".dvc"))
        file_system, arguments, path = get_cloud_fs(config, **options)
        if file_system.protocol in _WEB:
            arguments.setdefault("connect_timeout", _CONNECTING)
        if file_system.protocol in _WEB + _DAV:
            url = str(settings.url or arguments.get("url", ""))
            arguments |= _let_in(arguments, url, login)
        if file_system.protocol in _WEB:
            arguments |= _as_header(arguments)
        return file_system(**arguments), path
    except PadreGitError:
        raise
    except RemoteMissingDepsError as error:
        raise ArtifactError(
            f"DVC cannot reach '{settings}': {error}",
            hint=f"install it for that protocol: pip install 'dvc[{error.protocol}]'",
        ) from error
    except (ConfigError, ValueError, ImportError) as error:
        raise ArtifactError(
            f"DVC cannot use the remote '{settings}': {error}",
            hint="most protocols need a package of their own, such as dvc-s3 or dvc-ssh",
        ) from error
