"""References: which objects a clone's project still means, from wherever something points to them.

Counted are the pointers of every commit that any ref, reflog or work tree of the clone reaches
(branches, tags, the stash, what was fetched from the remote, pending and kept work), those that lie
in the index or the work tree and are not committed, and what running runs have logged. The cache
is also that of the person's own DVC: whatever its imports, stages and locks mention is kept, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from padre_git.artifacts.commits import introduced_pointers, pointer_texts
from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.hashes import DIRECTORY, hashes_in
from padre_git.artifacts.members import read_listing
from padre_git.artifacts.pointers import Pointer, read_pointer, readable
from padre_git.errors import ArtifactError, DocumentError, RemoteError, RepositoryError, is_scarce
from padre_git.vcs.process import run_git

__all__ = ["References", "published", "references"]

_LARGEST = 10_000_000
_PATHS = (":(glob)**/*.dvc", ":(glob)**/dvc.lock")
_EVERYTHING = ("--all", "--reflog", "HEAD")


@dataclass(frozen=True, kw_only=True)
class References:
    """Is what a project means.

    Attributes:
        objects: a path that each object stands for, by hash.
        unknown: paths of directories whose listing is not to be had, so that nobody can say what
            they mean.
        mentioned: hashes that running runs have logged, or files that only DVC understands have.
        tips: commits from which everything else was reached.
    """

    objects: Mapping[str, str]
    unknown: tuple[str, ...] = ()
    mentioned: frozenset[str] = frozenset()
    tips: tuple[str, ...] = ()

    def __contains__(self, md5: object) -> bool:
        return md5 in self.objects or md5 in self.mentioned


def references(data: ProjectData, *, seen: References | None = None) -> References:
    """Returns everything that a clone's project means; listings that are not here are fetched.

    Args:
        data: of the clone.
        seen: what it meant a moment ago; then only what has come since is returned.

    Raises:
        RepositoryError: if git cannot read the history.
    """
    pointers: list[tuple[str, Pointer]] = []
    others: list[bytes] = []
    tips = run_git(["rev-list", "--no-walk", "--ignore-missing", *_EVERYTHING], data.project)
    known = () if seen is None else seen.tips
    committed = _committed(data.project, tips.decode().split(), known)
    for path, content in (*committed, *_lying(data.project)):
        try:
            pointers.append((path, read_pointer(content, file=path)))
        except DocumentError:
            others.append(content)
    mentioned = _spooled(data) | _with_members(data, hashes_in(*others))
    return replace(_meant(data, pointers, mentioned), tips=tuple(tips.decode().split()))


def published(data: ProjectData) -> References:
    """Returns what the branches of the remote mean, as they were seen last.

    Raises:
        RepositoryError: if git cannot read the history.
    """
    tips = run_git(["for-each-ref", "--format=%(objectname)", "refs/remotes/origin/"], data.project)
    texts = _committed(data.project, tips.decode().split())
    return _meant(data, readable(texts), frozenset())


def _meant(
    data: ProjectData, pointers: Iterable[tuple[str, Pointer]], mentioned: frozenset[str]
) -> References:
    objects: dict[str, str] = {}
    unknown = []
    for path, pointer in pointers:
        objects.setdefault(pointer.md5, path)
        if not pointer.is_directory:
            continue
        try:
            members = data.listing(pointer)
        except (ArtifactError, DocumentError, RemoteError) as error:
            if is_scarce(error.__cause__):
                raise RepositoryError(error.message) from error
            unknown.append(path)
            continue
        for name, md5 in members.items():
            objects.setdefault(md5, f"{path} {name}")
    return References(objects=objects, unknown=tuple(unknown), mentioned=mentioned)


def _committed(
    project: Path, tips: Sequence[str], known: Sequence[str] = ()
) -> list[tuple[str, bytes]]:
    """Returns the pointers of every commit that is reached from some, and not from others."""
    if not tips:
        return []
    revisions = "".join(f"{tip}\n" for tip in (*tips, *(f"^{tip}" for tip in known)))
    listed = run_git(["rev-list", "--ignore-missing", "--stdin"], project, input=revisions.encode())
    found = introduced_pointers(project, listed.decode().split(), paths=_PATHS)
    return list(pointer_texts(project, found))


def _lying(project: Path) -> list[tuple[str, bytes]]:
    """Returns the files that are staged, changed or new, and not in any commit."""
    staged: dict[str, set[str]] = {}
    listed = run_git(["ls-files", "-s", "-z", "--", *_PATHS], project)
    for line in filter(None, listed.split(b"\0")):
        head, _, path = line.partition(b"\t")
        object_id = head.split(b" ")[1].decode()
        staged.setdefault(object_id, set()).add(path.decode(errors="replace"))
    texts = list(pointer_texts(project, staged))
    lying = run_git(["ls-files", "-o", "-m", "-z", "--", *_PATHS], project)
    for name in filter(None, lying.split(b"\0")):
        file = project / name.decode(errors="surrogateescape")
        if file.is_file() and not file.is_symlink() and file.stat().st_size <= _LARGEST:
            texts.append((name.decode(errors="replace"), file.read_bytes()))
    return texts


def _with_members(data: ProjectData, hashes: set[str]) -> frozenset[str]:
    """Returns hashes, and those in the listings among them that are here."""
    found = set(hashes)
    for md5 in hashes:
        if md5.endswith(DIRECTORY) and data.cache.has(md5):
            with suppress(ArtifactError, DocumentError):
                found.update(read_listing(data.cache, md5).values())
    return frozenset(found)


def _spooled(data: ProjectData) -> frozenset[str]:
    """Returns the hashes in the spools.

    A run that began before its project was there has its spool beside the clones.
    """
    places = (
        data.cache.root.parent / "spool",
        data.project.parent / ".padre" / "spool" / data.project.name,
    )
    files = [file for place in places for file in place.glob("*/*")]
    return frozenset(
        hashes_in(*(f.read_bytes() for f in files if f.is_file() and not f.is_symlink()))
    )
