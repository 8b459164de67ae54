"""Places: writing below a directory without following what somebody put there.

A clone can hold links that point anywhere (``artifacts -> ../../.git/hooks``). Every step below
the trusted directory is therefore opened for itself, relative to the one before, never following
a link.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from padre_git.artifacts import durable
from padre_git.errors import ArtifactCorruptError, ArtifactError
from padre_git.model.names import quoted

__all__ = ["check_relpath", "replace_file"]

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NAME_BYTES = 255
_PATH_BYTES = 2000
_DRIVE = re.compile(r"[A-Za-z]:")


def check_relpath(path: object) -> str:
    """Returns ``path`` if it may name a file below a directory, on any system.

    It is made of names joined by ``/``: printable, in Unicode's NFC form, without backslash, none
    of them ``.``, ``..`` or anything that a file system could take for ``.git``.

    Raises:
        ArtifactError: if it is not.
    """
    if not isinstance(path, str):
        raise ArtifactError(f"not the path of an artifact: {quoted(path)}")
    reason = _fault(path)
    if reason is not None:
        raise ArtifactError(f"not the path of an artifact: {quoted(path)} {reason}")
    return path


def _fault(path: str) -> str | None:
    names = path.split("/")
    if "" in names or "." in names or ".." in names:
        return "leaves its directory or has empty names in it"
    if "\\" in path or not path.isprintable():
        return "has a backslash or characters that cannot be printed"
    if not unicodedata.is_normalized("NFC", path):
        return "is not in Unicode's NFC form"
    sizes = [len(name.encode()) for name in names]
    if max(sizes) > _NAME_BYTES or sum(sizes) > _PATH_BYTES:
        return "is too long"
    if any(map(_like_git, names)):
        return "names a git directory"
    if _DRIVE.match(path):
        return "begins with a drive of Windows"
    return None


def _like_git(name: str) -> bool:
    # NTFS ignores case and dots and blanks at the end, has streams behind ':' and the short name
    # git~1; what HFS+ ignores cannot be printed
    return name.casefold().partition(":")[0].rstrip(". ") in (".git", "git~1")


def replace_file(
    source: int, target: Path, *, md5: str, within: Path, executable: bool = False
) -> None:
    """Copies an open file to ``target``, whole and checked or not at all.

    Args:
        source: descriptor, read from here to the end.
        target: the file; replaced if it exists, also if it is a link.
        md5: the hash that the bytes must have.
        within: a directory above it that is trusted and exists, or can be made.
        executable: whether the file can be run.

    Raises:
        ArtifactCorruptError: if the bytes have another hash.
        ArtifactError: if a link or a file is in the way, or the target lies outside.
    """
    try:
        steps = target.relative_to(within).parts
    except ValueError:
        raise ArtifactError(f"'{target}' is outside of '{within}'") from None
    if not steps or ".." in steps:
        raise ArtifactError(f"'{target}' is outside of '{within}'")
    try:
        within.mkdir(parents=True, exist_ok=True)
        with _descend(within, steps[:-1]) as directory:
            _write(source, directory, steps[-1], md5, 0o777 if executable else 0o666)
    except OSError as error:
        raise ArtifactError(
            f"cannot write '{target}': {error.strerror}",
            hint="no link is followed when artifacts are written; remove what is in the way",
        ) from error


@contextlib.contextmanager
def _descend(within: Path, steps: tuple[str, ...]) -> Iterator[int]:
    current = os.open(within, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for step in steps:
            with contextlib.suppress(FileExistsError):
                os.mkdir(step, dir_fd=current)
            below = os.open(step, _STEP, dir_fd=current)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)


def _write(source: int, directory: int, name: str, md5: str, mode: int) -> None:
    temporary = f".{secrets.token_hex(8)}.tmp"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    target = os.open(temporary, flags, mode, dir_fd=directory)
    try:
        _copy_checked(source, target, md5)
        os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=directory)
        raise
    finally:
        os.close(target)


def _copy_checked(source: int, target: int, md5: str) -> None:
    found, _ = durable.copy_hashed(source, target)
    if found != md5[:32]:
        raise ArtifactCorruptError(f"damaged artifact '{md5}': the hash of its bytes is '{found}'")
