"""Relocating: all that a store shares goes to another remote, project by project.

Each project is brought up to date from the old remote, published at the new one with its data, its
other branches and its tags, and pointed there; the old repository stays as it is, with a sign.
Every step can be done again, so what was interrupted is run once more. That the old remote does
not answer is told and is no reason to stop: what others have, they bring themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from padre_git.backends.exchange import Exchange, Side
from padre_git.backends.publishing import Look, Publisher
from padre_git.errors import (
    RemoteError,
    RemoteMissingError,
    RemoteUnavailableError,
    UnsupportedError,
)
from padre_git.format import FORMAT_FILE
from padre_git.messages import Notice
from padre_git.vcs.relocating import End, carry_over, leave_sign, point_origin_at, take_sign_away

__all__ = ["Relocation"]


class Relocation:
    """Moves projects from one remote to another.

    Args:
        new: the clones and the new remote.
        publisher: publishes there.
        old: the same for the old remote; None if there was none.
        bring: has all data of a project here, before it is published anew; None for no data.
    """

    def __init__(
        self,
        new: Exchange,
        publisher: Publisher,
        *,
        old: tuple[Exchange, Publisher] | None,
        bring: Callable[[str], None] | None,
    ) -> None:
        self._new = new
        self._publisher = publisher
        self._old = None if old is None else old[0]
        self._taker = None if old is None else old[1]
        self._bring = bring
        self._told = False

    def run(self) -> tuple[str, ...]:
        """Moves every project that is here or at the old remote, and returns their names.

        Raises:
            ConflictError: if old, new and clone cannot be merged; this project was not moved.
            UnsupportedError: if a project has no place at the new remote.
            RemoteError, ArtifactError: if the new remote did not take it.
        """
        names = self._names()
        for name in names:
            if self._new.location.url(name) is None:
                raise UnsupportedError(
                    f"'{name}' has no place at '{self._new.location}'",
                    key=name,
                    hint="give a base for all projects, not the repository of one",
                )
        for name in names:
            self._move(name)
        return names

    def _names(self) -> tuple[str, ...]:
        clones = self._new if self._old is None else self._old
        names = {name for name in clones.here() if _is_ours(clones, name)}
        if self._old is not None:
            try:
                names.update(self._old.elsewhere())
            except RemoteUnavailableError as error:
                self._tell_silence(error)
        return tuple(sorted(names))

    def _move(self, name: str) -> None:
        self._update(name)
        side = self._new.side(name)
        if side is None or side.repository.tip() is None:
            return
        if self._bring is not None:
            self._bring(name)
        side.start_anew()
        side.fetch()
        end = End(url=str(self._new.location.url(name)), terms=self._new.terms)
        take_sign_away(side.repository.path, end)
        self._publisher.publish(side, look=Look.EVERYWHERE)
        self._carry_over(side, end)

    def _update(self, name: str) -> None:
        """Brings a clone up to date with the old remote, as far as that answers."""
        if self._old is None or self._taker is None:
            return
        try:
            side = self._old.side(name)
            if side is None:
                self._old.clone(name)
                return
            side.start_anew()
            side.fetch()
            side.forget_sign()
            self._taker.integrate(side)
        except RemoteUnavailableError as error:
            self._tell_silence(error)

    def _carry_over(self, side: Side, end: End) -> None:
        """Moves what is not on the branch, points the clone there and leaves a sign behind."""
        path, branch = side.repository.path, side.repository.branch
        before = None if self._old is None else self._old.location.url(side.project)
        point_origin_at(path, end.url, before=before)
        if self._old is None or before is None or before == end.url:
            return
        start = End(url=before, terms=self._old.terms)
        try:
            left = carry_over(path, start, end, besides=branch)
        except (RemoteUnavailableError, RemoteMissingError):
            return  # the old remote is gone; told already, or somebody has taken it away
        for ref in left:
            text = f"'{side.project}': the new remote has another '{ref}'; it stays as it is there"
            self._new.notify(Notice(text=text, project=side.project))
        with suppress(RemoteError):  # a hint for others; a place that may only be read has none
            leave_sign(path, start, str(self._new.location))

    def _tell_silence(self, error: RemoteUnavailableError) -> None:
        if not self._told:
            self._told = True
            text = f"the old remote does not answer: {error.message}; what is here is moved"
            self._new.notify(Notice(text=text))


def _is_ours(clones: Exchange, name: str) -> bool:
    """Returns whether a clone is a project; a root may hold other repositories, too."""
    side = clones.side(name)
    return side is not None and side.repository.snapshot().entry(FORMAT_FILE) is not None
