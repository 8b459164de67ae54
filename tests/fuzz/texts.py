"""Texts that people and servers write: addresses, references, queries, git's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress

from padre_git.errors import InvalidInputError, PadreGitError
from padre_git.model import Key, Kind, Run
from padre_git.services.fields import Reader
from padre_git.services.query import condition_of
from padre_git.services.spelling import parse_url, pieces_of, spelled_out, that_fit, what_is_near
from padre_git.vcs.failures import Answer, failure, readable, rejection
from padre_git.vcs.progress import step_of
from padre_git.vcs.remotes import RemoteLocation, without_user
from tests.fuzz.draw import Draw

__all__ = [
    "check_place",
    "check_query",
    "check_reference",
    "check_words",
    "place_seeds",
    "query_seeds",
    "reference_seeds",
    "word_seeds",
]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# ------------------------------------------------------------------------------------ places


def place_seeds() -> Iterator[bytes]:
    """Yields remotes as people write them, and as nobody should."""
    for text in (
        "/srv/lab", "~/lab", "lab.git", "../lab/iris.git", "git@host:lab", "host:lab/iris.git",
        "ssh://git@host:22/lab", "https://host/lab-{project}.git", "https://u:p@host/x",
        "https://tok@host/x.git", "file:///srv/a%20b", "file://other/x", "ext::sh -c id",
        "-oProxyCommand=id", "ssh://-oProxyCommand=id/x", "host:-x", "http://[::1]:80/x",
        "http://[a", "http://a:b:c/x", "https://host:99999/x", "{project}", "a{b}c", "~nobody/x",
        "https://host/x?y=z", "https://host/x#y", "file:///%00", "https://ho\u2100st/x", "\x1b[0m",
    ):  # fmt: skip
        yield text.encode()


def check_place(data: bytes) -> None:
    """A remote is refused, or nothing in it is an option, a program or a secret."""
    try:
        place = RemoteLocation.parse(_text(data))
    except InvalidInputError:
        return
    url = place.url(place.only or "iris")
    assert url is not None
    assert not url.startswith("-")
    assert not re.match(r"[A-Za-z0-9+.-]*::", url), "a program"
    assert url.isprintable()
    assert not re.match(r"(?i)(https?|git|file)://[^/]+@", url), "a user name where none may be"
    assert not re.match(r"(?i)[a-z]+://[^/]*:[^/@]*@", url), "a password"
    public = place.public_url(place.only or "iris") or ""
    assert "@" not in public.partition("://")[2].partition("/")[0]
    assert without_user(public) == public
    if url.endswith(".git"):
        again = RemoteLocation.parse(url, project=place.only or "iris")
        assert again.url(place.only or "iris") == url
    key = Key.project_named(place.only or "iris").experiment("svm")
    with suppress(InvalidInputError):
        address = place.record_url(key)
        assert address is None or place.key_of(address) == key, address
    assert place.data_url(key.project) is None or place.data_url(key.project)


# -------------------------------------------------------------------------------- references

_SVM = Key.project_named("iris").experiment("svm")
_KEYS = [
    Key.project_named("iris"),
    _SVM,
    Key.project_named("iris").dataset("svm"),
    _SVM.execution("x-0123456789ab"),
    _SVM.run("r-20261121t101500-k3v9x2m7q4tz"),
    _SVM.run("r-20261121t101500-k3v9x2m7q4t0"),
]


def reference_seeds() -> Iterator[bytes]:
    """Yields references."""
    for kind in range(len(Kind)):
        for text in (
            "iris", "iris/svm", "k3v9x2", "iris/svm/k3v9x2", "iris/experiments/svm", "r-2026",
            "https://host/lab/iris.git#experiments/svm", "host:iris.git", "../x", "iris//svm", "",
            "iris/experiments/svm/runs/2026-11/r-20261121t101500-k3v9x2m7q4tz", "a" * 300,
        ):  # fmt: skip
            yield bytes([kind]) + text.encode()


def check_reference(data: bytes) -> None:
    """A reference is refused by a typed error, or means keys of its kind."""
    draw = Draw(data)
    kind = draw.one(list(Kind))
    text = _text(draw.rest())
    target = parse_url(text)
    if target is not None:
        assert isinstance(target.reference, str)
    try:
        key = spelled_out(text, kind)
        assert key is None or key.kind is kind
        if key is not None:
            assert Key.parse(key.text) == key
        pieces, deepest = pieces_of(text, kind)
    except InvalidInputError:
        return
    assert 0 < len(pieces) <= deepest
    keys = [k for k in _KEYS if k.kind is kind]
    assert set(that_fit(keys, pieces)) <= set(keys)
    assert what_is_near(text, keys, kind)


# ----------------------------------------------------------------------------------- queries

_RUN = Run(
    execution=_KEYS[3],
    id="r-20261121t101500-k3v9x2m7q4tz",
    title="first",
    parameters={"C": 10, "a": {"b": True}, "l": [1, "x"]},
    metrics={"acc": 0.5, "top 5": float("nan")},
    tags={"best": "", "table": "2"},
)
_READER = Reader(Run)


def query_seeds() -> Iterator[bytes]:
    """Yields queries."""
    for text in (
        "metrics.acc > 0.9 and parameters.C in (1, 10) or not status = failed",
        "params.a.b = true", 'metrics."top 5" >= nan', "title ~ '^fi.*t$'", "title !~ x",
        "tags.best", "started > 2026-11-21T10:15:00Z", "((((title))))", "title = null",
        "started < '2026-13-45'", "not in (", "params.C = 1e999", "params.C = ١٢٣",
        "title ~ '(a+)+$'",
        "title ~ 'a{99999999999}'", "params.C != " + "9" * 30, 'title = "\\"x\\\\"', "duration > 1",
        "title ~ " + "(" * 40 + "a" + ")" * 40, "params.C = " + "1" * 4400,
    ):  # fmt: skip
        yield text.encode()


def check_query(data: bytes) -> None:
    """A query is refused by an error that shows where, or answers of any run."""
    text = _text(data)
    with_patterns = "~" in text
    try:
        condition = condition_of(text, _READER)
    except InvalidInputError:
        return
    if condition is None or (with_patterns and len(text) > 60):
        return  # a person's own regular expression may take as long as it likes
    assert condition(_RUN) in (True, False)


# ------------------------------------------------------------------------------- git's words


def word_seeds() -> Iterator[bytes]:
    """Yields what git and servers print."""
    for text in (
        "remote: Counting objects: 100% (5/5), done.",
        "Receiving objects:  45% (9/20), 1.20 MiB | 3.00 MiB/s",
        "remote: Enumerating objects: 5",
        "fatal: unable to access 'https://u:p@host/x/': Could not resolve host: host",
        "fatal: Authentication failed for 'https://u:secret@host/x'",
        "remote: \x1b]0;title\x07\x1b[31mred\x1b[0m\nremote: error: denied\nTo host\n",
        "error: object " + "a" * 40 + ": badDate: invalid\nfatal: fsck error in packed object",
        "fatal: protocol error: bad line length character: HTTP",
        "fatal: early EOF\nfatal: the remote end hung up unexpectedly",
        "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413",
        "Host key verification failed.",
        "\x9b31m\x90x\x9c\x9dy\x07",
    ):
        yield text.encode()


_URLS = ("https://host/lab/iris.git", "file:///nowhere/lab/iris.git", "git@host:lab/iris.git")
_NO_MEANING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def check_words(data: bytes) -> None:
    """Whatever is printed becomes an error that can be shown: bounded, no escapes, no secrets."""
    draw = Draw(data)
    url, late = draw.one(_URLS), draw.flag()
    text = draw.rest().decode("utf-8", "replace")
    done = Answer(code=1, out="", error=text, late=late)
    for error in (failure(done, url), rejection(done, text[:200])):
        assert isinstance(error, PadreGitError)
        assert len(error.message) < 3000
        assert _NO_MEANING.search(error.message) is None, error.message
        assert re.search(r"://[^/\s@]+@", error.message) is None, error.message
    for line in text.splitlines():
        assert readable(line).isprintable()
        step = step_of(line)
        if step is not None:
            assert step.done >= 0
            assert json.dumps(step.what)
