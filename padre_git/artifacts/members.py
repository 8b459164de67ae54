"""Members: files and directories under names of their own in one directory kept by DVC.

A run has one pointer for its directory ``artifacts/``, a dataset one for ``data``. Adding a file
makes a new listing and so a new pointer; nothing is changed in place. Everything here reads and
writes the cache and nothing else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from padre_git.artifacts.cache import Cache
from padre_git.artifacts.hashes import DIRECTORY, Item
from padre_git.artifacts.listings import LARGEST, Listing
from padre_git.artifacts.places import check_relpath
from padre_git.artifacts.pointers import Pointer
from padre_git.artifacts.staging import in_threads
from padre_git.errors import ArtifactError, DocumentError, InvalidInputError, NotFoundError
from padre_git.model.names import quoted

__all__ = [
    "add_member",
    "directory_of",
    "listing_of",
    "place",
    "pointer_to",
    "read_listing",
    "remove_member",
]

_NOTHING = Listing({})


def place(cache: Cache, path: Path, *, link: bool = False) -> dict[str, Item]:
    """Places a file or every file below a directory in the cache; durable on return.

    Args:
        cache: where to.
        path: the file or directory.
        link: the caller will remove the files; see :meth:`Cache.add`.

    Returns:
        What was placed, by path below ``path``; under ``""`` for a single file.

    Raises:
        NotFoundError: if there is nothing at ``path``.
        ArtifactError: for anything but files, directories and links to files of the same tree,
            and for names that cannot be stored; nothing is lost, some files may be in the cache.
        InvalidInputError: for a directory without files.
    """
    try:
        found = _files(path) if path.is_dir() else None
    except OSError as error:
        place = error.filename or path
        raise ArtifactError(f"cannot read '{place}': {error.strerror}") from error
    if found is None:
        return {"": cache.add(path, link=link)}
    if not found:
        raise InvalidInputError(f"no files in '{path}'", hint="DVC does not keep directories")
    if link:  # linking large files is quicker than copying them together
        items = in_threads(lambda file: cache.add(Path(file), link=True), found.values())
    else:
        with cache.batch() as batch:
            items = in_threads(lambda file: batch.add(Path(file)), found.values())
    return dict(zip(found, items, strict=True))


def _files(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    real = os.path.realpath(root)
    pending = [("", str(root))]
    while pending:
        prefix, directory = pending.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                name = check_relpath(prefix + entry.name)
                if entry.is_dir(follow_symlinks=False):
                    pending.append((f"{name}/", entry.path))
                else:
                    found[name] = _file(entry, real)
    return dict(sorted(found.items()))


def _file(entry: os.DirEntry[str], root: str) -> str:
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        if not target.startswith(root + os.sep) or not Path(target).is_file():
            raise ArtifactError(
                f"cannot store '{entry.path}': it is a link to something else",
                hint="links to files inside the same directory are stored as files",
            )
    elif not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
        raise ArtifactError(f"cannot store '{entry.path}': it is not a file")
    return entry.path


def listing_of(cache: Cache, pointer: Pointer | None) -> Listing:
    """Returns which files a directory has.

    Args:
        cache: must have the pointer's object.
        pointer: to a directory; None for an empty one.

    Raises:
        ArtifactMissingError: if the listing is not in the cache.
        ArtifactCorruptError: if it is damaged.
        DocumentError: if it is hostile.
        InvalidInputError: if the pointer is to a single file.
    """
    if pointer is None:
        return _NOTHING
    if not pointer.is_directory:
        raise InvalidInputError(f"'{pointer.path}' is a single file and has no members")
    return read_listing(cache, pointer.md5)


def read_listing(cache: Cache, md5: str) -> Listing:
    """Returns what a listing in the cache says.

    Raises:
        ArtifactMissingError, ArtifactCorruptError, DocumentError: as :func:`listing_of`.
    """
    if (cache.size(md5) or 0) > LARGEST:
        raise DocumentError("a listing that is too large", file=md5)
    return Listing.parse(cache.read(md5), name=md5)


def pointer_to(cache: Cache, path: str, items: Mapping[str, Item]) -> Pointer:
    """Returns a pointer named ``path`` to what :func:`place` returned.

    Raises:
        ArtifactError: if the items cannot be in one directory.
    """
    if items.keys() == {""}:
        item = items[""]
        return Pointer(md5=item.md5, path=path, size=item.size, executable=item.executable)
    listing = Listing({name: item.md5 for name, item in items.items()})
    return directory_of(cache, path, listing, sum(item.size for item in items.values()))


def add_member(
    cache: Cache, pointer: Pointer | None, path: str, name: str, items: Mapping[str, Item]
) -> Pointer:
    """Returns a pointer to a directory in which ``name`` is what was placed.

    Args:
        cache: must have the listing of ``pointer``.
        pointer: to the directory so far; None if there is none.
        path: the directory's name.
        name: where in it; what was there is replaced.
        items: what :func:`place` returned.

    Raises:
        ArtifactError: if ``name`` is not a path, or a file is where a directory must be.
        ArtifactMissingError, ArtifactCorruptError, DocumentError: as :func:`listing_of`.
    """
    check_relpath(name)
    before = listing_of(cache, pointer)
    new = {f"{name}/{below}" if below else name: item for below, item in items.items()}
    after = before.without(name).with_entries({p: item.md5 for p, item in new.items()})
    added = sum(item.size for item in new.values())
    return directory_of(cache, path, after, _plus(cache, pointer, before.below(name), added))


def remove_member(cache: Cache, pointer: Pointer, name: str) -> Pointer | None:
    """Returns a pointer to a directory without ``name``; None if nothing is left.

    Raises:
        NotFoundError: if there is no such member.
        ArtifactMissingError, ArtifactCorruptError, DocumentError: as :func:`listing_of`.
    """
    before = listing_of(cache, pointer)
    gone = before.below(name)
    if not gone:
        raise NotFoundError(f"no artifact {quoted(name)} in '{pointer.path}'")
    after = before.without(name)
    if not after:
        return None
    return directory_of(cache, pointer.path, after, _plus(cache, pointer, gone, 0))


def _plus(cache: Cache, pointer: Pointer | None, gone: Mapping[str, str], added: int) -> int | None:
    """Returns the bytes of a directory after a change; None if they cannot be known here."""
    if pointer is None:
        return added
    sizes = [cache.size(md5) for md5 in gone.values()]
    if pointer.size is None or None in sizes:
        return None
    return max(pointer.size + added - sum(size for size in sizes if size is not None), 0)


def directory_of(cache: Cache, path: str, listing: Listing, size: int | None) -> Pointer:
    """Returns a pointer named ``path`` to a directory; its listing is in the cache then."""
    md5, _ = cache.keep_bytes(listing.encode(), suffix=DIRECTORY)
    return Pointer(md5=md5, path=path, size=size, nfiles=len(listing))
