"""Standing: how one record stands to the remote, wherever it is, without bringing it here."""

from __future__ import annotations

from collections.abc import Sequence

from padre_git.backends.states import ProjectStatus, State
from padre_git.collections.session import Ref, Session
from padre_git.errors import AmbiguousReferenceError, NotFoundError
from padre_git.messages import Status
from padre_git.model import Entity, Key, Kind
from padre_git.model.ids import short_id
from padre_git.services.spelling import parse_url

__all__ = ["state_of"]

_IDS = (Kind.RUN, Kind.EXECUTION)


def state_of(session: Session, ref: Ref, kinds: Sequence[Kind]) -> State:
    """Returns how a record stands; the remote is asked, and nothing is taken over.

    Args:
        session: of the store.
        ref: what somebody typed, a key or an entity.
        kinds: what it may be.

    Raises:
        AmbiguousReferenceError: if several records answer to it.
        NotFoundError: if neither side has such a record.
        RemoteError: if the project is not here, and the remote cannot be asked.
    """
    try:
        with session.locally():
            key = session.resolve(ref, kinds)
    except NotFoundError as error:
        names = _names(ref)
        if Kind.PROJECT not in kinds and len(names) == 1:
            raise  # it may be in any project
        status: ProjectStatus = session.bus.send(Status(subject=Kind.PROJECT, project=names[0]))
        if status.state is State.REMOTE_ONLY or len(names) == 1:
            return status.state
        return status.of(_only(status, names, kinds, error))
    status = session.bus.send(Status(subject=Kind.PROJECT, project=key.project))
    return status.of(key)


def _names(ref: Ref) -> list[str]:
    if not isinstance(ref, str):
        return (ref.key if isinstance(ref, Entity) else ref).text.split("/")
    target = parse_url(ref)
    return (target.reference if target else ref).split("/")


def _only(
    status: ProjectStatus, names: Sequence[str], kinds: Sequence[Kind], error: NotFoundError
) -> Key:
    """Returns the one record that is not here and that a reference means."""
    found = [key for key in status.records if key.kind in kinds and _answers(key, names)]
    if not found:
        raise error
    if len(found) > 1:
        raise AmbiguousReferenceError(
            f"'{'/'.join(names)}' may be several things",
            hint=f"is it {' or '.join(f'{key.kind.noun} {key!s}' for key in found)}?",
        )
    return found[0]


def _answers(key: Key, names: Sequence[str]) -> bool:
    if list(names) == key.text.split("/"):
        return True
    above = [part.name for part in key.ancestors()]
    if sorted(names[:-1]) != sorted(above):
        return False
    last = names[-1]
    if key.kind in _IDS:
        return key.name.startswith(last) or short_id(key.name).startswith(last)
    return key.name == last
