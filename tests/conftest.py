"""What every test gets: a home, git configuration and DVC directories of its own."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers.fixtures"]

_REAL_HOME = Path.home()
_KEPT = {"PATH", "LANG", "TMPDIR", "VIRTUAL_ENV", "COLUMNS", "CI", "PYTEST_XDIST_WORKER"}

# A background job of a shell ignores Ctrl-C, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# How long an example takes says how crowded the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def _fingerprint() -> str:
    """Returns a hash of what belongs to the person who runs the tests."""
    seen = hashlib.sha256()
    for name in (".gitconfig", ".config/git/config", ".config/dvc/config", ".netrc"):
        path = _REAL_HOME / name
        seen.update(path.read_bytes() if path.is_file() else b"-")
    return seen.hexdigest()


@pytest.fixture(scope="session", autouse=True)
def the_users_machine_is_sacred() -> Iterator[None]:
    """Fails the session if a test changed the real user's configuration."""
    before = _fingerprint()
    yield
    assert _fingerprint() == before, "a test changed the user's own git or dvc configuration"


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives the test a home with nothing but an identity in its git configuration."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name not in _KEPT and not name.startswith(
            ("PYTEST_", "COV_", "HYPOTHESIS_", "PADRE_TEST_")
        ):
            monkeypatch.delenv(name, raising=False)
    (home / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(home / "tmp"))
    (home / "gitconfig").write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n"
        "[init]\n\tdefaultBranch = trunk\n"
    )
    for name, value in {
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),  # what is killed leaves something there
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site-cache"),
    }.items():
        monkeypatch.setenv(name, value)
    return home


def git(*arguments: str | Path, cwd: Path, check: bool = True, **options: Any) -> str:
    """Runs plain git as a user would and returns what it prints."""
    done = subprocess.run(
        ["git", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, **options
    )
    if check and done.returncode:
        raise AssertionError(f"git {arguments} failed in {cwd}:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def trust(path: Path) -> None:
    """Trusts a directory that is a remote, or a clone, to run what is in it."""
    git("config", "--global", "--add", "padre.trusted", path, cwd=path)
