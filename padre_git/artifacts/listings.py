"""Listings: which files a directory kept by DVC has, the content of a ``.dir`` object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from padre_git.artifacts.hashes import is_hash
from padre_git.artifacts.places import check_relpath
from padre_git.errors import ArtifactError, DocumentError
from padre_git.model.names import quoted

__all__ = ["ENTRIES", "LARGEST", "Listing"]

#: How many files one directory may have.
ENTRIES = 500_000
#: Bytes that a listing may have.
LARGEST = 128 << 20
_KEY = b'"relpath"'


class Listing(Mapping[str, str]):
    """Is the hash of every file of a directory, by its path below it, in order of paths.

    Raises:
        ArtifactError: for a path that leaves the directory or names ``.git``, a file that is also
            a directory, a bad hash or more than :data:`ENTRIES` files.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, str]) -> None:
        if len(entries) > ENTRIES:
            raise _too_many(len(entries))
        self._entries = {path: entries[path] for path in sorted(entries)}
        for path, md5 in self._entries.items():
            _check_entry(self._entries, path, md5)

    @classmethod
    def parse(cls, data: bytes, *, name: str = "") -> Listing:
        """Returns what a ``.dir`` object says; the bytes may come from anybody.

        Args:
            data: content of the object.
            name: its hash, for messages.

        Raises:
            DocumentError: if it is not a listing of DVC, or one with hostile paths.
        """
        try:
            return cls(_entries(_decode(data)))
        except (ArtifactError, ValueError, RecursionError) as error:
            reason = getattr(error, "message", None) or f"not JSON: {error}"
            raise DocumentError(reason, file=name or "listing") from error

    def encode(self) -> bytes:
        """Returns the content of the ``.dir`` object, as DVC writes it."""
        entries = [{"md5": md5, "relpath": path} for path, md5 in self._entries.items()]
        return json.dumps(entries).encode()

    def below(self, name: str) -> dict[str, str]:
        """Returns the entries of one member: the file ``name``, or the files below it."""
        return {path: md5 for path, md5 in self._entries.items() if _covers(name, path)}

    def with_entries(self, entries: Mapping[str, str]) -> Listing:
        """Returns a listing in which these files are added or replaced."""
        return Listing({**self._entries, **entries})

    def without(self, name: str) -> Listing:
        """Returns a listing without the file ``name`` and the files below it."""
        return Listing({p: m for p, m in self._entries.items() if not _covers(name, p)})

    def __getitem__(self, path: str) -> str:
        return self._entries[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Listing({self._entries!r})"


def _covers(name: str, path: str) -> bool:
    return path == name or path.startswith(name + "/")


def _check_entry(entries: Mapping[str, str], path: str, md5: object) -> None:
    check_relpath(path)
    if not is_hash(md5) or str(md5).endswith(".dir"):
        raise ArtifactError(f"{quoted(path)} has no hash of a file: {quoted(md5)}")
    parent = path.rpartition("/")[0]
    while parent:
        if parent in entries:
            raise ArtifactError(f"{quoted(parent)} is a file and a directory")
        parent = parent.rpartition("/")[0]


def _decode(data: bytes) -> object:
    # bounded before it is parsed: every value of a JSON text needs one of these characters
    values = sum(map(data.count, (b",", b"[", b"{")))
    if len(data) > LARGEST or values > 8 * ENTRIES or data.count(b"{") > 2 * ENTRIES:
        raise ArtifactError(f"a listing of {len(data)} bytes is too large")
    if (count := data.count(_KEY)) > ENTRIES:
        raise _too_many(count)
    return json.loads(data)


def _too_many(count: int) -> ArtifactError:
    return ArtifactError(
        f"a directory of {count} files: more than {ENTRIES}",
        hint="pack them into archives, or make several datasets of them",
    )


def _entries(raw: object) -> dict[str, str]:
    if not isinstance(raw, list):
        raise ArtifactError("a listing is a list")
    entries: dict[str, str] = {}
    for entry in raw:
        if not isinstance(entry, dict) or entry.keys() != {"md5", "relpath"}:
            raise ArtifactError(f"not an entry of a listing: {quoted(str(entry))}")
        path = entry["relpath"]
        if not isinstance(path, str):
            raise ArtifactError(f"not the path of an artifact: {quoted(path)}")
        if path in entries:
            raise ArtifactError(f"{quoted(path)} is listed twice")
        entries[path] = entry["md5"]
    return entries
