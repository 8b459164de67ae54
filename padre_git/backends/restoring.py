"""Taking a deletion back: what was deleted, which state had it last, and putting it there again.

A record comes back as the tree that it was, so that it costs the same whatever lay below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from padre_git.backends.planning import Edits
from padre_git.backends.records import Records, is_file
from padre_git.backends.urls import HAVE_URL, with_url
from padre_git.errors import AlreadyExistsError, ConflictError, NotFoundError
from padre_git.format import grave_files, part_path, record_directories
from padre_git.messages import Deletion
from padre_git.model import DOCUMENTS, Key, Kind, Record
from padre_git.model.names import is_name
from padre_git.vcs.objects import Commit
from padre_git.vcs.process import run_git
from padre_git.vcs.repository import Repository

__all__ = ["check_restorable", "deletion_of", "deletions", "restoration"]

#: Documents that are looked for by name; beyond that every document below is looked at.
_MOST_PATHS = 100
_COMMIT = "\x01"


def deletions(repository: Repository, graves: Mapping[Key, str]) -> list[Deletion]:
    """Returns when and by whom records were deleted, with one look at the history.

    Args:
        repository: the clone.
        graves: the documents of the records.
    """
    tip = repository.tip()
    if tip is None or not graves:
        return []
    commits = {path: repository.commit(oid) for path, oid in _last_changes(repository, graves, tip)}
    return [
        _deletion(key, commits[path], commits[path].parents[0])
        if path in commits and commits[path].parents
        else Deletion(key=key)
        for key, path in sorted(graves.items())
    ]


def _last_changes(
    repository: Repository, graves: Mapping[Key, str], tip: str
) -> Iterator[tuple[str, str]]:
    """Yields the last commit that turned each of these documents into another."""
    wanted = set(graves.values())
    names = {path.rpartition("/")[2] for path in wanted}
    few = [f":(literal,top){path}" for path in sorted(wanted)]
    many = [f":(glob,top)**/{name}" for name in sorted(names)]
    options = ["--no-renames", "--diff-filter=MD", "--name-only", "-z", f"--format={_COMMIT}%H"]
    words = ["log", *options, tip, "--", *(few if len(few) <= _MOST_PATHS else many)]
    oid = ""
    for text in run_git(words, repository.path).decode(errors="surrogateescape").split("\0"):
        path = text.strip("\n")
        if path.startswith(_COMMIT):
            oid = path[1:]
        elif path in wanted:
            wanted.discard(path)
            yield path, oid


def _deletion(key: Key, commit: Commit, state: str) -> Deletion:
    subject = commit.text.partition("\n")[0]
    return Deletion(key=key, state=state, time=commit.time, author=commit.author, subject=subject)


def deletion_of(repository: Repository, key: Key) -> Deletion:
    """Returns how a record that is not alive was deleted, also without a tombstone of its own.

    Raises:
        NotFoundError: if it was never stored, or before the history of this clone begins.
    """
    paths = [part_path(key, place, DOCUMENTS[key.kind]) for place in record_directories(key)]
    ends = _shallow(repository)
    for commit in repository.log(paths):
        for state in () if commit.id in ends else commit.parents:
            if Records(key.project, repository.snapshot(state)).alive([key]):
                return _deletion(key, commit, state)
    hint = "name it by its key, or give a state that has it: see 'padre-git log'"
    if ends:
        hint = f"the history of this clone is cut: git -C {repository.path} fetch --unshallow"
    raise NotFoundError(f"no {key.kind} '{key}' in this history", key=key, hint=hint)


def _shallow(repository: Repository) -> frozenset[str]:
    """Returns the commits whose parents this clone does not have."""
    try:
        return frozenset((repository.common_dir / "shallow").read_text().split())
    except FileNotFoundError:
        return frozenset()


def check_restorable(key: Key, before: Records, now: Records) -> None:
    """Makes sure that a record is gone now, had been there, and has where to go.

    Raises:
        AlreadyExistsError: if it is alive.
        NotFoundError: if the state does not have it, or its parent does not exist any more.
    """
    have = now.alive([key, *key.ancestors()])
    if key in have:
        raise AlreadyExistsError(f"'{key}' is not deleted", key=key)
    gone = [above for above in key.ancestors() if above not in have]
    if gone:
        raise NotFoundError(
            f"'{key}' lay below '{gone[-1]}', which does not exist",
            key=key,
            hint=f"restore '{gone[-1]}'; what lay below comes with it",
        )
    if not before.alive([key]):
        raise NotFoundError(f"no {key.kind} '{key}' in that state", key=key)


def restoration(key: Key, before: Records, now: Records) -> Edits:
    """Returns the edits that put a record back in place of its grave, with all that lay below.

    Args:
        key: a record that ``before`` has and ``now`` does not have.
        before: the state to take it from.
        now: what there is.

    Raises:
        ConflictError: if something is in the way.
    """
    source = before.places([key])[key]
    target = now.places([key]).get(key, source)
    if key.kind is Kind.ENVIRONMENT:
        path = part_path(key, source, DOCUMENTS[key.kind])
        return {path: before.tree.blobs([path])[path]}
    edits: Edits = {
        path: None
        for path in grave_files(key, target)
        if is_file(now.tree.entries(path.rpartition("/")[0]).get(path.rpartition("/")[2]))
    }
    if key.kind is Kind.PROJECT:
        edits |= _project(before, now)
    else:
        _check_way(key, source, target, before, now)
        edits |= {f"{target}/{name}": e for name, e in before.tree.entries(source).items()}
    edits |= _without_urls(key, before)
    return edits


def _check_way(key: Key, source: str, target: str, before: Records, now: Records) -> None:
    """Makes sure that nothing is lost that came to the place of a record after its deletion."""
    came = {name for name, entry in now.tree.entries(target).items() if entry.is_tree}
    if came & before.tree.entries(source).keys():
        raise ConflictError(
            f"'{target}/{min(came)}' is in the way of '{key}'",
            key=key,
            hint="it came there after the deletion; move it and try again",
        )


def _project(before: Records, now: Records) -> Edits:
    """Returns the records of a project, each a tree; files of the user's stay as they are now."""
    edits: Edits = {}
    names = [DOCUMENTS[Kind.PROJECT]]
    for kind in (Kind.DATASET, Kind.EXPERIMENT, Kind.ENVIRONMENT):
        names += [f"{kind.directory}/{name}" for name in before.tree.entries(kind.directory)]
    for path in names:
        holder, _, name = path.rpartition("/")
        entry = before.tree.entries(holder)[name]
        has_it = name in now.tree.entries(holder)
        if not holder or is_name(name.removesuffix(".yaml")) or not has_it:
            edits[path] = entry
    return edits


def _without_urls(key: Key, before: Records) -> dict[str, bytes]:
    """Returns the documents that say a url, without it: it is theirs again when published."""
    kinds = [kind for kind in HAVE_URL if kind is key.kind or key.kind is Kind.PROJECT]
    keys = [key, *(k for kind in kinds if kind is not key.kind for k in before.scan(key, kind))]
    edits = {}
    for found in before.find(k for k in keys if k.kind in HAVE_URL).values():
        if isinstance(found, Record):
            document = DOCUMENTS[found.key.kind]
            content = with_url(found, None)[document]
            if content != found.document:
                edits[part_path(found.key, found.key.path, document)] = content
    return edits
