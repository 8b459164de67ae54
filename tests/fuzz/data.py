"""Pointers and listings, beside what DVC itself reads in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from padre_git.artifacts.listings import Listing
from padre_git.artifacts.pointers import read_pointer, write_pointer
from padre_git.errors import DocumentError

__all__ = ["check_listing", "check_pointer", "listing_seeds", "pointer_seeds"]


def pointer_seeds() -> Iterator[bytes]:
    """Yields what ``dvc add`` writes, and what it does not."""
    md5 = "0123456789abcdef0123456789abcdef"
    yield f"outs:\n- md5: {md5}\n  size: 5\n  hash: md5\n  path: data.csv\n".encode()
    yield (
        f"outs:\n- md5: {md5}.dir\n  size: 5\n  nfiles: 2\n  hash: md5\n  path: artifacts\n"
    ).encode()
    yield f"outs:\n- md5: {md5}\n  size: 5\n  isexec: true\n  hash: md5\n  path: run\n".encode()
    yield f"outs:\n- md5: '{'1' * 32}'\n  size: 1\n  hash: md5\n  path: ../x\n".encode()
    yield f"desc: x\nouts:\n- md5: {md5}\n  hash: md5\n  path: .git\n  meta: {{a: b}}\n".encode()
    yield f"deps:\n- path: a\nouts:\n- md5: {md5}\n  hash: md5\n  path: b\n".encode()


def check_pointer(data: bytes) -> None:
    """What is accepted is what DVC reads, beside its pointer, and comes back as it was."""
    try:
        found = read_pointer(data)
    except DocumentError:
        return
    _stays_inside(found.path)
    assert "/" not in found.path
    assert read_pointer(write_pointer(found)) == found
    for text in (data, write_pointer(found)):
        out = _as_dvc(text)
        if out is None:  # its reader is stricter, as about tabs; not about what we write
            assert text is data
            continue
        assert (out["md5"], out["path"], out.get("hash")) == (found.md5, found.path, "md5"), out
        assert out.get("size") == found.size
        assert out.get("nfiles") == found.nfiles
        assert bool(out.get("isexec")) is found.executable


def _as_dvc(data: bytes) -> dict[str, Any] | None:
    from dvc.dvcfile import SingleStageFile
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
    from dvc.utils.strictyaml import YAMLValidationError

    try:
        checked = SingleStageFile.validate(parse_yaml(data.decode(), "x.dvc"), "x.dvc")
    except (YAMLFileCorruptedError, YAMLValidationError):
        return None
    (out,) = checked["outs"]
    return dict(out)


def _stays_inside(path: str) -> None:
    for flavour in (PurePosixPath(path), PureWindowsPath(path)):
        assert not flavour.is_absolute()
        assert not flavour.drive
        assert ".." not in flavour.parts
        assert not any(part.lower().rstrip(". ") == ".git" for part in flavour.parts)
    assert path
    assert "\0" not in path
    assert path.isprintable()


def listing_seeds() -> Iterator[bytes]:
    """Yields listings as DVC writes them, and others."""
    md5 = "0123456789abcdef0123456789abcdef"
    for paths in (["a"], ["a", "b/c", "b/d"], ["../x"], ["a", "a/b"], ["a", "a"], [".git/x"], []):
        yield json.dumps([{"md5": md5, "relpath": path} for path in paths]).encode()
    yield json.dumps([{"md5": md5, "relpath": "é\\u0301"}]).encode()
    yield b'[{"md5": 1, "relpath": null}]'


def check_listing(data: bytes) -> None:
    """What is accepted has no path that leaves, is what DVC reads, and comes back as it was."""
    try:
        found = Listing.parse(data)
    except DocumentError:
        return
    for path in found:
        _stays_inside(path)
    assert dict(Listing.parse(found.encode())) == dict(found)
    assert Listing.parse(found.encode()).encode() == found.encode()
    theirs = {entry["relpath"]: entry["md5"] for entry in json.loads(data)}
    assert theirs == dict(found)
