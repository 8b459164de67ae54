"""A proxy on loopback that troubles the connections which go through it."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import random
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from types import TracebackType
from typing import Any, Self

from tests.servers.trouble import Kind, Trouble, Way, draw

__all__ = ["Connection", "Proxy", "Trouble"]

_CHUNK = 1 << 16
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing throws away what is unsent, and resets


class _Over(Exception):
    """Ends both ways of a connection."""


@dataclasses.dataclass
class Connection:
    """Tells what became of one connection.

    Attributes:
        trouble: what it was given.
        struck: whether it got as far as the trouble's place.
        sent: how many bytes arrived at the other end, by way.
    """

    trouble: Trouble
    struck: bool = False
    sent: dict[Way, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(Way, 0))


class Proxy:
    """Is a TCP proxy in a thread of its own, in front of one server.

    ``REFUSE`` and ``RESET`` end in a reset, ``CUT`` in an orderly end of both sides. ``STALL``
    keeps the connection and moves nothing until the client gives up. ``LOSE_REPLY`` sends
    everything to the server, drops its answer and closes once the answer has been silent for
    `quiet` seconds. ``GARBLE`` changes one byte and goes on.

    Attributes:
        port: where it listens, on 127.0.0.1.
        trouble: what the next connections get; None draws it for each by `rate`.
        rate: the share of connections that get trouble if it is drawn.
        connections: every connection so far, in the order they came.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        seed: int | None = None,
        rate: float = 0.0,
        quiet: float = 0.3,
    ) -> None:
        self.trouble: Trouble | None = Trouble.NONE if seed is None else None
        self.rate = rate
        self.connections: list[Connection] = []
        self._target = (host, port)
        self._quiet = quiet
        self._chance = random.Random(seed)
        self._scripted: collections.deque[Trouble] = collections.deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def script(self, *troubles: Trouble) -> None:
        """Gives the next connections one trouble each, whatever comes after them."""
        self._scripted.extend(troubles)

    def drop(self) -> None:
        """Ends every connection there is."""
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result(10)

    def close(self) -> None:
        """Ends every connection and stops to listen; a second time does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        self._loop.add_reader(self._listener, self._accept)
        try:
            self._loop.run_forever()
        finally:
            self._loop.remove_reader(self._listener)
            self._loop.run_until_complete(self._drop())
            self._listener.close()
            self._loop.close()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            client, _ = self._listener.accept()
            task = self._loop.create_task(self._serve(client, self._next()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            # a task that is cancelled before its first step has no chance to close anything
            task.add_done_callback(lambda _: client.close())

    def _next(self) -> Connection:
        if self._scripted:
            trouble = self._scripted.popleft()
        elif self.trouble is not None:
            trouble = self.trouble
        else:
            trouble = draw(self._chance, self.rate)
        connection = Connection(trouble)
        self.connections.append(connection)
        return connection

    async def _drop(self) -> None:
        ended = list(self._tasks)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    async def _serve(self, client: socket.socket, connection: Connection) -> None:
        server = socket.socket()
        with client, server:
            server.setblocking(False)
            client.setblocking(False)
            if connection.trouble.kind is Kind.REFUSE:
                connection.struck = True
                _reset(client)
                return
            with contextlib.suppress(_Over, OSError):
                await self._loop.sock_connect(server, self._target)
                await _Relay(client, server, connection, self._quiet).run()
                return
            if connection.struck and connection.trouble.kind is Kind.RESET:
                _reset(client)
                _reset(server)


class _Relay:
    """Moves the bytes of one connection both ways, until its trouble strikes."""

    def __init__(
        self, client: socket.socket, server: socket.socket, connection: Connection, quiet: float
    ) -> None:
        self._ends = {Way.UP: (client, server), Way.DOWN: (server, client)}
        self._connection = connection
        self._trouble = connection.trouble
        self._quiet = quiet
        self._left = {Way.UP: self._trouble.up, Way.DOWN: self._trouble.down}
        self._marked = not self._trouble.mark
        self._tail = b""
        self._dropped = False
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Ends when both sides have said all, or one has gone, or the trouble ends it."""
        if self._trouble.kind is Kind.NONE:
            self._left = dict.fromkeys(Way)
        ways = [asyncio.ensure_future(self._move(way)) for way in Way]
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _move(self, way: Way) -> None:
        source, target = self._ends[way]
        while data := await self._receive(way, source):
            for piece in self._pieces(way, data):
                await self._send(way, target, piece)
        if self._struck(Kind.STALL) and way is Way.DOWN:
            await asyncio.Event().wait()  # the client hears nothing of a server that gave up
        if self._struck(Kind.STALL) or (self._struck(Kind.LOSE_REPLY) and way is Way.DOWN):
            raise _Over
        target.shutdown(socket.SHUT_WR)

    async def _receive(self, way: Way, source: socket.socket) -> bytes:
        """Returns what comes next; nothing at the end, and after the end of a lost answer."""
        receiving = self._loop.sock_recv(source, _CHUNK)
        answered = way is Way.DOWN and self._dropped and self._struck(Kind.LOSE_REPLY)
        return await _within(receiving, self._quiet if answered else None)

    async def _send(self, way: Way, target: socket.socket, piece: bytes) -> None:
        """Sends what the trouble lets through."""
        if self._struck(Kind.STALL) or (way is Way.DOWN and self._struck(Kind.LOSE_REPLY)):
            self._dropped = self._dropped or bool(piece)
            return
        await self._loop.sock_sendall(target, piece)
        self._connection.sent[way] += len(piece)

    def _struck(self, *kinds: Kind) -> bool:
        return self._connection.struck and self._trouble.kind in kinds

    def _pieces(self, way: Way, data: bytes) -> Iterator[bytes]:
        """Yields a chunk in parts, and strikes between them."""
        if way is Way.UP and not self._marked:
            behind = self._find_mark(data)
            yield data[:behind]
            data = data[behind:]
        left = self._left[way]
        if self._connection.struck or not self._marked or left is None:
            yield data
            return
        self._left[way] = max(0, left - len(data))
        yield data[:left]
        # Every kind but this one strikes between two bytes.
        if len(data) > left or (len(data) == left and self._trouble.kind is not Kind.GARBLE):
            yield from self._strike(data[left:])

    def _find_mark(self, data: bytes) -> int:
        """Returns where in a chunk the mark has been sent; its end if it has not."""
        mark = self._trouble.mark
        seen = self._tail + data
        place = seen.find(mark)
        if place < 0:
            self._tail = seen[max(0, len(seen) - len(mark) + 1) :]
            return len(data)
        self._marked = True
        return place + len(mark) - len(self._tail)

    def _strike(self, rest: bytes) -> Iterator[bytes]:
        self._connection.struck = True
        if self._trouble.kind in (Kind.CUT, Kind.RESET):
            raise _Over
        if self._trouble.kind is Kind.GARBLE:
            rest = bytes([rest[0] ^ 0x10]) + rest[1:]
        yield rest


async def _within(receiving: Coroutine[Any, Any, bytes], seconds: float | None) -> bytes:
    """Returns what is received within a time, and nothing after it."""
    try:
        return await asyncio.wait_for(receiving, seconds)
    except TimeoutError:
        return b""


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
