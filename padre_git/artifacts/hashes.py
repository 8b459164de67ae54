"""Hashes: how DVC names what it keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from padre_git.errors import ArtifactError
from padre_git.model.names import quoted

__all__ = ["DIRECTORY", "EMPTY", "Item", "check_hash", "hashes_in", "is_hash", "object_path"]

#: The hash of no bytes at all: the only object that may be empty.
EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
#: What the hash of a directory's listing ends in.
DIRECTORY = ".dir"
_HASH = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
_MENTION = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")


@dataclass(frozen=True, kw_only=True)
class Item:
    """Is what one file turned into when it was placed.

    Attributes:
        md5: its hash, the name of its object.
        size: in bytes.
        executable: whether its owner could run it.
    """

    md5: str
    size: int
    executable: bool = False


def is_hash(text: object) -> bool:
    """Returns whether ``text`` is the name of an object: MD5 in hex, maybe with ``.dir``."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def check_hash(text: str) -> str:
    """Returns ``text`` if it is the name of an object.

    Raises:
        ArtifactError: if it is not; such a text must never become a path.
    """
    if not is_hash(text):
        raise ArtifactError(f"not the hash of an artifact: {quoted(text)}")
    return text


def hashes_in(*texts: bytes) -> set[str]:
    """Returns everything in texts that looks like a hash; where that keeps data, too many help."""
    return {match.decode() for text in texts for match in _MENTION.findall(text)}


def object_path(md5: str) -> str:
    """Returns where DVC 3 keeps an object, below a cache or a remote.

    Raises:
        ArtifactError: if ``md5`` is not the name of an object.
    """
    check_hash(md5)
    return f"files/md5/{md5[:2]}/{md5[2:]}"
