"""Pointers: the ``.dvc`` files that git keeps instead of data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from padre_git.artifacts.hashes import DIRECTORY, EMPTY, is_hash
from padre_git.artifacts.places import check_relpath
from padre_git.errors import ArtifactError, DocumentError
from padre_git.model.names import quoted

__all__ = ["Pointer", "read_pointer", "readable", "write_pointer"]

_T = TypeVar("_T")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
#: Plain texts that YAML 1.1 or 1.2 would not read as text.
_NOT_TEXT = re.compile(
    r"(?i)[0-9][0-9_.]*(e[0-9]+)?|0x[0-9a-f_]+|0o[0-7]+|0b[01_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"|null|true|false|yes|no|on|off|y|n"
)
_CANONICAL = re.compile(
    rb"outs:\n- md5: (?P<md5>[0-9a-f]{32}(?:\.dir)?|'[0-9a-f]{32}')\n"
    rb"  size: (?P<size>[0-9]{1,18})\n"
    rb"(?:  nfiles: (?P<nfiles>[0-9]{1,18})\n)?"
    rb"(?P<isexec>  isexec: true\n)?"
    rb"  hash: md5\n"
    rb"  path: (?P<path>[A-Za-z][A-Za-z0-9_.-]*)\n"
)
_LENGTH = 100_000
#: What ``dvc add`` and the person who edits its file may say beside what we need.
_IGNORED = frozenset(["desc", "labels", "type", "meta"])
_KEYS = _IGNORED | {"md5", "size", "nfiles", "isexec", "hash", "path"}


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """Is what a ``.dvc`` file says.

    Attributes:
        md5: the object; ends in ``.dir`` for a directory's listing.
        path: name of the file or directory beside the pointer.
        size: bytes of all files; None if nobody knew.
        nfiles: number of files of a directory; None for a file.
        executable: whether the file can be run.
    """

    md5: str
    path: str
    size: int | None
    nfiles: int | None = None
    executable: bool = False

    @property
    def is_directory(self) -> bool:
        """Whether it stands for a directory."""
        return self.md5.endswith(DIRECTORY)


def write_pointer(pointer: Pointer) -> bytes:
    """Returns the text of a ``.dvc`` file, as DVC writes it."""
    lines = ["outs:", f"- md5: {_scalar(pointer.md5)}"]
    if pointer.size is not None:
        lines.append(f"  size: {pointer.size}")
    if pointer.nfiles is not None:
        lines.append(f"  nfiles: {pointer.nfiles}")
    if pointer.executable:
        lines.append("  isexec: true")
    lines += ["  hash: md5", f"  path: {_scalar(pointer.path)}", ""]
    return "\n".join(lines).encode()


def _scalar(text: str) -> str:
    # a hash of digits with one "e" in it is a float to YAML
    if _PLAIN.fullmatch(text) and not _NOT_TEXT.fullmatch(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def read_pointer(data: bytes, *, file: str = "") -> Pointer:
    """Returns what a ``.dvc`` file says; the bytes may come from anybody.

    What ``dvc add`` writes is read. What would mean running a command, fetching from elsewhere or
    a path that is not right beside the file is refused.

    Args:
        data: content of the file.
        file: its path, for messages.

    Raises:
        DocumentError: if it is not such a file; with file and line where known.
    """
    match = _CANONICAL.fullmatch(data)
    if match is None:
        return _from_values(*_parse(data, file), file)
    nfiles = match["nfiles"]
    return _checked(
        Pointer(
            md5=match["md5"].decode().strip("'"),
            path=match["path"].decode(),
            size=int(match["size"]),
            nfiles=None if nfiles is None else int(nfiles),
            executable=match["isexec"] is not None,
        ),
        file,
    )


def readable(texts: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Pointer]]:
    """Yields the pointers among files, each with its path; what cannot be read is passed over."""
    for path, content in texts:
        try:
            yield path, read_pointer(content, file=path)
        except DocumentError:
            continue


def _parse(data: bytes, file: str) -> tuple[Mapping[str, object], Mapping[str, int]]:
    from padre_git.format import parse_document

    if len(data) > _LENGTH:
        raise DocumentError(f"a pointer of {len(data)} bytes", file=file)
    document = parse_document(data, file=file)
    return document.values, document.lines


def _from_values(values: Mapping[str, object], lines: Mapping[str, int], file: str) -> Pointer:
    for name in values:
        if name not in ("outs", "meta", "desc"):
            raise DocumentError(
                f"not a pointer that 'dvc add' writes: it has {quoted(name)}",
                file=file,
                line=lines.get(name),
                hint="imports and stages are run by DVC, not by padre_git",
            )
    outs = values.get("outs")
    if not isinstance(outs, list | tuple) or len(outs) != 1 or not isinstance(outs[0], Mapping):
        raise DocumentError("a pointer has exactly one entry in 'outs'", file=file)
    return _checked(_from_entry(outs[0], file), file)


def _from_entry(entry: Mapping[str, object], file: str) -> Pointer:
    for name in entry:
        if name not in _KEYS:
            raise DocumentError(f"a pointer cannot have {quoted(name)}", file=file, field="outs")
    if entry.get("hash") != "md5":
        raise DocumentError(
            "a pointer of DVC 2 or of another hash",
            file=file,
            field="outs.hash",
            hint="'dvc cache migrate --dvc-files' makes it one of DVC 3",
        )
    return Pointer(
        md5=_typed(entry, "md5", str, file),
        path=_typed(entry, "path", str, file),
        size=None if "size" not in entry else _typed(entry, "size", int, file),
        nfiles=None if "nfiles" not in entry else _typed(entry, "nfiles", int, file),
        executable="isexec" in entry and _typed(entry, "isexec", bool, file),
    )


def _typed(entry: Mapping[str, object], name: str, type_: type[_T], file: str) -> _T:
    value = entry.get(name)
    if not isinstance(value, type_) or (isinstance(value, bool) and type_ is not bool):
        raise DocumentError(
            f"not a {type_.__name__}: {quoted(value)}", file=file, field=f"outs.{name}"
        )
    return value


def _checked(pointer: Pointer, file: str) -> Pointer:
    if not is_hash(pointer.md5):
        raise DocumentError(f"not a hash: {quoted(pointer.md5)}", file=file, field="outs.md5")
    for name, number in (("size", pointer.size), ("nfiles", pointer.nfiles)):
        if number is not None and number < 0:
            raise DocumentError(f"a negative number: {number}", file=file, field=f"outs.{name}")
    if pointer.nfiles is not None and not pointer.is_directory:
        raise DocumentError("a file with a number of files", file=file, field="outs.nfiles")
    if pointer.size and pointer.md5 == EMPTY:
        raise DocumentError("the hash of no bytes with a size", file=file, field="outs.size")
    if "/" in pointer.path:
        raise DocumentError(
            f"not beside its pointer: {quoted(pointer.path)}", file=file, field="outs.path"
        )
    try:
        check_relpath(pointer.path)
    except ArtifactError as error:
        raise DocumentError(error.message, file=file, field="outs.path") from error
    return pointer
