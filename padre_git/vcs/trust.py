"""Trust: what a repository on this machine would run or reach, seen before git looks at it.

A directory can come from anybody: out of an archive, from a shared folder, with another owner.
git runs what the configuration and the hooks in it name, and goes where links and paths in it
lead. Options on git's command line cannot take all of that back (filters, ``uploadpack``,
``core.worktree``), so such a repository is not used unless the person has named it in
``padre.trusted`` of their own configuration, as ``safe.directory`` is named for git itself, or has
made or used it before and put that there themselves (:mod:`padre_git.vcs.known`).
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from padre_git.errors import RemoteUntrustedError, UntrustedProjectError
from padre_git.model.names import quoted
from padre_git.vcs.gitconfig import keys_in, running_key
from padre_git.vcs.known import is_known, is_own_doing, make_known
from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.process import try_git

__all__ = [
    "Seen",
    "advice",
    "check_clone",
    "check_receiver",
    "is_trusted",
    "odd_objects",
    "take_clone",
]

_KEY = "padre.trusted"
_GITS_KEY = "safe.directory"
#: Where git looks for the repository of a path that it is given.
_FORMS = ("{}/.git", "{}", "{}.git/.git", "{}.git")
_CACHE = ("padre/cache", "padre/cache/files", "padre/cache/files/md5")
#: Directories of a clone that are looked at with everything below them.
_WRITTEN = ("refs", "logs", "worktrees", "padre/spool", "padre/spare")
_PLACES = ("", "objects", "objects/info", "info", "hooks", "padre", *_CACHE)
#: In the work tree.
_READ_BY_GIT = (".gitattributes", ".gitignore", ".gitmodules", ".mailmap")
_FILES = frozenset([stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR])
_CONFIGS = ("config", "config.worktree")
_REMEMBERED = "padre/config"
_LARGEST = 1_000_000
_DEEPEST = 100
_ODD = "is no file and no directory of its own"


def check_clone(path: Path) -> None:
    """Makes sure that nothing of somebody else's runs if git works in a clone.

    No process is started for a clone in which nothing can run.

    Args:
        path: its directory.

    Raises:
        UntrustedProjectError: if something would, or if it leads elsewhere; the hint says how to
            copy it without that, and how to trust it.
    """
    if (path / ".git").lstat().st_uid != os.geteuid() and not _git_consents(path):
        raise _untrusted(path, "it belongs to another user", _GITS_KEY)
    found = _in_clone(path)
    if found is not None and not is_trusted(path):
        raise _untrusted(path, found, _KEY)


def take_clone(path: Path) -> None:
    """Makes sure of a clone as :func:`check_clone` does, and takes it as the person's own.

    Whoever only looks at a clone leaves no mark in it.

    Args:
        path: its directory.

    Raises:
        UntrustedProjectError: see :func:`check_clone`.
    """
    check_clone(path)
    _take(path / ".git", _elsewhere(path / ".git"))


class Seen:
    """Looks at clones, and at none of them twice."""

    def __init__(self) -> None:
        self._seen: set[tuple[Path, int, int]] = set()

    def check(self, path: Path) -> None:
        """Makes sure of a clone as :func:`check_clone` does, if it is not known yet.

        Args:
            path: its directory, which need not be a clone.

        Raises:
            UntrustedProjectError: see :func:`check_clone`.
        """
        try:
            state = (path / ".git").lstat()
        except (FileNotFoundError, NotADirectoryError):
            return
        place = (path, state.st_dev, state.st_ino)
        if place not in self._seen:
            check_clone(path)
            self._seen.add(place)


def _untrusted(path: Path, found: str, key: str) -> UntrustedProjectError:
    text = f"'{path}' is not opened: {found}"
    return UntrustedProjectError(text, key=path.name, hint=advice(path, key))


def advice(path: Path, key: str = _KEY) -> str:
    """Returns what somebody does about a clone that could run a program.

    Args:
        path: its directory.
        key: where the person's own configuration names what to trust.
    """
    where = shlex.quote(str(path))
    return (
        f"if somebody else made it, copy it: padre-git --root NEW clone {where}; if that is"
        f" your own doing: git config --global --add {key} {where}"
    )


def check_receiver(path: Path) -> None:
    """Makes sure that a push to a directory runs nothing of somebody else's on this machine.

    Args:
        path: the repository, as git is given it.

    Raises:
        RemoteUntrustedError: if something would run; the hint says how to trust it.
    """
    git_dir = next((p for form in _FORMS if (p := Path(form.format(path))).exists()), path)
    found = _judged(git_dir, iter(()))
    if found is None:
        _take(git_dir, iter(()))
        return
    if is_trusted(path):
        return
    raise RemoteUntrustedError(
        f"nothing is pushed to '{path}': {found}, which would run as you",
        hint="if you trust whoever can write there:"
        f" git config --global --add {_KEY} {shlex.quote(str(path))}",
    )


def is_trusted(path: Path) -> bool:
    """Tells whether the person, or the machine, has named a directory as one to trust."""
    question = ["config", "-z", "--type=path", "--get-all", _KEY]
    named = try_git(question, os.sep).out.split(b"\0")
    real = os.path.realpath(path)
    return any(os.path.realpath(os.fsdecode(name)) == real for name in named if name)


def _in_clone(path: Path) -> str | None:
    """Returns what is wrong with a clone; None if nothing is."""
    git_dir = path / ".git"
    if not stat.S_ISDIR(git_dir.lstat().st_mode):
        return "its '.git' is not a directory, so its repository is elsewhere"
    return _judged(git_dir, _elsewhere(git_dir))


def _judged(git_dir: Path, elsewhere: Iterator[str]) -> str | None:
    """Returns what is wrong with a repository; None if nothing is but what the person has done."""
    programs, leads = list(_programs(git_dir)), next(elsewhere, None)
    if programs and leads is None and is_known(git_dir):
        programs = [(name, what) for name, what in programs if not is_own_doing(git_dir, name)]
    return next((what for _, what in programs), leads)


def _take(git_dir: Path, elsewhere: Iterator[str]) -> None:
    """Marks a repository in which nothing can run and nothing leads elsewhere."""
    if is_known(git_dir) or any(_programs(git_dir)) or any(elsewhere):
        return
    if _stays_harmless(git_dir):
        make_known(git_dir)


def _stays_harmless(git_dir: Path) -> bool:
    """Tells whether a repair could not make keys that run something of what is there."""
    for name in (*_configs(git_dir), _REMEMBERED):
        content = read_own(git_dir / name, largest=_LARGEST)
        if content is None:
            if os.path.lexists(git_dir / name) or name == _CONFIGS[0]:
                return False
        elif keys_in(content) is None or running_key(content, git_dir):
            return False
    return True


def _git_consents(path: Path) -> bool:
    """Tells whether git uses a repository of another user, as ``safe.directory`` says."""
    return not try_git(["rev-parse", "--git-dir"], path).code


def odd_objects(git_dir: Path) -> str | None:
    """Returns why the objects of a repository cannot be read in peace; None if they can."""
    odd = (_odd_in(git_dir, ""), _odd_below(git_dir, "objects"), _borrows(git_dir))
    return next(chain(*odd), None)


def _elsewhere(git_dir: Path) -> Iterator[str]:
    """Yields what leads out of a repository, or never ends if it is read."""
    yield from _borrows(git_dir)
    for name in _READ_BY_GIT:  # a pipe would be waited for
        with suppress(FileNotFoundError):
            if stat.S_IFMT(os.lstat(git_dir.parent / name).st_mode) not in _FILES:
                yield f"{quoted(name)} {_ODD}"
    for place in _PLACES:
        yield from _odd_in(git_dir, place)
    for place in _WRITTEN:
        yield from _odd_below(git_dir, place)


def _borrows(git_dir: Path) -> Iterator[str]:
    for name in ("commondir", "objects/info/alternates"):
        if os.path.lexists(git_dir / name):
            yield f"it has parts in another repository ('.git/{name}')"
    for linked in _linked(git_dir):
        named = read_own(git_dir / linked / "commondir")
        place = git_dir / linked / os.fsdecode(named or b"").strip()
        is_ours = os.path.realpath(place) == os.path.realpath(git_dir)
        # without that file it is a repository of its own, or one that git is making
        if not is_ours and (named is not None or os.path.lexists(place / "objects")):
            yield f"it has a work tree of another repository ({quoted('.git/' + linked)})"


def _linked(git_dir: Path) -> list[str]:
    """Returns where in a repository its linked work trees are kept."""
    try:
        return [f"worktrees/{name}" for name in sorted(os.listdir(git_dir / "worktrees"))]  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return []


def _configs(git_dir: Path) -> list[str]:
    """Returns the files that git may read as configuration of a repository."""
    return [*_CONFIGS, *(f"{linked}/{_CONFIGS[1]}" for linked in _linked(git_dir))]


def _odd_below(git_dir: Path, place: str) -> Iterator[str]:
    for above, _, _ in os.walk(git_dir / place):
        name = os.path.relpath(above, git_dir)
        if name.count(os.sep) > _DEEPEST:  # whoever looks into it later would not come to an end
            yield f"'.git/{place}' has more than {_DEEPEST} directories in each other"
            return
        yield from _odd_in(git_dir, name)


def _odd_in(git_dir: Path, place: str) -> Iterator[str]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(git_dir / place) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):
                continue
            with suppress(FileNotFoundError):  # it was there for a moment
                # a socket, such as that of git's own fsmonitor, cannot be opened as a file
                if not stat.S_ISSOCK(os.lstat(entry.path).st_mode):
                    yield f"{quoted(os.path.normpath(f'.git/{place}/{entry.name}'))} {_ODD}"


def _programs(git_dir: Path) -> Iterator[tuple[str, str]]:
    """Yields the files that name a program to run, or where else to look for one, and why."""
    for name in _configs(git_dir):
        config = git_dir / name
        if os.path.lexists(config):
            content = read_own(config, largest=_LARGEST)
            if content is None:
                yield name, f"'{config}' is no file of its own, or too large"
            elif key := running_key(content, git_dir):
                yield name, f"{quoted(key)} in '{config}' can run a program or lead elsewhere"
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(git_dir / "hooks") as hooks:
        for hook in sorted(hooks, key=lambda entry: entry.name):
            runs = hook.is_file() and os.access(hook.path, os.X_OK)
            if runs and not hook.name.endswith(".sample"):
                yield f"hooks/{hook.name}", f"it has the hook {quoted(hook.name)}"
