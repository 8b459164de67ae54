"""What goes wrong with a remote has a type, the server's own words, and advice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from padre_git.errors import (
    AuthenticationError,
    PadreGitError,
    RejectedError,
    RemoteError,
    RemoteMissingError,
    RemoteUnavailableError,
    RemoteUntrustedError,
    RepositoryError,
)
from padre_git.vcs.failures import Answer, failure, readable
from padre_git.vcs.transport import Outcome, fetch, push, remote_tip
from tests.conftest import git
from tests.servers import Server
from tests.servers.processes import needs, needs_root
from tests.servers.proxy import Proxy, Trouble
from tests.servers.tokens import TokenServer
from tests.vcs.odd_hosts import (
    SHORT,
    TRACKING,
    Odd,
    certificate,
    commit,
    new_clone,
    odd_host,
    proxied,
)

HTML = b"<html><title>Welcome to the lounge</title><body>\x1b[31mLog in!\x1b[0m</body></html>"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return new_clone(tmp_path / "clone")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthenticationError),
        (403, AuthenticationError),
        (407, AuthenticationError),
        (404, RemoteMissingError),
        (410, RemoteMissingError),
        (408, RemoteUnavailableError),
        (429, RemoteUnavailableError),
        (500, RemoteUnavailableError),
        (502, RemoteUnavailableError),
        (503, RemoteUnavailableError),
        (400, RemoteError),
    ],
)
def test_every_status_of_http_has_its_error(
    status: int, error: type[PadreGitError], clone: Path
) -> None:
    first = commit(clone, "one")
    odd = Odd(status, HTML, {"Content-Type": "text/html", "WWW-Authenticate": 'Basic realm="x"'})
    with odd_host(odd) as url:
        asks: list[Callable[[], object]] = [
            lambda: remote_tip(url, "main"),
            lambda: fetch(clone, url, "main", tracking=TRACKING),
            lambda: push(clone, url, first, "main"),
        ]
        for ask in asks:
            with pytest.raises(error) as caught:
                ask()
            assert type(caught.value) is error
            assert caught.value.message.isprintable()
            assert "127.0.0.1" in caught.value.message or "prompts" in caught.value.message


def test_a_missing_repository_may_be_one_that_is_hidden() -> None:
    with odd_host(Odd(404)) as url, pytest.raises(RemoteMissingError) as caught:
        remote_tip(url, "main")
    assert "credentials may not see" in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["text/html", "application/x-git-upload-pack-advertisement"])
@pytest.mark.parametrize("page", [HTML, HTML.replace(b"><", b">\n<") + b"\n"])
def test_a_web_page_is_no_repository_and_not_a_missing_one(
    kind: str, page: bytes, clone: Path
) -> None:
    with odd_host(Odd(200, page, {"Content-Type": kind})) as url:
        asks: list[Callable[[], object]] = [
            lambda: remote_tip(url, "main"),
            lambda: fetch(clone, url, "main", tracking=TRACKING),
        ]
        for ask in asks:
            with pytest.raises(RemoteUnavailableError, match="something else than git") as caught:
                ask()
            assert "log in first" in str(caught.value.hint)


def test_a_network_that_sends_everybody_to_its_portal_is_known() -> None:
    with odd_host(Odd(200, HTML, {"Content-Type": "text/html"})) as portal:
        elsewhere = portal.replace("/iris.git", "/login?next=x")
        with (
            odd_host(Odd(302, b"", {"Location": elsewhere})) as url,
            pytest.raises(RemoteUnavailableError, match="something else than git"),
        ):
            remote_tip(url, "main")


def test_a_push_that_is_too_large_for_the_server_is_refused_and_not_tried_for_ever(
    clone: Path,
) -> None:
    first = commit(clone, "one")
    words = b"001f# service=git-receive-pack\n0000"
    line = b"0" * 40 + b" capabilities^{}\0report-status delete-refs ofs-delta\n"
    body = words + f"{len(line) + 4:04x}".encode() + line + b"0000"
    odd = Odd(200, body, {"Content-Type": "application/x-git-receive-pack-advertisement"})

    with odd_host(odd) as url:
        # what comes after the list of refs is too large
        odd.asked = _Then(odd, 413)
        with pytest.raises(RejectedError, match="larger than the server takes"):
            push(clone, url, first, "main")


class _Then(list[str]):
    """Changes what is answered when the first request has come."""

    def __init__(self, odd: Odd, status: int) -> None:
        self._odd, self._status = odd, status

    def append(self, text: str) -> None:
        if text.startswith("POST"):
            self._odd.status, self._odd.body = self._status, b""
        super().append(text)


def test_a_certificate_that_nobody_knows_is_told_and_nothing_is_sent(tmp_path: Path) -> None:
    odd = Odd(200, HTML)
    with (
        odd_host(odd, certificate=certificate(tmp_path)) as url,
        pytest.raises(RemoteUntrustedError, match="certificate") as caught,
    ):
        remote_tip(url, "main")
    assert "sslCAInfo" in str(caught.value.hint)
    assert odd.asked == []


def test_speaking_tls_to_a_plain_server_is_an_error() -> None:
    with odd_host(Odd()) as url, pytest.raises(RemoteError):
        remote_tip(url.replace("http:", "https:"), "main")


def test_wrong_credentials_are_never_a_missing_repository(
    http_server: Server, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    http_server.create("iris")
    http_server.lend(monkeypatch)
    assert remote_tip(http_server.url("iris"), "main") is None
    monkeypatch.setenv("PADRE_TEST_SECRET", "wrong")
    for name in ("iris", "none"):
        with pytest.raises(AuthenticationError) as caught:
            remote_tip(http_server.url(name), "main")
        assert "wrong" not in str(caught.value)


def test_a_token_that_has_expired_is_an_error_of_credentials(
    token_server: TokenServer, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_server.create("iris")
    token_server.lend(monkeypatch)
    first = commit(clone, "one")
    assert push(clone, token_server.url("iris"), first, "main") is Outcome.LANDED
    token_server.tokens.revoke(token_server.secret)
    with pytest.raises(AuthenticationError):
        push(clone, token_server.url("iris"), commit(clone, "two"), "main")


def test_an_unknown_host_key_is_told_in_the_words_of_ssh(
    sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd.create("iris")
    known = tmp_path / "known_hosts"
    command = f"{sshd.environment['GIT_SSH_COMMAND']} -o UserKnownHostsFile={known}"
    monkeypatch.setenv("GIT_SSH_COMMAND", command)
    known.touch()
    with pytest.raises(RemoteUntrustedError, match="host key is known") as caught:
        remote_tip(sshd.url("iris"), "main")
    assert "connect once with ssh" in str(caught.value.hint)
    new = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", new], check=True)
    kind, key, *_ = new.with_suffix(".pub").read_text().split()
    known.write_text(f"[{sshd.host}]:{sshd.port} {kind} {key}\n")
    with pytest.raises(RemoteUntrustedError, match="HAS CHANGED") as caught:
        remote_tip(sshd.url("iris"), "main")
    assert "@@@" not in caught.value.message
    assert caught.value.message.isprintable()


def test_a_key_that_the_host_does_not_accept_is_an_error_of_credentials(
    sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd.create("iris")
    new = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", new], check=True)
    command = sshd.environment["GIT_SSH_COMMAND"]
    config = Path(command.split()[-1])
    text = config.read_text().replace("IdentityFile", "# IdentityFile")
    mine = tmp_path / "config"
    mine.write_text(text + f"\nHost *\n  IdentityFile {new}\n")
    monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -F {mine}")
    with pytest.raises(AuthenticationError, match="Permission denied"):
        remote_tip(sshd.url("iris"), "main")


def test_a_missing_repository_over_ssh_is_missing(
    sshd: Server, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd.lend(monkeypatch)
    with pytest.raises(RemoteMissingError):
        remote_tip(sshd.url("none"), "main")


@pytest.mark.parametrize("down", [3, 90, 700, 1500])
def test_bytes_that_were_garbled_on_the_way_are_an_error_and_change_nothing(
    down: int, nginx: Server, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nginx.create("iris")
    nginx.lend(monkeypatch)
    first = commit(clone, "one", os.urandom(3000))
    push(clone, nginx.url("iris"), first, "main")
    reader = new_clone(tmp_path / "reader")
    with Proxy(nginx.host, nginx.port) as proxy:
        for name in ("GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"):
            monkeypatch.setenv(name, os.environ[name].replace(str(nginx.port), str(proxy.port)))
        url = proxied(nginx.url("iris"), nginx.port, proxy.port)
        proxy.trouble = Trouble.GARBLE(down=down)
        with suppress(RemoteError):  # unless the byte was in a header that nobody reads
            assert fetch(reader, url, "main", tracking=TRACKING, terms=SHORT) == first
        proxy.trouble = Trouble.NONE
        assert fetch(reader, url, "main", tracking=TRACKING) == first


def test_a_directory_that_may_not_be_read_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "iris.git").mkdir(mode=0)
    needs("setpriv")
    like_anybody = ["setpriv", "--inh-caps=-all"]
    if os.geteuid() == 0:
        like_anybody.append("--bounding-set=-dac_override,-dac_read_search")
    script = (
        "import sys; from padre_git.vcs.transport import remote_tip\n"
        "try: remote_tip(sys.argv[1], 'main')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    command = [*like_anybody, sys.executable, "-c", script, f"file://{tmp_path}/iris.git"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("AuthenticationError")
    assert "no permission" in done.stdout


def test_a_repository_of_somebody_elses_is_told_with_what_to_do(tmp_path: Path) -> None:
    needs_root()
    git("init", "-q", "--bare", tmp_path / "iris.git", cwd=tmp_path)
    os.chown(tmp_path / "iris.git", 65534, 65534)
    with pytest.raises(AuthenticationError, match="dubious ownership") as caught:
        remote_tip(f"file://{tmp_path}/iris.git", "main")
    assert f"safe.directory '{tmp_path}/iris.git'" in str(caught.value.hint)


def test_a_full_disk_here_is_told_apart_from_one_there(clone: Path, tmp_path: Path) -> None:
    here = failure(Answer(128, "", "fatal: write error: No space left on device"), "file:///x.git")
    there = failure(
        Answer(1, "", "remote: fatal: write error: No space left on device\nfatal: hung up"),
        "file:///x.git",
    )
    assert isinstance(here, RepositoryError)
    assert isinstance(there, RemoteError)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("remote: \x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07words", "words"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP+q544e\x1b\\words", "words"),
        ("\x9b31mred\x9b0m", "red"),
        ("\x1b[2J\x1b[H\x07bell", "bell"),
        ("https://ada:secret@host/x", "https://host/x"),
        ("a\x08b\x7fc\u202ed", "a b c d"),
        ("\x1b", ""),
    ],
)
def test_words_of_a_server_cannot_drive_a_terminal(line: str, text: str) -> None:
    assert readable(line) == text


def test_a_long_answer_keeps_its_end() -> None:
    lines = "\n".join(f"line {number} of many" for number in range(10_000))
    words = Answer(1, "", f"{lines}\nfatal: it is over").words()
    assert len(words) < 2100
    assert words.endswith("fatal: it is over")


def test_a_git_that_this_machine_ends_is_no_fault_of_the_remote(clone: Path) -> None:
    small = ["bash", "-c", 'ulimit -f 0; exec git "$@"', "git"]
    commit(clone, "one")
    git("init", "-q", "--bare", clone.parent / "new.git", cwd=clone)
    done = subprocess.run(
        [*small, "fetch", "-q", clone.as_uri()], cwd=clone.parent / "new.git", capture_output=True
    )
    said = failure(Answer(done.returncode, "", done.stderr.decode()), clone.as_uri())
    assert isinstance(said, RepositoryError)
    assert "died of signal" in str(said)
    at_remote = failure(Answer(128, "", "remote: fatal: Out of memory"), "ssh://x/y.git")
    assert isinstance(at_remote, RemoteError)
