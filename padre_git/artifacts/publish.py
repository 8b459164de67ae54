"""Publishing: having the data of commits on the remote before the commits are pushed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from padre_git.artifacts.commits import introduced_pointers, is_ours, pointer_texts
from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.pointers import Pointer, read_pointer
from padre_git.artifacts.remote import NOTHING, Sent
from padre_git.errors import ArtifactMissingError, DocumentError

__all__ = ["Published", "publish_data"]


@dataclass(frozen=True, kw_only=True)
class Published:
    """Is what publishing the data of some commits did.

    Attributes:
        pointers: how many pointers the commits bring.
        sent: what was pushed for them.
        local_only: whether there is no data remote, so that the data stays in this clone.
        skipped: paths of pointers that are not of a record and could not be published, each with
            the reason.
    """

    pointers: int = 0
    sent: Sent = NOTHING
    local_only: bool = False
    skipped: tuple[tuple[str, str], ...] = ()


def publish_data(data: ProjectData, commits: Sequence[str]) -> Published:
    """Pushes everything that the pointers in these commits stand for, and checks that it arrived.

    Without a data remote, a directory or ssh remote of git gets a store beside the repository;
    where that cannot be, the data stays in the clone.

    Args:
        data: of the clone.
        commits: ids of the commits that are about to be pushed.

    Raises:
        ArtifactMissingError: if data of a record is neither here nor on the remote.
        ArtifactCorruptError: if it is damaged here, or arrived damaged.
        DocumentError: if a pointer of a record is not one.
        RemoteError: if the remote cannot be reached; nothing may be pushed then.
        RepositoryError: if git cannot read a commit.
    """
    found = introduced_pointers(data.project, commits)
    ours: list[Pointer] = []
    others: list[tuple[str, Pointer]] = []
    skipped: list[tuple[str, str]] = []
    for path, content in pointer_texts(data.project, found):
        if not content:  # what deleting leaves of a pointer; see docs/format, "Merging", rule 5
            continue
        try:
            pointer = read_pointer(content, file=path)
        except DocumentError as error:
            if is_ours(path):
                raise
            skipped.append((path, error.message))
            continue
        if is_ours(path):
            ours.append(pointer)
        else:
            others.append((path, pointer))
    count = len(ours) + len(others)
    if not count:
        return Published(skipped=tuple(skipped))
    if not data.prepare_remote():
        return Published(pointers=count, local_only=True, skipped=tuple(skipped))
    data.cache.sweep()
    sent = _push(data, ours, others, skipped)
    return Published(pointers=count, sent=sent, skipped=tuple(skipped))


def _push(
    data: ProjectData,
    ours: Iterable[Pointer],
    others: Iterable[tuple[str, Pointer]],
    skipped: list[tuple[str, str]],
) -> Sent:
    remote = data.remote
    if remote is None:
        return NOTHING
    sent = [remote.push(ours)]
    for path, pointer in others:
        # what people add with DVC themselves they may also mean to keep to themselves
        try:
            sent.append(remote.push([pointer]))
        except (ArtifactMissingError, DocumentError) as error:
            skipped.append((path, error.message))
    return Sent(objects=sum(s.objects for s in sent), size=sum(s.size for s in sent))
