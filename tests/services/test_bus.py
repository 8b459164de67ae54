"""The bus: one handler for a command, any number of listeners for an event."""

from __future__ import annotations

import gc
import logging

import pytest

from padre_git.bus import Bus
from padre_git.errors import AlreadyExistsError, InvalidInputError, NotFoundError, UnsupportedError
from padre_git.messages import Event, Exists, Notice, Pushed, Skipped, Stored
from padre_git.model import Key, Kind

IRIS = Key.project_named("iris")


def asking(kind: Kind) -> Exists:
    return Exists(subject=kind, key=IRIS)


def test_a_command_gets_its_handlers_answer() -> None:
    bus = Bus()
    bus.handle(Exists, Kind.PROJECT, lambda command: command.key == IRIS)
    assert bus.send(asking(Kind.PROJECT)) is True


def test_the_subject_chooses_the_handler() -> None:
    bus = Bus()
    bus.handle(Exists, Kind.PROJECT, lambda command: True)
    bus.handle(Exists, Kind.RUN, lambda command: False)
    assert bus.send(asking(Kind.RUN)) is False


def test_a_second_handler_is_refused() -> None:
    bus = Bus()
    bus.handle(Exists, Kind.RUN, lambda command: True)
    with pytest.raises(AlreadyExistsError, match="second handler for 'Exists' of runs"):
        bus.handle(Exists, Kind.RUN, lambda command: False)


def test_a_command_without_a_handler_is_an_error() -> None:
    with pytest.raises(UnsupportedError, match="nothing handles"):
        Bus().send(asking(Kind.RUN))


def test_a_handlers_error_reaches_the_sender() -> None:
    bus = Bus()

    def fail(command: Exists) -> bool:
        raise NotFoundError("no such thing")

    bus.handle(Exists, Kind.RUN, fail)
    with pytest.raises(NotFoundError, match="no such thing"):
        bus.send(asking(Kind.RUN))


def test_events_reach_everybody_in_order_and_by_base_type() -> None:
    bus, heard = Bus(), []
    bus.subscribe(Event, lambda event: heard.append("any"))
    bus.subscribe(Notice, lambda event: heard.append(event.text))
    bus.subscribe(Pushed, lambda event: heard.append("never"))
    bus.publish(Notice(text="hello"))
    assert heard == ["any", "hello"]


def test_a_subscribers_error_is_logged_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = Bus(), []

    def fail(event: Event) -> None:
        raise RuntimeError("disk on fire")

    bus.subscribe(Notice, fail)
    bus.subscribe(Notice, heard.append)
    with caplog.at_level(logging.ERROR, "padre_git.bus"):
        bus.publish(Notice(text="hello"))
    assert [event.text for event in heard] == ["hello"]
    assert "disk on fire" in caplog.text


def test_what_a_person_should_know_is_logged_if_nobody_listens(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus = Bus()
    bus.publish(Pushed(project="iris", commits=1, head="0" * 40))
    assert not caplog.records
    bus.publish(Notice(text="the remote is offline"))
    bus.publish(Skipped(key=IRIS, error=NotFoundError("it was unreadable")))
    assert [record.message for record in caplog.records] == [
        "the remote is offline",
        "skipped the project 'iris': it was unreadable",
    ]
    bus.subscribe(Notice, lambda event: None)
    bus.publish(Notice(text="again"))
    assert len(caplog.records) == 2


def test_subscribers_live_until_they_unsubscribe_and_not_longer() -> None:
    bus, heard = Bus(), []

    class Listener:
        def __call__(self, event: Event) -> None:
            heard.append(event)

    unsubscribe = bus.subscribe(Stored, Listener())
    gc.collect()
    bus.publish(Stored(key=IRIS, revision="1"))
    unsubscribe()
    unsubscribe()
    bus.publish(Stored(key=IRIS, revision="2"))
    assert [event.revision for event in heard] == ["1"]


def test_what_cannot_be_told_anything_is_refused() -> None:
    bus = Bus()
    for event, subscriber in ((Notice, None), ("Notice", print), (int, print)):
        with pytest.raises(InvalidInputError, match="a type of event and a function"):
            bus.subscribe(event, subscriber)  # type: ignore[type-var, arg-type]


def test_the_same_function_may_subscribe_twice_and_leave_once() -> None:
    bus, heard = Bus(), []
    first = bus.subscribe(Notice, heard.append)
    bus.subscribe(Notice, heard.append)
    first()
    bus.publish(Notice(text="once"))
    assert len(heard) == 1
