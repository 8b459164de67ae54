"""Commits: which pointers they bring, found with two git processes however many they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from padre_git.vcs.damage import damaged
from padre_git.vcs.process import run_git

__all__ = ["introduced_pointers", "is_ours", "pointer_texts"]

_PATHS = (":(glob)**/*.dvc",)
_RAW = re.compile(rb":+(?:[0-7]{6} )*([0-7]{6}) (?:[0-9a-f]+ )*([0-9a-f]{40,64}) [A-Z]+")
_OURS = re.compile(
    r"(datasets/[^/]+/data|experiments/[^/]+/(runs/.+/artifacts|executions/[^/]+/code))\.dvc"
)
_FILE_MODES = frozenset([b"100644", b"100755"])


def is_ours(path: str) -> bool:
    """Returns whether a path of a project is the pointer of a record."""
    return _OURS.fullmatch(path) is not None


def introduced_pointers(
    project: Path, commits: Sequence[str], *, paths: Sequence[str] = _PATHS
) -> dict[str, set[str]]:
    """Returns the ids of all pointer files that these commits add or change, with their paths.

    A pointer that a later commit replaces counts too: history refers to it. Of a merge, only what
    is in none of its parents counts.

    Args:
        project: the clone's directory.
        commits: ids, any number of them; one git process serves all.
        paths: pathspecs of the files that count.

    Raises:
        RepositoryError: if git cannot read a commit.
    """
    if not commits:
        return {}
    arguments = ["diff-tree", "--stdin", "-r", "-c", "-z", "--root", "--no-renames"]
    listed = run_git(
        [*arguments, "--no-commit-id", "--diff-filter=AMT", "--", *paths],
        project,
        input="".join(f"{commit}\n" for commit in commits).encode(),
    )
    found: dict[str, set[str]] = {}
    fields = iter(listed.split(b"\0"))
    for field in fields:
        match = _RAW.fullmatch(field)
        if match and match[1] in _FILE_MODES:
            found.setdefault(match[2].decode(), set()).add(next(fields).decode(errors="replace"))
    return found


def pointer_texts(project: Path, found: Mapping[str, set[str]]) -> Iterator[tuple[str, bytes]]:
    """Yields path and content of what :func:`introduced_pointers` found; a record's path first.

    Args:
        project: the clone's directory.
        found: paths by the id of the content.

    Raises:
        DamagedError: if git cannot read one of them.
    """
    for paths, content in zip(found.values(), _blobs(project, found), strict=True):
        ours = sorted(path for path in paths if is_ours(path))
        yield (ours[0] if ours else min(paths)), content


def _blobs(project: Path, ids: Iterable[str]) -> Iterator[bytes]:
    request = "".join(f"{object_id}\n" for object_id in ids).encode()
    if not request:
        return
    answer = memoryview(run_git(["cat-file", "--batch"], project, input=request))
    place = 0
    while place < len(answer):
        head = bytes(answer[place : place + 200]).partition(b"\n")[0]
        object_id, _, said = head.decode(errors="replace").partition(" ")
        if not said.startswith("blob "):
            raise damaged(f"the pointer '{object_id}' cannot be read: {said}", project)
        size = int(said.removeprefix("blob "))
        start = place + len(head) + 1
        yield bytes(answer[start : start + size])
        place = start + size + 1
