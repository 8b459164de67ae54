"""Git objects as bytes: their names, trees, commits, and which paths may be in a tree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from padre_git.errors import DamagedError, InvalidInputError, InvalidNameError
from padre_git.messages import Author

__all__ = [
    "DIRECTORY",
    "EMPTY_TREE",
    "EXECUTABLE",
    "FILE",
    "LINK",
    "MODULE",
    "Commit",
    "Entry",
    "build_commit",
    "build_tree",
    "check_path",
    "object_id",
    "parse_commit",
    "parse_tree",
    "signature",
    "sort_tree",
    "tidy_author",
]

DIRECTORY, FILE, EXECUTABLE, LINK, MODULE = 0o040000, 0o100644, 0o100755, 0o120000, 0o160000
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_TREE_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
#: Characters that HFS+ ignores in file names: `.g<U+200C>it` is `.git` there.
_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
#: Lines of trees that are kept, 5 MB of them.
_LINES = 16_384
_CRUD = " .,:;<>\"\\'\n\r\t\0"


class Entry(NamedTuple):
    """Is one line of a tree: a mode and the id of what it names."""

    mode: int
    id: str

    @property
    def is_tree(self) -> bool:
        """Whether this is a directory."""
        return self.mode == DIRECTORY


@dataclass(frozen=True, kw_only=True)
class Commit:
    """Is what a commit says.

    Attributes:
        id: its own id.
        tree: id of its tree.
        parents: ids of its parents, first parent first.
        author: who made the change.
        time: the author's time.
        committed: the committer's time.
        text: its message.
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    author: Author
    time: datetime
    committed: datetime
    text: str


def object_id(kind: str, content: bytes) -> str:
    """Returns the name that git gives an object with this content."""
    head = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


def parse_tree(content: bytes) -> dict[str, Entry]:
    """Returns the entries of a tree by name, in git's order.

    Raises:
        DamagedError: if these are not the bytes of a tree.
    """
    found: dict[str, Entry] = {}
    end = 0
    for match in _TREE_ENTRY.finditer(content):
        if match.start() != end:
            break
        end = match.end()
        mode, name, oid = match.groups()
        found[name.decode("utf-8", "surrogateescape")] = Entry(int(mode, 8), oid.hex())
    if end != len(content):
        raise DamagedError("a tree object cannot be read")
    return found


def sort_tree(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Returns the entries of a tree in git's order."""
    return dict(sorted(entries.items(), key=_place))


def _place(item: tuple[str, Entry]) -> bytes:
    name, entry = item
    # git sorts a directory as if its name ended in a slash
    return _encoded(f"{name}/" if entry.mode == DIRECTORY else name)


def build_tree(entries: Mapping[str, Entry]) -> bytes:
    """Returns the bytes of a tree with these entries, which must be in git's order."""
    return b"".join([_line(name, entry) for name, entry in entries.items()])


# a commit writes every tree above what it changes anew, and nearly all lines were there before
@lru_cache(maxsize=_LINES)
def _line(name: str, entry: Entry) -> bytes:
    return b"%o %s\0%s" % (entry.mode, _encoded(name), bytes.fromhex(entry.id))


@lru_cache(maxsize=_LINES)
def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def build_commit(
    *,
    tree: str,
    parents: Sequence[str],
    author: Author,
    time: datetime,
    committer: Author,
    committed: datetime,
    text: str,
) -> bytes:
    """Returns the bytes of a commit; the text is ended by one line feed.

    Raises:
        InvalidInputError: for a time without a time zone.
    """
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines.append(f"author {signature(author, time)}")
    lines.append(f"committer {signature(committer, committed)}")
    message = text.replace("\0", "").strip("\n") + "\n"
    return ("\n".join(lines) + "\n\n" + message).encode("utf-8", "replace")


def signature(author: Author, time: datetime) -> str:
    """Returns who and when as a commit or a log of refs says it.

    Raises:
        InvalidInputError: for a time without a time zone.
    """
    offset = time.utcoffset()
    if offset is None:
        raise InvalidInputError(f"a commit time without time zone: '{time.isoformat()}'")
    minutes = int(offset.total_seconds() // 60)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    who = tidy_author(author)
    return f"{who.name} <{who.email}> {max(0, int(time.timestamp()))} {sign}{hours:02}{rest:02}"


@lru_cache(maxsize=64)
def tidy_author(author: Author) -> Author:
    """Returns the author without what cannot stand in a commit's header, as git leaves it out."""
    gone = dict.fromkeys(map(ord, "\n\r\0<>"))
    name = author.name.translate(gone).strip(_CRUD)
    return Author(name=name or "unknown", email=author.email.translate(gone).strip(_CRUD))


_SIGNATURE = re.compile(r"(.*) ?<(.*)> (\d+) ([+-])(\d\d)(\d\d)$", re.DOTALL)


def parse_commit(content: bytes) -> Commit:
    """Returns what a commit object says.

    Raises:
        DamagedError: if these are not the bytes of a commit.
    """
    head, _, text = content.decode("utf-8", "replace").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.split("\n"):
        name, _, value = line.partition(" ")
        if name:  # continuation lines of signatures begin with a space
            fields.setdefault(name, []).append(value)
    try:
        author, time = _read_signature(fields["author"][0])
        _, committed = _read_signature(fields["committer"][0])
        tree = fields["tree"][0]
    except (KeyError, ValueError, OverflowError, OSError) as error:  # OSError: a year too far
        raise DamagedError("a commit object cannot be read") from error
    parents = tuple(fields.get("parent", ()))
    return Commit(
        id=object_id("commit", content),
        tree=tree,
        parents=parents,
        author=author,
        time=time,
        committed=committed,
        text=text,
    )


def _read_signature(value: str) -> tuple[Author, datetime]:
    from datetime import timedelta, timezone

    match = _SIGNATURE.match(value)
    if match is None:
        raise ValueError(value)
    name, email, seconds, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    zone = timezone(max(min(offset, timedelta(hours=23)), timedelta(hours=-23)))
    return Author(name=name.strip(), email=email), datetime.fromtimestamp(int(seconds), zone)


def check_path(path: str) -> tuple[str, ...]:
    """Returns the components of a path that may stand in a tree.

    Raises:
        InvalidNameError: for an empty, absolute or climbing path, one that git or a file system
            takes for ``.git``, and control characters.
    """
    parts = tuple(path.split("/"))
    for part in parts:
        if part in {"", ".", ".."} or "\0" in part:
            raise InvalidNameError(f"not a path in a project: {path!r}")
        plain = part.translate(_IGNORED).lower().rstrip(". ")
        if plain.partition(":")[0] in {".git", "git~1"} or "\\" in part:
            raise InvalidNameError(f"a path that git refuses: {path!r}")
    return parts
