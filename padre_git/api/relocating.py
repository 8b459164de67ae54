"""Moving a store's remote: every project, its data and every clone's ``origin`` follow."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from padre_git.api.opening import Parts, When, connected
from padre_git.api.settings import check_root, find_root, read_settings, remember
from padre_git.backends.dual import DualLayer
from padre_git.backends.relocating import Relocation
from padre_git.errors import RemoteUnavailableError
from padre_git.messages import Event, Notice
from padre_git.vcs.process import run_git
from padre_git.vcs.remotes import RemoteLocation

__all__ = ["move_remote"]


def move_remote(
    new: str | os.PathLike[str],
    root: str | os.PathLike[str] | None = None,
    *,
    subscriber: Callable[[Event], object] | None = None,
) -> tuple[str, ...]:
    """Moves all projects of a store to another remote, and has every clone follow.

    Each project is brought up to date from the old remote, also those that have no clone here, and
    published at the new one: repositories are made there where that can be done from here, data
    beside the old repositories goes beside the new ones, other branches and tags come along, and
    one commit gives every document its new url. The old repositories stay as they are, with a sign
    that tells others' clones where to go; for them it is the same call.

    What was interrupted is run again. Stores that are open should be opened anew.

    Args:
        new: base, template or repository, as in :func:`padre_git.open`.
        root: where the clones are; found as by :func:`padre_git.open` if it is not given.
        subscriber: is called with every event.

    Returns:
        The names of the projects that are there now.

    Raises:
        InvalidInputError: if this cannot be a remote.
        ConflictError: if two sides have changed the same thing; sync first.
        UnsupportedError: if a project has no place at the new remote.
        RemoteError, ArtifactError: if the new remote did not take a project; those before it have
            been moved, and the store goes on with the old remote.
    """
    place = find_root(root)
    check_root(place)
    before = read_settings(place)
    after = replace(before, remote=str(RemoteLocation.parse(os.fspath(new))))
    old = connected(place, before, When.asked(), is_new=False)
    there = connected(place, after, When.asked(), is_new=False)
    for parts in (old, there):
        if subscriber is not None:
            parts.bus.subscribe(Event, subscriber)
    try:
        names = _move(old, there, is_elsewhere=before.remote != after.remote)
        remember(place, read_settings(place), {"remote": after.remote})
    finally:
        old.backend.close()
        there.backend.close()
    return names


def _move(old: Parts, there: Parts, *, is_elsewhere: bool) -> tuple[str, ...]:
    assert isinstance(there.backend, DualLayer)  # noqa: S101 - it has a remote
    before = old.backend.joints if is_elsewhere and isinstance(old.backend, DualLayer) else None
    bring = partial(_bring, old) if before is not None else None
    return Relocation(*there.backend.joints, old=before, bring=bring).run()


def _bring(old: Parts, project: str) -> None:
    """Has the data of a project here, as far as the old data remote has it."""
    from padre_git.artifacts.bringing import bring_all

    data = old.data.of(project)
    commits = run_git(["rev-list", "HEAD"], data.project).decode().split()
    try:
        lost = bring_all(data, commits)
    except RemoteUnavailableError as error:
        text = f"the old data remote does not answer: {error.message}"
        old.bus.publish(Notice(text=text, project=project))
        return
    for path in lost:
        text = f"the data of '{path}' is neither here nor at the old remote"
        old.bus.publish(Notice(text=text, project=project))
