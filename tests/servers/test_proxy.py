"""The proxy does to connections what it says, and nothing else."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.servers.processes import nobody
from tests.servers.proxy import Proxy, Trouble
from tests.servers.trouble import Kind, Way, draw
from tests.waiting import until

HELLO = b"hello, who is there? " * 4000


class Echo:
    """Is a server that answers a whole request, once the client has ended it, in reverse."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        request = bytearray()
        try:
            while data := client.recv(1 << 16):
                request += data
            client.sendall(bytes(reversed(request)))
        except OSError:
            pass
        self.heard.append(bytes(request))

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy("127.0.0.1", echo.port, quiet=0.1) as opened:
        yield opened


def ask(proxy: Proxy, request: bytes, seconds: float = 60) -> bytes:
    """Sends a request, ends it, and returns the whole answer."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=seconds) as end:
        end.sendall(request)
        try:
            end.shutdown(socket.SHUT_WR)
        except OSError as error:  # it is not connected any more
            raise ConnectionResetError from error
        answer = bytearray()
        while data := end.recv(1 << 16):
            answer += data
        return bytes(answer)


def test_without_trouble_every_byte_arrives_and_an_end_of_one_way_is_passed_on(
    proxy: Proxy, echo: Echo
) -> None:
    assert ask(proxy, HELLO) == bytes(reversed(HELLO))
    wait_for(echo, 1)
    assert echo.heard == [HELLO]
    assert [c.struck for c in proxy.connections] == [False]
    assert proxy.connections[0].sent == {Way.UP: len(HELLO), Way.DOWN: len(HELLO)}


def test_a_refused_connection_is_reset(proxy: Proxy, echo: Echo) -> None:
    proxy.trouble = Trouble.REFUSE
    with pytest.raises(ConnectionError):
        ask(proxy, HELLO)
    assert echo.heard == []


def test_a_cut_lets_so_many_bytes_up_and_ends_both_sides(proxy: Proxy, echo: Echo) -> None:
    proxy.trouble = Trouble.CUT(up=100)
    with contextlib.suppress(ConnectionError):  # what the client still sent found nobody
        assert ask(proxy, HELLO) == b""
    wait_for(echo, 1)
    assert echo.heard == [HELLO[:100]]


def test_a_cut_lets_so_many_bytes_down(proxy: Proxy, echo: Echo) -> None:
    proxy.trouble = Trouble.CUT(down=100)
    assert ask(proxy, HELLO) == bytes(reversed(HELLO))[:100]
    wait_for(echo, 1)
    assert echo.heard == [HELLO]


def test_a_reset_is_an_error_on_both_sides(proxy: Proxy) -> None:
    proxy.trouble = Trouble.RESET(up=10)
    with pytest.raises(ConnectionError):
        ask(proxy, HELLO)
    proxy.trouble = Trouble.RESET(down=10)
    with pytest.raises(ConnectionError):
        ask(proxy, HELLO)


def test_a_stall_is_silence_until_the_client_gives_up(proxy: Proxy, echo: Echo) -> None:
    proxy.trouble = Trouble.STALL(up=10)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.3) as end:
        end.sendall(HELLO)
        with pytest.raises(TimeoutError):
            end.recv(1)
        assert echo.heard == []
    wait_for(echo, 1)
    assert echo.heard == [HELLO[:10]]


def test_a_lost_reply_is_of_a_request_that_arrived(proxy: Proxy, echo: Echo) -> None:
    proxy.trouble = Trouble.LOSE_REPLY
    assert ask(proxy, HELLO) == b""
    wait_for(echo, 1)
    assert echo.heard == [HELLO]
    assert proxy.connections[0].sent == {Way.UP: len(HELLO), Way.DOWN: 0}


def test_a_connection_with_a_lost_reply_ends_though_the_server_keeps_it() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Proxy("127.0.0.1", listener.getsockname()[1], quiet=0.1) as proxy,
    ):
        proxy.trouble = Trouble.LOSE_REPLY(mark=b"POST")
        end = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
        server, _ = listener.accept()
        with end, server:
            talk(end, server)


def talk(end: socket.socket, server: socket.socket) -> None:
    end.sendall(b"GET one")
    assert server.recv(100) == b"GET one"
    server.sendall(b"first")
    assert end.recv(100) == b"first"
    end.sendall(b"PO")
    assert server.recv(100) == b"PO"
    end.sendall(b"ST two")
    assert server.recv(6, socket.MSG_WAITALL) == b"ST two"
    server.sendall(b"second")
    assert end.recv(100) == b""


def test_garbled_is_one_byte(proxy: Proxy, echo: Echo) -> None:
    proxy.trouble = Trouble.GARBLE(down=7)
    answer = ask(proxy, HELLO)
    whole = bytes(reversed(HELLO))
    assert [n for n, (a, b) in enumerate(zip(answer, whole, strict=True)) if a != b] == [7]
    wait_for(echo, 1)
    assert echo.heard == [HELLO]


@pytest.mark.parametrize("place", [0, 1, len(HELLO) - 1, len(HELLO)])
def test_garbled_is_the_byte_that_was_named_or_none(proxy: Proxy, echo: Echo, place: int) -> None:
    proxy.trouble = Trouble.GARBLE(up=place)
    ask(proxy, HELLO)
    wait_for(echo, 1)
    changed = [n for n, (a, b) in enumerate(zip(echo.heard[0], HELLO, strict=True)) if a != b]
    assert changed == [place][: int(place < len(HELLO))]


def test_a_mark_is_found_however_it_arrives_in_parts(echo: Echo) -> None:
    request = b"xxPPOST yyy"
    for size in range(1, len(request) + 1):
        with Proxy("127.0.0.1", echo.port) as proxy:
            proxy.trouble = Trouble.CUT(up=1, mark=b"POST ")
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as end:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    for at in range(0, len(request), size):
                        end.sendall(request[at : at + size])
                        time.sleep(0.002)
                except ConnectionError:
                    pass
            wait_for(echo, size)
        assert echo.heard[-1] == b"xxPPOST y", size


def test_a_script_comes_first_and_trouble_for_the_rest_after_it(proxy: Proxy) -> None:
    proxy.trouble = Trouble.NONE
    proxy.script(Trouble.CUT(down=1), Trouble.CUT(down=2))
    assert [len(ask(proxy, b"abc")) for _ in range(3)] == [1, 2, 3]


def test_the_same_seed_draws_the_same_troubles() -> None:
    def drawn(seed: int) -> list[Trouble]:
        chance = random.Random(seed)
        return [draw(chance, 0.5) for _ in range(400)]

    assert drawn(1) == drawn(1) != drawn(2)
    kinds = [trouble.kind for trouble in drawn(1)]
    assert set(kinds) == set(Kind)
    assert 150 < kinds.count(Kind.NONE) < 250
    assert {draw(random.Random(1), 0.0).kind} == {Kind.NONE}


def test_a_proxy_draws_for_itself_until_it_is_told(echo: Echo) -> None:
    with Proxy("127.0.0.1", echo.port, seed=1, rate=1.0, quiet=0.1) as proxy:
        for _ in range(6):
            with contextlib.suppress(OSError):
                ask(proxy, b"abc", seconds=0.3)
        assert Kind.NONE not in {connection.trouble.kind for connection in proxy.connections}
        proxy.trouble = Trouble.NONE
        assert ask(proxy, b"abc") == b"cba"


def test_many_connections_at_once_do_not_mix(proxy: Proxy) -> None:
    answers: dict[int, bytes] = {}

    def one(number: int) -> None:
        answers[number] = ask(proxy, str(number).encode() * 1000)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: str(n).encode()[::-1] * 1000 for n in range(20)}


def test_drop_ends_what_is_open(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as end:
        end.sendall(b"abc")
        while not proxy.connections or proxy.connections[0].sent[Way.UP] < 3:
            time.sleep(0.01)
        proxy.drop()
        assert end.recv(1) == b""


def test_closing_ends_everything_at_once_and_twice_does_no_harm(echo: Echo) -> None:
    threads = threading.active_count()
    proxy = Proxy("127.0.0.1", echo.port)
    proxy.trouble = Trouble.STALL
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as end:
        end.sendall(HELLO)
        proxy.close()  # nothing moves, so it would not end by itself
        proxy.close()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", proxy.port))
    assert threading.active_count() <= threads


def test_a_server_that_is_away_is_a_connection_that_ends() -> None:
    with (
        nobody() as port,
        Proxy("127.0.0.1", port) as proxy,
        contextlib.suppress(ConnectionError),
    ):
        assert ask(proxy, b"abc") == b""


def wait_for(echo: Echo, count: int) -> None:
    """Waits until the server has heard so many requests."""
    until(lambda: len(echo.heard) >= count, f"{echo.heard} is all")
