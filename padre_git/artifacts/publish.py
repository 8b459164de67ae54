"""Publishing: finding the pointers that commits bring, and having their data pushed first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.pointers import Pointer, read_pointer
from padre_git.artifacts.remote import NOTHING, Sent
from padre_git.errors import ArtifactMissingError, DocumentError
from padre_git.vcs.process import run_git

__all__ = ["Published", "Publisher", "introduced_pointers", "publish_data"]

_PATHS = (":(glob)**/*.dvc",)
_RAW = re.compile(rb":+(?:[0-7]{6} )*([0-7]{6}) (?:[0-9a-f]+ )*([0-9a-f]{40,64}) [A-Z]+")
_OURS = re.compile(
    r"(datasets/[^/]+/data|experiments/[^/]+/(runs/.+/artifacts|executions/[^/]+/code))\.dvc"
)
_FILE_MODES = frozenset([b"100644", b"100755"])
_LENGTH = 100_000


@dataclass(frozen=True, kw_only=True)
class Published:
    """Is what publishing the data of some commits did.

    Attributes:
        pointers: how many pointers the commits bring.
        sent: what was pushed for them.
        local_only: whether there is no data remote, so that the data stays in this clone.
        skipped: paths of pointers that are not padre_git's own and could not be published, each
            with the reason.
    """

    pointers: int = 0
    sent: Sent = NOTHING
    local_only: bool = False
    skipped: tuple[tuple[str, str], ...] = ()


class Publisher(Protocol):
    """Has the data of commits on the remote, or raises, before the commits are pushed."""

    def __call__(self, project: Path, git_dir: Path, commits: Sequence[str]) -> Published:
        """Publishes the data that these commits bring."""


def introduced_pointers(project: Path, commits: Sequence[str]) -> dict[str, set[str]]:
    """Returns the ids of all pointer files that these commits add or change, with their paths.

    A pointer that a later commit replaces counts too: history refers to it. Of a merge, only what
    is in none of its parents counts.

    Args:
        project: the clone's directory.
        commits: ids, any number of them; one git process serves all.

    Raises:
        RepositoryError: if git cannot read a commit.
    """
    if not commits:
        return {}
    arguments = ["diff-tree", "--stdin", "-r", "-c", "-z", "--root", "--no-renames"]
    listed = run_git(
        [*arguments, "--no-commit-id", "--diff-filter=AMT", "--", *_PATHS],
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


def publish_data(
    project: Path,
    git_dir: Path,
    commits: Sequence[str],
    *,
    url: str | None = None,
    data: Callable[[Path, Path], ProjectData] | None = None,
) -> Published:
    """Pushes everything that the pointers in these commits stand for, and checks that it arrived.

    Args:
        project: the clone's directory.
        git_dir: its git directory (of the main work tree).
        commits: ids of the commits that are about to be pushed.
        url: a data remote to use instead of the one in DVC's configuration.
        data: makes the clone's data; None for the usual.

    Raises:
        ArtifactMissingError: if data of a record is neither here nor on the remote.
        ArtifactCorruptError: if it is damaged here, or arrived damaged.
        DocumentError: if a pointer of a record is not one.
        RemoteError: if the remote cannot be reached; nothing may be pushed then.
        RepositoryError: if git cannot read a commit.
    """
    ours: list[Pointer] = []
    others: list[tuple[str, Pointer]] = []
    skipped: list[tuple[str, str]] = []
    found = introduced_pointers(project, commits)
    for path, content in _contents(project, found):
        try:
            pointer = read_pointer(content, file=path)
        except DocumentError as error:
            if _OURS.fullmatch(path):
                raise
            skipped.append((path, error.message))
            continue
        if _OURS.fullmatch(path):
            ours.append(pointer)
        else:
            others.append((path, pointer))
    return _push(
        ProjectData(project, git_dir, url=url) if data is None else data(project, git_dir),
        ours,
        others,
        skipped,
    )


def _push(
    data: ProjectData,
    ours: list[Pointer],
    others: list[tuple[str, Pointer]],
    skipped: list[tuple[str, str]],
) -> Published:
    count = len(ours) + len(others)
    if not count:
        return Published(skipped=tuple(skipped))
    remote = data.remote
    if remote is None:
        return Published(pointers=count, local_only=True, skipped=tuple(skipped))
    sent = [remote.push(ours)]
    for path, pointer in others:
        # what people add with DVC themselves they may also mean to keep to themselves
        try:
            sent.append(remote.push([pointer]))
        except (ArtifactMissingError, DocumentError) as error:
            skipped.append((path, error.message))
    total = Sent(objects=sum(s.objects for s in sent), size=sum(s.size for s in sent))
    return Published(pointers=count, sent=total, skipped=tuple(skipped))


def _contents(project: Path, found: dict[str, set[str]]) -> Iterator[tuple[str, bytes]]:
    """Yields every blob with the most telling of its paths."""
    for (object_id, paths), content in zip(found.items(), _blobs(project, found), strict=True):
        ours = sorted(path for path in paths if _OURS.fullmatch(path))
        path = ours[0] if ours else min(paths)
        if len(content) > _LENGTH:
            raise DocumentError(f"a pointer of {len(content)} bytes ({object_id})", file=path)
        yield path, content


def _blobs(project: Path, ids: Iterable[str]) -> Iterator[bytes]:
    request = "".join(f"{object_id}\n" for object_id in ids).encode()
    if not request:
        return
    answer = memoryview(run_git(["cat-file", "--batch"], project, input=request))
    place = 0
    while place < len(answer):
        head = bytes(answer[place : place + 200]).partition(b"\n")[0]
        size = int(head.split(b" ")[2])
        start = place + len(head) + 1
        yield bytes(answer[start : start + size])
        place = start + size + 1
