"""Consent: where a project's tracked configuration may lead a clone's data and credentials.

``.dvc/config`` comes with every pull, so whoever can push to a project can change it. What it may
say is where the data is, and nothing about who somebody is or what to run; and a clone keeps
to the place that it has used before until its owner agrees to another.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from padre_git.artifacts.settings import RemoteSettings, remote_options, replace_private
from padre_git.errors import ArtifactError
from padre_git.model.names import quoted
from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.trust import advice, is_trusted

__all__ = ["check_place", "identity", "place_of"]

#: What a tracked remote may say. Everything else names credentials, a program or a lower guard.
_HARMLESS = frozenset(
    [
        *("url", "endpointurl", "region", "port", "user", "oss_endpoint", "projectname"),
        *("account_name", "type", "verify", "jobs", "checksum_jobs", "timeout", "read_timeout"),
        *("connect_timeout", "no_traverse", "listobjects", "use_ssl", "cache_regions"),
    ]
)
_LARGEST = 10_000
#: Without it, everybody on the way could read along.
_GUARD = "use_ssl"
_KEPT_UP = frozenset(["true", "yes", "on", "1"])
#: Where a remote is.
_PLACE = ("url", "endpointurl", "port")
#: What runs a program, and the files of AWS that may name one.
_COMMANDS = ("bearer_token_command",)
_NAMING_COMMANDS = ("configpath", "credentialpath")
#: What would ask on the terminal.
_ASKING = ("ask_password", "ask_passphrase")


def check_place(project: Path, git_dir: Path, name: str) -> None:
    """Makes sure that this clone agrees to where its data goes.

    Args:
        project: the clone's directory.
        git_dir: its git directory.
        name: of the remote in DVC's configuration.

    Raises:
        ArtifactError: if the tracked configuration says what it must not, or another place than
            the one that this clone has used; or if DVC would ask for a password.
    """
    own = remote_options(project / ".dvc" / "config.local", name)
    tracked = remote_options(project / ".dvc" / "config", name)
    for option in _ASKING:
        if (own | tracked).get(option, "false").lower() not in ("false", "no", "off", "0"):
            raise ArtifactError(
                f"the data remote '{name}' would ask for a password on the terminal ({option})",
                hint=f"dvc remote modify --local {name} password …",
            )
    _check_harmless(name, tracked)
    _check_programs(project, name, own)
    if "url" in own:
        _check_own(name, own, tracked)
    elif "url" in tracked:
        _keep_to(git_dir, _place(tracked | own))


def _check_programs(project: Path, name: str, own: Mapping[str, str]) -> None:
    """Makes sure that a clone's own settings, which may be handed over with it, run nothing."""
    running = [o for o in _COMMANDS if o in own]
    running += [o for o in _NAMING_COMMANDS if o in own and _is_within(project, own[o])]
    if running and not is_trusted(project):
        raise ArtifactError(
            f"{quoted(running[0])} of the data remote '{name}' in .dvc/config.local can run a"
            " program",
            hint=advice(project),
        )


def _is_within(project: Path, path: str) -> bool:
    """Returns whether a file may have come with the clone: DVC takes its name from there."""
    place = Path(path).expanduser()
    return not place.is_absolute() or place.resolve().is_relative_to(project.resolve())


def place_of(project: Path, settings: RemoteSettings) -> object:
    """Returns what is the same for two remotes that are one place.

    Args:
        project: the clone's directory.
        settings: which remote.
    """
    if settings.directory is not None:
        return identity(settings.directory)
    options: dict[str, str] = {"url": settings.url or ""}
    for file in ("config", "config.local"):
        options |= remote_options(project / ".dvc" / file, settings.name or "")
    return tuple(options.get(option, "").rstrip("/") for option in _PLACE)


def identity(directory: Path) -> object:
    """Returns what is the same for two paths of one directory."""
    try:
        found = directory.stat()
    except OSError:
        return os.path.realpath(directory)
    return found.st_dev, found.st_ino


def _check_own(name: str, own: Mapping[str, str], tracked: Mapping[str, str]) -> None:
    """Makes sure that nobody else says half of where a clone's own remote is."""
    foreign = [option for option in _PLACE if option in tracked and option not in own]
    if foreign:
        raise ArtifactError(
            f"the tracked .dvc/config sets {quoted(foreign[0])} for the data remote '{name}',"
            " whose address is this clone's own",
            hint=f"say it here, too: dvc remote modify --local {name} {foreign[0]} …",
        )


def _check_harmless(name: str, tracked: Mapping[str, str]) -> None:
    lowered = tracked.get(_GUARD, "true").strip().lower() not in _KEPT_UP
    harmful = sorted((tracked.keys() - _HARMLESS) | ({_GUARD} if lowered else set()))
    if harmful:
        raise ArtifactError(
            f"the tracked .dvc/config sets {quoted(harmful[0])} for the data remote '{name}'",
            hint="that is for each clone to say: move it to .dvc/config.local,"
            f" dvc remote modify --local {name} {harmful[0]} …",
        )
    if tracked.get("url", "").startswith("remote://"):
        raise ArtifactError(
            f"the data remote '{name}' is given by another one: {quoted(tracked['url'])}",
            hint="give it an address of its own",
        )


def _place(tracked: Mapping[str, str]) -> str:
    place = " ".join(tracked[option] for option in _PLACE if option in tracked)
    if not place.isprintable():
        raise ArtifactError(f"not the address of a data remote: {quoted(place)}")
    return place


def _keep_to(git_dir: Path, place: str) -> None:
    file = git_dir / "padre" / "data-remote"
    try:
        file.lstat()
    except FileNotFoundError:
        with suppress(OSError):  # a clone that cannot be written does not send anything either
            file.parent.mkdir(mode=0o700, exist_ok=True)
            replace_private(file, f"{place}\n".encode())
        return
    text = (read_own(file, largest=_LARGEST) or b"").decode(errors="replace").strip()
    agreed = "".join(c if c.isprintable() else "?" for c in text)
    if agreed != place:
        raise ArtifactError(
            f"the project's data remote has changed: it was '{agreed}',"
            f" and .dvc/config says '{place}'",
            hint=f"if you trust whoever changed it, remove the file '{file}'",
        )
