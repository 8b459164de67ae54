"""Calls that meet trouble: what is on the wire, and a server that is busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest

from padre_git.errors import RemoteUnavailableError
from padre_git.hosts import Bounds, Client
from tests.hosts.conftest import TOKEN
from tests.hosts.listening import Handler, Listener, say_nothing
from tests.hosts.test_calls import VERBS, whole
from tests.servers.processes import nobody
from tests.waiting import quickest


def drip(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not handler.listener.over.wait(0.1):
        handler.wfile.write(b"x")


def drip_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not handler.listener.over.wait(0.1):
        handler.wfile.write(b"x")


def cut(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    handler.close_connection = True


def garble(handler: Handler) -> None:
    handler.wfile.write(b"\x00\xffSSH-2.0\r\n\r\n")
    handler.close_connection = True


def lie(handler: Handler) -> None:
    handler.say(200, b"not packed", Content_Encoding="gzip")


@pytest.mark.parametrize("trouble", [drip, drip_headers, say_nothing, cut, garble, lie])
def test_trouble_on_the_wire_is_bounded_and_told(
    hasty: Client, host: Listener, trouble: Callable[[Handler], None]
) -> None:
    hasty.has_token()
    host.answers["/lab/page"] = trouble
    with pytest.raises(RemoteUnavailableError) as caught:
        hasty.get("page")  # else it would go on until the server ends
    assert TOKEN not in whole(caught.value)


def test_no_thread_stays_when_a_call_is_given_up(hasty: Client, host: Listener) -> None:
    host.answers["/lab/page"] = drip_headers
    with pytest.raises(RemoteUnavailableError):
        hasty.get("page")
    for thread in threading.enumerate():
        if thread.name == "padre-git-http":
            thread.join(30)
            assert not thread.is_alive()


def test_nobody_there_is_unavailable() -> None:
    with nobody() as port:
        for url in (f"http://127.0.0.1:{port}", "http://no-such-host.invalid"):
            client = Client(url)
            with pytest.raises(RemoteUnavailableError):
                client.get("page")
            assert not client.online


def is_online(client: Client) -> bool:
    return client.online


def test_online_asks_each_time_and_not_for_long(client: Client, host: Listener) -> None:
    assert is_online(client), "a page that is not there is an answer"
    host.answers["/lab"] = say_nothing
    answers: list[bool] = []
    assert quickest(lambda: answers.append(is_online(client)), enough=3.5) < 3.5
    assert not any(answers)
    host.on("/lab", 503)
    assert not is_online(client)
    host.on("/lab", 401)
    assert is_online(client)
    assert not host.heard("authorization"), "nobody is told who asks"


# -- again, where the server says so ----------------------------------------------------------


def when(text: str, status: int = 429) -> Callable[[Handler], None]:
    return lambda handler: handler.say(status, None, Retry_After=text)


def good(handler: Handler) -> None:
    handler.say(200, {"good": True})


@pytest.mark.parametrize("verb", VERBS)
def test_a_busy_server_is_asked_again_when_it_says(
    client: Client, host: Listener, verb: str
) -> None:
    def call() -> None:
        host.in_turn("/lab/page", when("1"), good)
        assert getattr(client, verb)("page").json() == {"good": True}

    assert 1 <= quickest(call, enough=1.5) < 1.5


def test_a_date_is_understood_too(host: Listener) -> None:
    client = Client(f"{host.url}/lab")
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    host.in_turn("/lab/page", when(soon, 503), good)
    assert client.get("page").status == 200
    assert datetime.now(UTC) >= parsedate_to_datetime(soon)


@pytest.mark.parametrize("text", ["60", "99999999999999999999", "soon", "-1x", "1e3", "Fri, 99"])
def test_a_wait_that_is_long_or_nonsense_is_told(client: Client, host: Listener, text: str) -> None:
    host.in_turn("/lab/page", when(text), good)
    begun = time.monotonic()
    with pytest.raises(RemoteUnavailableError) as caught:
        client.get("page")
    assert time.monotonic() - begun < 20, "it has waited"
    assert text in str(caught.value.hint)


def test_a_server_that_is_always_busy_is_given_up(client: Client, host: Listener) -> None:
    host.answers["/lab/page"] = when("0")
    with pytest.raises(RemoteUnavailableError):
        client.get("page")
    assert len([a for a in host.asked if a.path == "/lab/page"]) == 4


def test_a_post_is_not_sent_twice_after_503(client: Client, host: Listener) -> None:
    host.in_turn("/lab/page", when("0", 503), good)
    with pytest.raises(RemoteUnavailableError):
        client.post("page", json=1)
    assert len([a for a in host.asked if a.path == "/lab/page"]) == 1


def test_the_bounds_are_the_callers(host: Listener) -> None:
    host.answers["/page"] = say_nothing
    begun = time.monotonic()
    with pytest.raises(RemoteUnavailableError):
        Client(host.url, bounds=Bounds(read=0.3)).get("page")
    assert time.monotonic() - begun < 20, "its own patience is 30 s"
