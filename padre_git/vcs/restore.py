"""Restoring code: the tree of an execution, rebuilt into a directory byte by byte.

What it needs is the patch that is kept with the execution and, where the code has a commit, a clone
of the person's repository that holds this commit. Clones are remembered by root commit as local
paths, in a directory that never leaves this machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from padre_git.errors import (
    AlreadyExistsError,
    ArtifactCorruptError,
    NotFoundError,
    RepositoryError,
    UnsupportedError,
)
from padre_git.model import Code, Execution
from padre_git.vcs.process import run_git
from padre_git.vcs.scratch import OFFLINE, Scratch

__all__ = ["recall", "remember", "restore"]

_REMEMBERED = 10


def remember(directory: Path, repository: str, work_tree: Path) -> None:
    """Notes where a repository is on this machine.

    Args:
        directory: where notes are kept, ``<clone>/.git/padre/code``.
        repository: its root commit.
        work_tree: a work tree of it.
    """
    known = recall(directory, repository)
    if known[:1] == [work_tree]:
        return
    directory.mkdir(parents=True, exist_ok=True)
    paths = dict.fromkeys([work_tree, *known])
    lines = [os.fsencode(path) for path in list(paths)[:_REMEMBERED]]
    fresh = directory / f".{repository}.{os.getpid()}"
    fresh.write_bytes(b"".join(line + b"\n" for line in lines if b"\n" not in line))
    fresh.replace(directory / repository)


def recall(directory: Path, repository: str) -> list[Path]:
    """Returns where a repository has been seen on this machine, the latest place first."""
    try:
        lines = (directory / repository).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [Path(os.fsdecode(line)) for line in lines]


def restore(
    execution: Execution,
    patch: bytes | None,
    directory: Path,
    *,
    clones: Sequence[Path] = (),
) -> Path:
    """Rebuilds the code of an execution in a directory and returns the directory.

    Args:
        execution: whose code.
        patch: what is kept with it; None if nothing is.
        directory: must be empty or not exist.
        clones: where to look for the repository, the likeliest place first.

    Raises:
        AlreadyExistsError: if the directory has something in it.
        UnsupportedError: if the code is an installed package.
        NotFoundError: if no clone holds the commit, or the patch is missing.
        ArtifactCorruptError: if what is kept does not give what the execution says.
    """
    directory = Path(directory)
    if directory.exists() and any(directory.iterdir()):
        raise AlreadyExistsError(f"cannot restore into '{directory}': it is not empty")
    code = execution.code
    if code.package:
        raise UnsupportedError(
            f"cannot restore '{code.package} {code.version}': it is an installed package",
            key=_key(execution),
            hint=f"pip install '{code.package}=={code.version}'",
        )
    lender = _lender(execution, [Path(clone) for clone in clones])
    with Scratch([lender] if lender else [], hash_name=_hash_name(code)) as scratch:
        tree = _tree(scratch, execution, patch)
        _publish(scratch, tree, directory, execution)
    return directory


def _lender(execution: Execution, clones: Sequence[Path]) -> Path | None:
    """Returns the objects of the first clone that has the commit; None if none is needed."""
    commit = execution.code.commit
    if commit is None or not commit.strip("0"):
        return None
    for clone in clones:
        if clone.is_dir() and (objects := _objects_with(clone, commit)):
            return objects
    places = ", ".join(f"'{clone}'" for clone in clones) or "no known place"
    raise NotFoundError(
        f"commit {commit} of the code is not in {places}",
        key=_key(execution),
        hint="clone the code's repository, fetch this commit and name the clone: repository=…",
    )


def _objects_with(clone: Path, commit: str) -> Path | None:
    try:
        run_git(["cat-file", "-e", f"{commit}^{{tree}}"], clone, env=OFFLINE)
        found = run_git(["rev-parse", "--git-path", "objects"], clone, env=OFFLINE)
    except RepositoryError:  # not a repository, or one without this commit: ask the next
        return None
    return clone / os.fsdecode(found.removesuffix(b"\n"))


def _hash_name(code: Code) -> str:
    return "sha256" if code.commit and len(code.commit) == 64 else "sha1"


def _tree(scratch: Scratch, execution: Execution, patch: bytes | None) -> str:
    code = execution.code
    has_commit = code.commit is not None and code.commit.strip("0")
    base = scratch.tree_of(code.commit or "") if has_commit else scratch.empty_tree()
    if patch is None and (code.snapshot or code.content):
        raise NotFoundError(
            "the changes of the code are not here", key=_key(execution), hint="fetch 'code.dvc'"
        )
    try:
        tree = scratch.patch(base, patch or b"")
    except RepositoryError as error:
        raise ArtifactCorruptError(
            f"the kept changes do not fit the commit: {error.message}", key=_key(execution)
        ) from error
    if code.snapshot and tree != code.snapshot:
        raise ArtifactCorruptError(
            f"the kept changes give tree {tree}, not {code.snapshot}", key=_key(execution)
        )
    return tree


def _publish(scratch: Scratch, tree: str, directory: Path, execution: Execution) -> None:
    """Writes the tree beside the directory and moves it there: complete or not at all."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        scratch.write_out(tree, fresh)
        _check_content(execution, fresh)
        fresh.chmod(0o777 & ~_umask())
        if directory.exists():
            directory.rmdir()
        fresh.replace(directory)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _check_content(execution: Execution, directory: Path) -> None:
    content = execution.code.content
    files = [path for path in directory.rglob("*") if path.is_file()] if content else []
    if content and [hashlib.sha256(p.read_bytes()).hexdigest() for p in files] != [content]:
        raise ArtifactCorruptError("the kept script is not the one that ran", key=_key(execution))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _key(execution: Execution) -> str | None:
    return None if execution.id is None else str(execution.key)
