"""What can be wrong with the small files of a git directory, each told without the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from padre_git.errors import unless_scarce
from padre_git.messages.damage import Piece, Source
from padre_git.vcs import knownconfig
from padre_git.vcs.allrefs import AllRefs, git_dirs, lines_of, log_files, log_ids, read_head
from padre_git.vcs.packindex import has_checksum
from padre_git.vcs.refpast import past_of
from padre_git.vcs.soundness import Flaw, derived, state_of

__all__ = [
    "GRAPHS",
    "config_flaws",
    "derived_flaws",
    "head_problem",
    "index_flaws",
    "is_note",
    "log_flaws",
    "logged_branches",
    "state_flaws",
]

_INFO = "objects/info"
#: Part of the names of all files of a commit-graph.
GRAPHS = "info/commit-graph"
_CHAIN = f"{_INFO}/commit-graphs/commit-graph-chain"
_NOTE = re.compile(r"(-|[0-9a-f]{40}) (-|[0-9a-f]{40}) *\n?|\s*")
_MOVE = re.compile(r"(-|[0-9a-f]{40}) [0-9a-f]{40} \d+ [\x21-\x7e]+")
_NOTES = {"intent": _NOTE, "recent": _MOVE}
_UNCHECKED = bytes(20)


def config_flaws(common: Path) -> Iterator[Flaw]:
    """Yields what is wrong with a clone's configuration."""
    problem = knownconfig.problem(common)
    if problem is not None:
        everything = frozenset([""])
        yield Flaw(
            piece=Piece.CONFIG,
            name="config",
            problem=problem,
            source=Source.REST,
            paths=everything,
        )


def head_problem(git_dir: Path, refs: AllRefs, has: Callable[[str], bool]) -> str | None:
    """Returns what is wrong with a HEAD; None if nothing is.

    A branch without commits is nothing wrong, unless its name is one letter away from another's.
    """
    head = read_head(git_dir)
    if head is None:
        return state_of(git_dir / "HEAD")
    name = head.removeprefix("ref: ")
    if name == head:
        return None if has(head) else f"wrong: '{head}' is no commit of this clone"
    if name in refs.values or name in refs.broken or past_of(git_dir, name):
        return None
    near = [known for known in refs.values if _differ_in_one(known, name)]
    return f"wrong: there is no '{name}', but '{near[0]}'" if near else None


def _differ_in_one(one: str, other: str) -> bool:
    pairs = zip(one, other, strict=False)
    return len(one) == len(other) and sum(a != b for a, b in pairs) == 1


def logged_branches(common: Path) -> list[str]:
    """Returns the branches that have a log which says that they are somewhere."""
    logs = common / "logs"
    files = sorted(path for path in (logs / "refs/heads").rglob("*") if path.is_file())
    names = [path.relative_to(logs).as_posix() for path in files]
    return [name for name in names if past_of(common, name)]


def log_flaws(common: Path, has: Callable[[str], bool]) -> Iterator[Flaw]:
    """Yields the logs of refs that name commits which are lost."""
    for path in log_files(common):
        count = sum(not all(map(has, log_ids(line))) for line in lines_of(path))
        if count:
            yield Flaw(
                piece=Piece.REF,
                name=path.relative_to(common).as_posix(),
                problem=f"{count} lines name commits that are lost",
                source=Source.REST,
            )


def index_flaws(common: Path, root: Path | None, *, has_commits: bool) -> Iterator[Flaw]:
    """Yields the indexes that cannot be read, or that are gone."""
    for git_dir in git_dirs(common) if root is not None else git_dirs(common)[1:]:
        path = git_dir / "index"
        if path.exists() or (has_commits and git_dir == common):
            problem = None if path.exists() and _is_index(path) else state_of(path)
            if problem is not None:
                name = path.relative_to(common).as_posix()
                yield Flaw(piece=Piece.INDEX, name=name, problem=problem, source=Source.REST)


def _is_index(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except OSError as error:
        unless_scarce(error)
        return False
    unchecked = content[:4] == b"DIRC" and content[-20:] == _UNCHECKED and len(content) >= 32
    return unchecked or (content[:4] == b"DIRC" and has_checksum(path))


def derived_flaws(common: Path) -> Iterator[Flaw]:
    """Yields what git has worked out before and can no longer rely on."""
    objects = common / "objects"
    files = [common / _INFO / "commit-graph", objects / "pack" / "multi-pack-index"]
    files += sorted((common / _INFO / "commit-graphs").glob("*.graph"))
    for path in files:
        if path.exists() and not has_checksum(path):
            yield derived(common, path)
    chain = common / _CHAIN
    if chain.exists():
        names = chain.read_text(errors="replace").split()
        layers = [chain.with_name(f"graph-{name}.graph") for name in names]
        if not names or not all(map(_is_there, layers)):
            yield derived(common, chain)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no name that a file could have
        return False


def is_note(name: str, line: str) -> bool:
    """Returns whether a line is one of those that we write into a file of ours."""
    return _NOTES[name].fullmatch(line) is not None


def state_flaws(common: Path) -> Iterator[Flaw]:
    """Yields our own files that hold what we did not write."""
    own = common / "padre"
    for name in _NOTES:
        if not all(is_note(name, line) for line in lines_of(own / name)):
            yield Flaw(
                piece=Piece.STATE, name=f"padre/{name}", problem="damaged", source=Source.REST
            )
