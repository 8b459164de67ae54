"""What a history has had already, by content: commits of ours that add nothing to it.

A squash or rebase merge at the remote brings our work there in commits of its own. What tells is
the files: if some commit of theirs since the common beginning has every path that we changed as we
have it, then they have had all of ours, and whatever they did afterwards is newer. A commit beside
that beginning may look the same and know nothing of it: who had not seen a deletion yet has what
somebody else has put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from padre_git.vcs.objects import FILE, Entry, object_id
from padre_git.vcs.plan import Edit, NewCommit
from padre_git.vcs.process import run_git
from padre_git.vcs.repository import Repository

__all__ = ["gives_theirs", "have_had"]


def have_had(repository: Repository, ours: str, theirs: str) -> bool:
    """Returns whether a commit of theirs has all that we changed since the common beginning.

    Args:
        repository: the clone that has both.
        ours: our commit.
        theirs: the remote's commit, neither of them in the history of the other.
    """
    bases = repository.merge_bases(ours, theirs)
    if len(bases) != 1:
        return False  # of several, none alone tells what we have changed
    range_ = [theirs, f"^{ours}", f"^{bases[0]}"]
    paths = repository.diff_paths(bases[0], ours)
    if not paths:
        return True
    if not _touching(repository, range_, paths[-1:], options=["--max-count=1"]):
        return False  # the usual case: both sides have recorded something else
    mine = _entries(repository, ours, paths)
    found = _touching(repository, range_, {"/".join(p.split("/")[:2]) for p in paths})
    return any(_stands(repository, commit, mine) for commit in found)


def gives_theirs(repository: Repository, ours: str, theirs: str, merge: NewCommit) -> bool:
    """Returns whether merging gives their files exactly, so that our side adds nothing.

    Args:
        repository: the clone that has both.
        ours: the commit that the merge goes on.
        theirs: the other one.
        merge: the merge of the two.
    """
    differing = repository.diff_paths(ours, theirs)
    if not set(differing) <= set(merge.edits):
        return False
    wanted = _entries(repository, theirs, merge.edits)
    return all(_makes(edit, wanted[path]) for path, edit in merge.edits.items())


def _touching(
    repository: Repository,
    range_: Sequence[str],
    paths: Iterable[str],
    *,
    options: Sequence[str] = (),
) -> list[str]:
    """Returns the commits that go back to a range's beginning and changed any of these paths."""
    literal = [f":(literal,top){path}" for path in sorted(paths)]
    words = ["rev-list", "--full-history", "--ancestry-path", *options, *range_, "--", *literal]
    return run_git(words, repository.path).decode().split()


def _entries(repository: Repository, commit: str, paths: Iterable[str]) -> dict[str, Entry | None]:
    """Returns the files that stand at these paths; None where there is none."""
    snapshot = repository.snapshot(commit)
    wanted = list(paths)
    snapshot.prefetch(wanted)
    found = {path: snapshot.entry(path) for path in wanted}
    return {path: None if e is None or e.is_tree else e for path, e in found.items()}


def _stands(repository: Repository, commit: str, mine: dict[str, Entry | None]) -> bool:
    path = next(reversed(mine))
    if _entries(repository, commit, [path]) != {path: mine[path]}:
        return False
    return _entries(repository, commit, mine) == mine


def _makes(edit: Edit, wanted: Entry | None) -> bool:
    """Returns whether an edit leaves what is wanted at its path."""
    if isinstance(edit, bytes):
        return wanted == Entry(FILE, object_id("blob", edit))
    return edit == wanted
