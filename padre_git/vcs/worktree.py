"""Work-tree files: written and removed so that nothing of the user's is ever lost."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from padre_git.errors import Conflict, ConflictError
from padre_git.vcs.index import Index, IndexEntry
from padre_git.vcs.objects import EXECUTABLE, FILE, LINK, MODULE, Entry, check_path, object_id
from padre_git.vcs.process import run_git
from padre_git.vcs.removing import remove_empty, remove_files
from padre_git.vcs.restarts import is_cut_short

__all__ = ["Change", "WorkTree"]

_PART = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"
#: Paths that no system takes for anything else; nearly all are such.
_PLAIN = re.compile(rf"{_PART}(?:/{_PART})*")
_OTHERS = "is a directory with other files"
_EMPTY = Entry(FILE, object_id("blob", b""))


@dataclass(frozen=True, kw_only=True)
class Change:
    """Is what is to become of one file.

    Attributes:
        path: below the work tree's root.
        known: what may stand there now, None for nothing; anything else is the user's.
        new: what is to stand there; None for nothing.
    """

    path: str
    known: frozenset[Entry | None]
    new: Entry | None


class WorkTree:
    """Is a directory of checked-out files.

    Attributes:
        root: the directory.

    Args:
        root: the directory.
        scratch: a directory on the same file system for files that are being written.
        links: whether symbolic links are made as such (git's core.symlinks).
        clean: gives the id of a file's content as git would store it, filters included.
        torn: gives the content of a blob while a killed process's work is being finished, when
            a file that only begins like the wanted one is ours; None at all other times.
    """

    def __init__(
        self,
        root: Path,
        scratch: Path,
        *,
        links: bool,
        clean: Callable[[str], str],
        torn: Callable[[str], bytes] | None = None,
    ) -> None:
        self.root = self._root = root
        self._base = os.fspath(root)
        self._scratch = scratch
        self._links = links
        self._clean = clean
        self._torn = torn
        self._safe: set[str] = set()
        self._seen: dict[str, os.stat_result | None] = {}

    def check(self, changes: Iterable[Change], index: Index) -> None:
        """Refuses changes that would overwrite what the user has not committed.

        Raises:
            ConflictError: naming every such path; nothing was written.
            InvalidNameError: if a path leaves the directory or leads into ``.git``.
        """
        wanted = _checked(changes)
        going = {change.path for change in wanted if change.new is None}
        found = [
            Conflict(key=change.path, field=None, theirs=reason)
            for change in wanted
            if (reason := self._trouble(change, index, going))
        ]
        if found:
            raise ConflictError(
                f"'{found[0].key}' {found[0].theirs} in '{self._root}'"
                + (f" (and {len(found) - 1} more)" if len(found) > 1 else ""),
                conflicts=found,
                hint=_advice(found),
            )

    def _trouble(self, change: Change, index: Index, going: set[str]) -> str | None:
        """Returns why a change cannot be made, in words that follow the path."""
        allowed = change.known | {change.new}
        staged = index.get(change.path)
        if index.is_unmerged(change.path):
            return "is in conflict"
        if (staged.entry if staged else None) not in allowed:
            return "has staged changes"
        if staged is not None and staged.skipped:
            return None
        if change.new is not None and (above := self._blocked(change.path, going)):
            return f"cannot be written below '{above}', which is no directory"
        seen = self._look(change.path)
        if seen is not None and staged is not None and index.is_clean(staged, seen):
            return None
        return self._in_the_way(change, seen, allowed, going)

    def _in_the_way(
        self,
        change: Change,
        seen: os.stat_result | None,
        allowed: frozenset[Entry | None],
        going: set[str],
    ) -> str | None:
        if seen is None:
            missing = change.new is not None and None not in change.known
            return "is deleted but not committed" if missing else None
        if stat.S_ISDIR(seen.st_mode):
            return self._holds_others(change, going)
        if self._holds(change.path, seen, allowed) or self._is_torn(change):
            return None
        tracked = change.known != frozenset([None])
        return "has uncommitted changes" if tracked else "is an untracked file in the way"

    def _holds_others(self, change: Change, going: set[str]) -> str | None:
        if change.new is None or change.new.mode == MODULE:
            return None
        return None if going.issuperset(self._below(change.path)) else _OTHERS

    def _below(self, directory: str) -> Iterator[str]:
        """Yields the files below a directory, and directories that nobody lets us look into."""
        waiting = [directory]
        while waiting:
            above = waiting.pop()
            try:
                with os.scandir(f"{self._base}/{above}") as found:
                    inside = list(found)
            except OSError:
                yield above
                continue
            for entry in inside:
                path = f"{above}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                else:
                    yield path

    def keeps_ignored(self, change: Change, going: set[str]) -> bool:
        """Tells whether an empty file is to be where a directory has files that git ignores, only.

        They may be the user's, or fetched data, so they stay, and the file is left out.

        Args:
            change: what is to become of it.
            going: paths that are removed in the same move.

        Raises:
            InvalidNameError: if the path leaves the directory or leads into ``.git``.
        """
        if change.new != _EMPTY:
            return False
        _checked([change])
        seen = self._look(change.path)
        if seen is None or not stat.S_ISDIR(seen.st_mode) or self._blocked(change.path, going):
            return False
        inside = f"{change.path}/"
        rules = (path for path in going if path.startswith(inside) and path.endswith("/.gitignore"))
        if not self._holds_others(change, going) or any(rules):  # then they are ignored no more
            return False
        words = ["ls-files", "-z", "--others", "--exclude-standard", "--", f":(literal){inside}"]
        return not run_git(words, self._root)

    def _holds(self, path: str, seen: os.stat_result, allowed: frozenset[Entry | None]) -> bool:
        """Tells whether a file's content is one that may be there."""
        place = self._root / path
        ids = {entry.id for entry in allowed if entry is not None}
        if stat.S_ISLNK(seen.st_mode):
            links = {entry.id for entry in allowed if entry is not None and entry.mode == LINK}
            return object_id("blob", os.fsencode(place.readlink())) in links
        if not stat.S_ISREG(seen.st_mode):
            return False
        if object_id("blob", place.read_bytes()) in ids:
            return True
        return bool(ids) and self._clean(path) in ids

    def _is_torn(self, change: Change) -> bool:
        if self._torn is None:
            return False
        # of those that may be there, too, only new files are ever written in place
        begun = {change.new, *(change.known if None in change.known else ())}
        return any(self.begins(change.path, self._torn(e.id)) for e in begun if e is not None)

    def begins(self, path: str, content: bytes) -> bool:
        """Tells whether a file has nothing but the beginning of some content, or all of it."""
        return content.startswith((self._root / path).read_bytes())

    def is_cut_short(self, path: str, known: IndexEntry) -> bool:
        """Tells whether a file may be what a power cut has left of it; see ``restarts``."""
        seen = self._look(path)
        return seen is not None and is_cut_short(known, seen)

    def _look(self, path: str) -> os.stat_result | None:
        try:
            seen = os.lstat(f"{self._base}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            self._seen[path] = None
            return None
        self._seen[path] = seen
        return seen

    def _blocked(self, path: str, going: set[str]) -> str | None:
        """Returns the first part of a path's directories that is not a real directory."""
        above = path.rpartition("/")[0]
        if not above or above in self._safe:
            return None
        blocked = self._blocked(above, going)
        if blocked is None:
            seen = self._look(above)
            if seen is not None and not stat.S_ISDIR(seen.st_mode) and above not in going:
                return above
            if seen is not None and stat.S_ISDIR(seen.st_mode):
                self._safe.add(above)
        return blocked

    def write(
        self, changes: Iterable[Change], contents: Mapping[str, bytes]
    ) -> dict[str, os.stat_result]:
        """Makes checked changes and returns the status of every file that now is as wanted.

        A file that changed after the check stays as the user left it.

        Args:
            changes: what :meth:`check` has let pass.
            contents: bytes by object id.
        """
        wanted = _checked(changes)
        self.remove(change.path for change in wanted if change.new is None)
        done = {}
        for change in wanted:
            if change.new is not None:
                seen = self._put_if_there(change.path, change.new, contents)
                if seen is not None:
                    done[change.path] = seen
        return done

    def holds(self, change: Change) -> bool:
        """Tells whether a file is as it is after a change, or gone if that deletes it."""
        seen = self._look(change.path)
        if seen is None or change.new is None:
            return seen is None and change.new is None
        return self._holds(change.path, seen, frozenset([change.new]))

    def seen(self, path: str) -> os.stat_result | None:
        """Returns a file's status as it was last looked at."""
        return self._seen.get(path)

    def is_directory(self, path: str) -> bool:
        """Tells whether a directory was there when a path was last looked at."""
        seen = self._seen.get(path)
        return seen is not None and stat.S_ISDIR(seen.st_mode)

    def look(self, paths: Iterable[str]) -> set[str]:
        """Notes how files are now, for a :meth:`write` without a check; returns those there."""
        return {path for path in paths if self._look(path) is not None}

    def remove(self, paths: Iterable[str]) -> None:
        """Removes checked files, and the directories that are left empty."""
        seen = [path for path in paths if self._seen.get(path) is not None]
        remove_files(self._root, seen, is_still=self._unchanged)
        self._safe.clear()

    def _unchanged(self, path: str) -> bool:
        before = self._seen.get(path)
        now = self._look(path)
        if before is None or now is None:
            return before is now
        return (before.st_ino, before.st_mtime_ns, before.st_size) == (
            now.st_ino,
            now.st_mtime_ns,
            now.st_size,
        )

    def _put_if_there(
        self, path: str, new: Entry, contents: Mapping[str, bytes]
    ) -> os.stat_result | None:
        try:
            return self._put(path, new, contents)
        except FileNotFoundError:
            if self._look(path) is not None:
                raise
            return None  # a checkout has taken it away, or its directory, since the check

    def _put(self, path: str, new: Entry, contents: Mapping[str, bytes]) -> os.stat_result | None:
        place = f"{self._base}/{path}"
        before = self._seen.get(path)
        if new.mode == MODULE:
            Path(place).mkdir(parents=True, exist_ok=True)
            return os.lstat(place)
        content = contents[new.id]
        if before is not None and stat.S_ISDIR(before.st_mode):
            remove_empty(self._root, Path(place))
        elif before is not None:
            return self._replace(path, new, content)
        self._make_directories(path)
        try:
            return self._create(place, new, content)
        except FileExistsError:  # appeared since the check: the user's, unless it is just the same
            return None

    def _make_directories(self, path: str) -> None:
        above = path.rpartition("/")[0]
        if above and above not in self._safe:
            self._make_directories(above)
            with suppress(FileExistsError):
                os.mkdir(f"{self._base}/{above}")  # noqa: PTH102 - measured: called for every run
            if stat.S_ISDIR(os.lstat(f"{self._base}/{above}").st_mode):
                self._safe.add(above)
            else:
                raise ConflictError(f"'{above}' in '{self._root}' is no directory any more")

    def _create(self, place: str, new: Entry, content: bytes) -> os.stat_result:
        if new.mode == LINK and self._links:
            Path(place).symlink_to(os.fsdecode(content))
            return os.lstat(place)
        mode = 0o777 if new.mode == EXECUTABLE else 0o666
        fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(fd, rest) :]
            return os.fstat(fd)
        finally:
            os.close(fd)

    def _replace(self, path: str, new: Entry, content: bytes) -> os.stat_result | None:
        place = self._root / path
        seen = self._seen[path]
        assert seen is not None  # noqa: S101 - only called for files that were seen
        if self._same(place, seen, new, content):
            return seen
        fresh = self._scratch / f"file.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        self._create(os.fspath(fresh), new, content)
        if not self._unchanged(path):
            fresh.unlink()
            return None
        os.replace(fresh, place)  # noqa: PTH105 - the same call for links and files
        return os.lstat(place)

    def _same(self, place: Path, seen: os.stat_result, new: Entry, content: bytes) -> bool:
        if stat.S_ISLNK(seen.st_mode):
            return new.mode == LINK and os.fsencode(place.readlink()) == content
        executable = bool(seen.st_mode & 0o100)
        if seen.st_size != len(content) or executable != (new.mode == EXECUTABLE):
            return False
        return place.read_bytes() == content


def _advice(found: Iterable[Conflict]) -> str:
    directories = [conflict.key for conflict in found if conflict.theirs == _OTHERS]
    if not directories:
        return "commit, move or undo that, then try again"
    # git status does not show what is ignored, such as data that DVC has fetched
    return f"`git clean -ndx {directories[0]}` names them: move or remove them, then try again"


def _checked(changes: Iterable[Change]) -> list[Change]:
    """Returns changes whose paths git would check out, too.

    A tree can be from anybody, and hold names at any depth that no command of git would store. A
    backslash is a character like others where this runs.

    Raises:
        InvalidNameError: if a path leaves the directory or leads into ``.git``.
    """
    wanted = list(changes)
    for change in wanted:
        if not _PLAIN.fullmatch(change.path):
            check_path(change.path.replace("\\", "_"))
    return wanted
