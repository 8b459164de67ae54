"""Generic calls: what is sent, what comes back, and what a stranger on the wire cannot do."""

from __future__ import annotations

import contextlib
import gzip
import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.util import parse_url

from padre_git.errors import (
    AlreadyExistsError,
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PadreGitError,
    RemoteError,
    RemoteUnavailableError,
    RemoteUntrustedError,
    UnsupportedError,
)
from padre_git.hosts import Client
from padre_git.vcs.credentials import origin_of
from tests.hosts.conftest import TOKEN, named
from tests.hosts.listening import Listener, certificate, listening

VERBS = ["get", "post", "put", "patch", "delete"]


def whole(error: BaseException) -> str:
    """Returns all that a traceback with local variables shows of us, and of what it came from."""
    left, seen = [error], ""
    for one in left:
        shown = traceback.TracebackException.from_exception(one, capture_locals=True)
        seen += "".join(shown.format_exception_only()) + repr(vars(one))
        seen += "".join(str(f.locals) for f in shown.stack if "/tests/" not in f.filename)
        left += [other for other in (one.__context__, one.__cause__) if other is not None]
    return seen


@pytest.mark.parametrize("verb", VERBS)
def test_a_call_tells_the_host_who_we_are(client: Client, host: Listener, verb: str) -> None:
    host.on("/lab/page", 200, {"a": 1})
    response = getattr(client, verb)("page")
    assert (response.status, response.json()) == (200, {"a": 1})
    asked = host.asked[-1]
    assert (asked.method, asked.path) == (verb.upper(), "/lab/page")
    assert asked.headers["authorization"].startswith("Basic ")
    assert "cookie" not in asked.headers


def test_paths_queries_and_bodies_arrive(client: Client, host: Listener) -> None:
    host.otherwise = lambda handler: handler.say(200, {})
    client.get("a b/ü".replace(" ", "%20"), query={"q": "x y", "n": [1, 2], "none": None})
    assert host.asked[-1].path == "/lab/a%20b/%C3%BC?q=x+y&n=1&n=2"
    client.get("/root?x=1", query={"y": 2})
    assert host.asked[-1].path == "/root?x=1&y=2"
    client.get(f"{host.url}/full")
    assert host.asked[-1].path == "/full"
    client.post("page", json={"a": None}, headers={"X-Two": "2"})
    assert json.loads(host.asked[-1].body) == {"a": None}
    assert host.asked[-1].headers["content-type"] == "application/json"
    assert host.asked[-1].headers["x-two"] == "2"
    client.put("page", data=b"\0\1")
    assert host.asked[-1].body == b"\0\1"


@pytest.mark.parametrize(
    "path",
    ["http://example.org/x", "//example.org/x", "https://127.0.0.1/x", "ada@x", "a b", "a\nb",
     "\\\\example.org", "file:///etc/passwd", "http://{host}@example.org/", "http://["],
)  # fmt: skip
def test_what_is_not_of_this_host_is_not_asked(client: Client, host: Listener, path: str) -> None:
    with pytest.raises(InvalidInputError):
        client.get(path.replace("{host}", host.url.partition("://")[2]))
    assert not [asked for asked in host.asked if asked.path != "/api"]


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "x"}, {"Cookie": "x"}, {"Host": "x"}, {"A:": "x"}, {"A": "x\r\nB: y"},
     {"A": "ü"}, {"": "x"}],
)  # fmt: skip
def test_headers_that_are_ours_or_none_are_refused(client: Client, headers: Any) -> None:
    with pytest.raises(InvalidInputError):
        client.get("page", headers=headers)


def test_a_body_is_one_thing_that_can_be_sent(client: Client) -> None:
    for wrong in ({"json": 1, "data": b"1"}, {"json": {1, 2}}, {"json": float("nan")}):
        with pytest.raises(InvalidInputError):
            client.post("page", **wrong)


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, InvalidInputError), (401, AuthenticationError), (403, AuthenticationError),
     (404, NotFoundError), (409, AlreadyExistsError), (410, NotFoundError),
     (418, RemoteError), (422, InvalidInputError), (429, RemoteUnavailableError),
     (500, RemoteUnavailableError), (502, RemoteUnavailableError), (599, RemoteUnavailableError)],
)  # fmt: skip
def test_a_status_is_an_error_of_ours_with_the_hosts_words(
    client: Client, host: Listener, status: int, error: type[PadreGitError]
) -> None:
    host.on("/lab/page", status, {"message": f"\x1b[31mno\x1b[0m way, {TOKEN}\nreally"})
    with pytest.raises(error, match=f"answered {status}: no way, …; really") as caught:
        client.get("page")
    assert type(caught.value) is error
    assert TOKEN not in whole(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b'{"a"', b"[" * 90_000, b"\xff"])
def test_words_that_are_none_do_no_harm(client: Client, host: Listener, body: bytes) -> None:
    host.on("/lab/page", 400, body, Content_Type="application/json")
    with pytest.raises(InvalidInputError, match=r"answered 400$"):
        client.get("page")
    host.on("/lab/page", 200, body)
    with pytest.raises(RemoteError, match="is not JSON"):
        client.get("page").json()


def test_an_answer_is_bounded_also_when_it_is_packed(client: Client, host: Listener) -> None:
    host.on("/lab/page", 200, b"x" * 100_001)
    with pytest.raises(RemoteError, match="larger than 100000 bytes"):
        client.get("page")
    host.on("/lab/page", 200, gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip")
    with pytest.raises(RemoteError, match="larger than 100000 bytes"):
        client.get("page")
    host.on("/lab/page", 200, gzip.compress(b"good"), Content_Encoding="gzip")
    assert client.get("page").text == "good"


# -- redirects --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_read_is_sent_on_within_the_host_with_everything(
    client: Client, host: Listener, status: int
) -> None:
    host.on("/lab/old", status, None, Location="../page?x=1")
    host.on("/page", 200, {"good": True})
    assert client.get("old", headers={"X-Key": "1"}).json() == {"good": True}
    assert host.asked[-1].path == "/page?x=1"
    assert host.asked[-1].headers["authorization"]
    assert host.asked[-1].headers["x-key"] == "1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_host_learns_nothing(
    client: Client, host: Listener, elsewhere: Listener, status: int
) -> None:
    host.on("/lab/old", status, None, Location=f"{elsewhere.url}/page", Set_Cookie="a=b")
    response = client.get("old", headers={"X-Key": TOKEN}, query={"q": 1})
    assert response.json() == {"from": "elsewhere"}
    assert response.url.startswith(elsewhere.url)
    (asked,) = elsewhere.asked
    assert set(asked.headers) <= {"host", "accept", "user-agent", "accept-encoding", "connection"}
    assert TOKEN not in str(asked)


@pytest.mark.parametrize(
    "location",
    [
        "http://ada:pw@{there}/page",
        "//{there}/page",
        "http:\\\\{there}/page",
        "{back}",
        "http://{there}\\@{host}/page",
        "http://{there}\\.{host}/page",
        "http://{there}#@{host}/page",
        "http://{there}?@{host}/page",
        "http://{host}@{there}/page",
        "/\\{there}/page",
        "http:/\t/{there}/page",
        "http://{host}\t@{there}/page",
        "///{there}/page",
    ],
)
def test_a_crafted_redirect_gains_nothing(
    client: Client, host: Listener, elsewhere: Listener, location: str
) -> None:
    there = elsewhere.url.removeprefix("http://")
    host.on("/lab/page", 200, {})
    elsewhere.on("/back", 302, None, Location=f"{host.url}/lab/page")
    known = host.url.removeprefix("http://")
    place = location.format(there=there, host=known, back=f"{elsewhere.url}/back")
    host.on("/lab/old", 302, None, Location=place)
    with contextlib.suppress(NotFoundError, RemoteError):
        client.get("old", headers={"X-Key": TOKEN})
    assert TOKEN not in str(elsewhere.asked)
    assert not elsewhere.heard("authorization")
    returned = [a for a in host.asked if a.path == "/lab/page"]
    assert not [a for a in returned if "authorization" in a.headers], "it came back as a stranger"


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://x/", "javascript:1", "http://["])
def test_a_redirect_to_no_host_is_refused(client: Client, host: Listener, place: str) -> None:
    host.on("/lab/old", 302, None, Location=place)
    with pytest.raises(RemoteError, match="no HTTP address"):
        client.get("old")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_body_is_sent_on_only_where_that_is_meant(
    client: Client, host: Listener, elsewhere: Listener, status: int
) -> None:
    host.on("/lab/page", 201, {})
    host.on("/lab/old", status, None, Location="page")
    host.on("/lab/away", status, None, Location=f"{elsewhere.url}/page")
    with pytest.raises(RemoteError, match="where a POST is not sent again"):
        client.post("away", json={"secret": TOKEN})
    assert elsewhere.asked == []
    if status in {307, 308}:
        assert client.post("old", json={"a": 1}).status == 201
        assert host.asked[-1].body == b'{"a": 1}'
    else:
        with pytest.raises(RemoteError, match="not sent again"):
            client.post("old", json={"a": 1})
    host.on("/lab/old", 303, None, Location="page")
    client.post("old", json={"a": 1})
    assert (host.asked[-1].method, host.asked[-1].body) == ("GET", b"")


def test_a_circle_ends(client: Client, host: Listener) -> None:
    host.on("/lab/old", 302, None, Location="old")
    with pytest.raises(RemoteError, match="more than 5 times"):
        client.get("old")


def test_an_error_at_the_other_host_does_not_show_the_address_whole(
    client: Client, host: Listener, elsewhere: Listener
) -> None:
    host.on("/lab/old", 307, None, Location=f"{elsewhere.url}/page?token={TOKEN}")
    with pytest.raises(RemoteError) as caught:
        client.post("old")
    assert TOKEN not in str(caught.value)


# -- encryption and proxies -------------------------------------------------------------------


def test_a_host_that_cannot_prove_who_it_is_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path)
    with listening(tls=pem) as host, listening() as plain:
        host.on("/page", 200, {"good": True})
        host.on("/old", 302, None, Location=f"{plain.url}/page")
        client = Client(host.url, named=named)
        with pytest.raises(RemoteUntrustedError, match="cannot prove who it is") as caught:
            client.get("page")
        assert "SSL_CERT_FILE" in str(caught.value.hint)
        assert host.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "only.crt"))
        client = Client(host.url, named=named)
        assert client.get("page").json() == {"good": True}
        with pytest.raises(RemoteError, match="is not encrypted"):
            client.get("old")
        assert plain.asked == []


def test_a_proxy_is_used_as_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, host: Listener
) -> None:
    with listening() as proxy:
        proxy.otherwise = lambda handler: handler.say(200, {"by": "proxy"})
        there = proxy.url.removeprefix("http://")
        monkeypatch.setenv("http_proxy", f"http://ada:{TOKEN}@{there}")
        client = Client("http://git.example.org/lab")
        assert client.get("page").json() == {"by": "proxy"}
        assert proxy.asked[-1].path == "http://git.example.org/lab/page"
        assert proxy.asked[-1].headers["proxy-authorization"].startswith("Basic ")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        host.on("/page", 200, {"by": "host"})
        assert Client(host.url).get("page").json() == {"by": "host"}
        assert not host.heard("proxy-authorization")
    with pytest.raises(RemoteUnavailableError) as caught:
        client.get("page")
    assert TOKEN not in whole(caught.value)
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(InvalidInputError, match="none for HTTP"):
        client.get("page")


def test_a_netrc_is_nobodys_business(
    host: Listener, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_home / ".netrc").write_text(f"machine 127.0.0.1 login ada password {TOKEN}\n")
    host.on("/page", 200, {})
    Client(host.url).get("page")
    assert not host.heard("authorization")


@given(
    st.text(st.sampled_from("ab:/@\\?#[]%.2 \t1é;&"), max_size=20),
    st.sampled_from(["http://", "//", "/", "", "http:", "\\\\"]),
)
@settings(max_examples=400, deadline=None)
def test_no_path_leads_away_and_all_programs_agree_where_it_leads(text: str, head: str) -> None:
    client = Client("http://127.0.0.1:9/lab")
    try:
        url = client._address(head + text, None)
    except InvalidInputError:
        return
    assert origin_of(url) == client.origin
    seen = parse_url(url)
    assert (seen.scheme, seen.host, seen.port, seen.auth) == ("http", "127.0.0.1", 9, None)


# -- the client itself ------------------------------------------------------------------------


def test_a_client_hides_what_it_knows(client: Client, host: Listener) -> None:
    host.on("/lab/page", 200, {})
    client.get("page")
    assert repr(client) == f"Client('{host.url}/lab')"
    with pytest.raises(UnsupportedError, match="not pickled"):
        pickle.dumps(client)


@pytest.mark.parametrize(
    "url",
    ["/srv/lab", "ssh://host/lab", "git@host:lab", "git://host/lab", "file:///srv/lab", "ftp://x",
     "https://ada:pw@host/lab", "https://ada@host/lab", "https://host/lab?token=x", ""],
)  # fmt: skip
def test_only_an_http_address_without_a_secret_makes_a_client(url: str) -> None:
    with pytest.raises(InvalidInputError):
        Client(url)


@pytest.mark.parametrize(
    ("url", "begin"),
    [("https://h.example/lab", "https://h.example/lab"),
     ("https://h.example/lab/", "https://h.example/lab"),
     ("https://h.example/lab/x-{project}.git", "https://h.example/lab"),
     ("https://h.example/lab/iris.git", "https://h.example/lab"),
     ("https://h.example:8443", "https://h.example:8443")],
)  # fmt: skip
def test_paths_begin_where_repositories_are(url: str, begin: str) -> None:
    assert Client(url).url == begin
