"""References: which objects a clone's project still means, from wherever something points to them.

Counted are the pointers of every commit that any ref, reflog or work tree of the clone reaches
(branches, tags, the stash, what was fetched from the remote, pending and kept work), those that lie
in the index or the work tree and are not committed, and what running runs have logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from padre_git.artifacts.commits import introduced_pointers, pointer_texts
from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.pointers import Pointer, read_pointer
from padre_git.errors import ArtifactError, DocumentError, RemoteError
from padre_git.vcs.process import run_git

__all__ = ["References", "published", "references"]

_LARGEST = 100_000
_EVERYTHING = ("--all", "--reflog", "HEAD")
_SPOOLED = re.compile(rb"[0-9a-f]{32}(?:\.dir)?")


@dataclass(frozen=True, kw_only=True)
class References:
    """Is what a project means.

    Attributes:
        objects: a path that each object stands for, by hash.
        unknown: paths of directories whose listing is not to be had, so that nobody can say what
            they mean.
        spooled: hashes that running runs have logged.
    """

    objects: Mapping[str, str]
    unknown: tuple[str, ...] = ()
    spooled: frozenset[str] = frozenset()

    def __contains__(self, md5: object) -> bool:
        return md5 in self.objects or md5 in self.spooled


def references(data: ProjectData) -> References:
    """Returns everything that a clone's project means; listings that are not here are fetched.

    Args:
        data: of the clone.

    Raises:
        RepositoryError: if git cannot read the history.
    """
    pointers = [*_committed(data.project, _EVERYTHING), *_lying(data.project)]
    return _meant(data, pointers, _spooled(data))


def published(data: ProjectData) -> References:
    """Returns what the branches of the remote mean, as they were seen last.

    Raises:
        RepositoryError: if git cannot read the history.
    """
    return _meant(data, _committed(data.project, ["--remotes=origin"]), frozenset())


def _meant(
    data: ProjectData, pointers: Iterable[tuple[str, Pointer]], spooled: frozenset[str]
) -> References:
    objects: dict[str, str] = {}
    unknown = []
    for path, pointer in pointers:
        objects.setdefault(pointer.md5, path)
        if not pointer.is_directory:
            continue
        try:
            members = data.listing(pointer)
        except (ArtifactError, DocumentError, RemoteError):
            unknown.append(path)
            continue
        for name, md5 in members.items():
            objects.setdefault(md5, f"{path} {name}")
    return References(objects=objects, unknown=tuple(unknown), spooled=spooled)


def _committed(project: Path, revisions: Sequence[str]) -> list[tuple[str, Pointer]]:
    listed = run_git(["rev-list", "--ignore-missing", *revisions], project)
    found = introduced_pointers(project, listed.decode().split())
    return list(_readable(pointer_texts(project, found)))


def _lying(project: Path) -> list[tuple[str, Pointer]]:
    """Returns the pointers that are staged, changed or new, and not in any commit."""
    staged: dict[str, set[str]] = {}
    listed = run_git(["ls-files", "-s", "-z", "--", "*.dvc"], project)
    for line in filter(None, listed.split(b"\0")):
        head, _, path = line.partition(b"\t")
        object_id = head.split(b" ")[1].decode()
        staged.setdefault(object_id, set()).add(path.decode(errors="replace"))
    texts = list(pointer_texts(project, staged))
    lying = run_git(["ls-files", "-o", "-m", "-z", "--", "*.dvc"], project)
    for name in filter(None, lying.split(b"\0")):
        file = project / name.decode(errors="surrogateescape")
        if file.is_file() and not file.is_symlink() and file.stat().st_size <= _LARGEST:
            texts.append((name.decode(errors="replace"), file.read_bytes()))
    return list(_readable(texts))


def _readable(texts: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Pointer]]:
    for path, content in texts:
        try:
            yield path, read_pointer(content, file=path)
        except DocumentError:
            continue


def _spooled(data: ProjectData) -> frozenset[str]:
    """Returns everything in the spools that looks like a hash; too many do no harm.

    A run that began before its project was there has its spool beside the clones.
    """
    found: set[str] = set()
    places = (
        data.cache.root.parent / "spool",
        data.project.parent / ".padre" / "spool" / data.project.name,
    )
    for file in (file for place in places for file in place.glob("*/*")):
        if file.is_file() and not file.is_symlink():
            found.update(m.decode() for m in _SPOOLED.findall(file.read_bytes()))
    return frozenset(found)
