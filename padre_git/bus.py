"""The bus: commands reach their one handler, events any number of subscribers.

A command's error is the sender's; a subscriber's error is logged and undoes nothing. Handlers and
subscribers are held strongly until they are taken off (docs/decisions/0009).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from padre_git.errors import (
    AlreadyExistsError,
    InvalidInputError,
    PadreGitError,
    RepositoryError,
    UnsupportedError,
)
from padre_git.messages import Command, Event, Notice, Skipped, Subject

__all__ = ["Bus", "refusing"]

R = TypeVar("R")
Ev = TypeVar("Ev", bound=Event)

_log = logging.getLogger(__name__)
_TO_BE_KNOWN = (Notice, Skipped)


class Bus:
    """Connects those who ask with those who answer, in the asking thread."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[type[Command[Any]], Subject], Callable[[Any], Any]] = {}
        self._lock = threading.Lock()
        self._subscribers: tuple[tuple[type[Event], Callable[[Any], object]], ...] = ()

    def handle(
        self, command: type[Command[R]], subject: Subject, handler: Callable[[Any], R]
    ) -> None:
        """Makes ``handler`` the one that answers this command about this subject.

        Raises:
            AlreadyExistsError: if there is one.
        """
        if (command, subject) in self._handlers:
            raise AlreadyExistsError(f"a second handler for '{command.__name__}' of {subject}s")
        self._handlers[command, subject] = handler

    def send(self, command: Command[R]) -> R:
        """Returns the handler's answer; its errors reach the caller.

        Raises:
            RepositoryError: for what a disk refuses, unless the handler knows better.
            UnsupportedError: if nothing handles it.
        """
        handler = self._handlers.get((type(command), command.subject))
        if handler is None:
            what = type(command).__name__.lower()
            raise UnsupportedError(f"cannot {what} a {command.subject}: nothing handles it")
        with refusing():
            result: R = handler(command)
        return result

    def subscribe(self, event: type[Ev], subscriber: Callable[[Ev], object]) -> Callable[[], None]:
        """Calls ``subscriber`` with every event of this type or a type below it.

        Returns:
            A function that ends the subscription; calling it twice does no harm.

        Raises:
            InvalidInputError: for what is no type of event or cannot be called.
        """
        if not (_is_event(event) and callable(subscriber)):
            raise InvalidInputError("a subscription is a type of event and a function")
        entry = (event, subscriber)
        with self._lock:
            self._subscribers = (*self._subscribers, entry)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(e for e in self._subscribers if e is not entry)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Tells everybody who subscribed, in the order of subscription.

        What a person should know is logged if nobody subscribed to it.
        """
        subscribers = self._subscribers
        if isinstance(event, _TO_BE_KNOWN) and not any(
            isinstance(event, wanted) for wanted, _ in subscribers
        ):
            _log.warning("%s", event.text)
        for wanted, subscriber in subscribers:
            if isinstance(event, wanted):
                try:
                    subscriber(event)
                except Exception:  # noqa: BLE001 - what happened has happened, whoever chokes on it
                    _log.exception("a subscriber failed on %s", type(event).__name__)


@contextmanager
def refusing() -> Iterator[None]:
    """Makes an error of ours of what the system did not take or give in a block, wherever.

    Raises:
        RepositoryError: for it.
    """
    try:
        yield
    except PadreGitError:  # some of ours are OSErrors, too
        raise
    except OSError as error:
        what = error.strerror.lower() if error.strerror else str(error)
        where = "" if error.filename is None else f": '{error.filename}'"
        raise RepositoryError(
            f"the disk refuses: {what}{where}",
            hint="what was acknowledged before stands; the next call finishes or forgets this one",
        ) from error


def _is_event(type_: object) -> bool:
    return isinstance(type_, type) and issubclass(type_, Event)
