"""Authentication: who we are at each kind of host, and what the client then knows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyrings.alt.file import PlaintextKeyring

from padre_git.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    RemoteError,
    RemoteUnavailableError,
)
from padre_git.hosts import Client, Software
from padre_git.vcs.transport import Terms, remote_tip
from tests.conftest import git
from tests.hosts.conftest import TOKEN, named, named_user
from tests.hosts.forge import PASSWORD, Forge, forge
from tests.hosts.listening import Handler, Listener, listening, say_nothing
from tests.servers import Server
from tests.servers.tokens import Right, TokenServer

FORGES = ["github", "gitlab", "gitea"]


@pytest.fixture(params=FORGES)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forge]:
    with forge(request.param, tmp_path / "repositories") as made:
        yield made


@pytest.fixture
def gitea(tmp_path: Path) -> Iterator[Forge]:
    with forge("gitea", tmp_path / "repositories") as made:
        yield made


@pytest.mark.parametrize("prefix", ["", "/sub", "/sub/way"])
@pytest.mark.parametrize("software", FORGES)
def test_a_host_tells_what_it_is(tmp_path: Path, software: str, prefix: str) -> None:
    with forge(software, tmp_path, prefix) as host:
        server = Client(f"{host.url}/lab/deep").server
        assert (server.software, server.url) == (Software(software), host.url)
        assert str(server.api).startswith(f"{host.url}/api/v")
        assert bool(server.version) is (software != "gitlab"), "one tells it to members only"
        assert not host.listener.heard("authorization")


def test_a_host_without_an_api_is_plain(nginx: Server) -> None:
    server = Client(nginx.base).server
    assert (server.software, server.api) == (Software.PLAIN, None)


def test_the_api_of_one_host_is_known_to_be_elsewhere() -> None:
    server = Client("https://github.com/lab").server
    assert (server.software, server.api) == (Software.GITHUB, "https://api.github.com")


def test_a_token_is_proved_and_used(host: Forge) -> None:
    token = host.token()
    with Client(f"{host.url}/lab") as client:
        assert not client.has_token()
        assert not client.is_token_valid()
        client.authenticate(secret=token)
        assert client.has_token()
        assert client.is_token_valid()
        assert client.get_access_token() == token
        assert client.account().name == "ada"
        assert client.get(f"{client.server.api}/user").json()["id"] == 7
        host.create("lab/iris")
        told = Terms(login=client.login)
        assert remote_tip(f"{host.url}/lab/iris.git", "main", terms=told) is None
        host.tokens.clear()
        assert not client.is_token_valid(), "the host is asked each time"
        with pytest.raises(AuthenticationError):
            remote_tip(f"{host.url}/lab/iris.git", "main", terms=told)
    assert not client.has_token(), "closing forgets"


def test_a_token_that_does_not_tell_whose_it_is_is_good(host: Forge) -> None:
    with Client(f"{host.url}/lab") as client:
        client.authenticate("ada", host.token("write"))
        assert client.is_token_valid()
        assert client.account().name is None


def test_a_wrong_token_is_refused_and_not_kept(host: Forge) -> None:
    with Client(f"{host.url}/lab") as client:
        with pytest.raises(AuthenticationError, match="answered 401") as caught:
            client.authenticate("ada", "wrong-token")
        assert "authenticate again" in str(caught.value.hint)
        assert not client.has_token()
        assert client.login() is None
        good = host.token()
        client.authenticate(secret=good)
        with pytest.raises(AuthenticationError):
            client.authenticate(secret="wrong-token")
        assert not client.has_token(), "nor is the one before it"


def test_a_password_is_exchanged_for_a_token_which_goes_with_the_client(gitea: Forge) -> None:
    with Client(f"{gitea.url}/lab") as client:
        client.authenticate("ada", PASSWORD)
        (token,) = gitea.tokens
        login = client.login()
        assert login is not None
        assert login.secret == token
        assert client.is_token_valid()
        assert len(gitea.tokens) == 1
    assert gitea.tokens == {}


def test_a_fork_that_closes_its_client_leaves_the_token_to_its_parent(gitea: Forge) -> None:
    with Client(f"{gitea.url}/lab") as client:
        client.authenticate("ada", PASSWORD)
        child = os.fork()
        if child == 0:
            try:
                client.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert client.is_token_valid()
    assert gitea.tokens == {}


def test_a_token_that_was_asked_for_is_the_callers(gitea: Forge) -> None:
    with Client(f"{gitea.url}/lab") as client:
        client.authenticate("ada", PASSWORD)
        token = client.get_access_token()
    assert token in gitea.tokens


def test_authenticating_again_leaves_no_token_behind(gitea: Forge) -> None:
    with Client(f"{gitea.url}/lab") as client:
        for _ in range(3):
            client.authenticate("ada", PASSWORD)
            assert len(gitea.tokens) == 1
    assert gitea.tokens == {}


def test_a_host_that_is_away_at_the_end_does_not_disturb(tmp_path: Path) -> None:
    with forge("gitea", tmp_path) as host:
        client = Client(f"{host.url}/lab")
        client.authenticate("ada", PASSWORD)
    client.close()
    assert not client.has_token()


def test_a_host_that_is_silent_at_the_end_does_not_hold_us_up(gitea: Forge) -> None:
    client = Client(f"{gitea.url}/lab")
    client.authenticate("ada", PASSWORD)
    gitea.listener.otherwise = say_nothing
    client.close()  # else it would wait until the host ends


def test_credentials_for_a_host_that_is_away_are_kept(tmp_path: Path) -> None:
    with forge("github", tmp_path) as host:
        token, url = host.token(), host.url
    client = Client(f"{url}/lab")
    with pytest.raises(RemoteUnavailableError):
        client.authenticate(secret=token)
    with pytest.raises(RemoteUnavailableError):
        client.is_token_valid()
    login = client.login()
    assert login is not None
    assert login.secret == token


# -- servers without an API -------------------------------------------------------------------


def test_a_plain_server_is_asked_for_what_a_push_asks(http_server: Server) -> None:
    for url in (http_server.base, f"{http_server.base}/iris.git"):
        with Client(url) as client:
            client.authenticate(http_server.user, http_server.secret)
            assert client.is_token_valid()
            assert client.get_access_token() == http_server.secret
            assert client.online
            for user, secret in (("bob", http_server.secret), (http_server.user, "wrong")):
                with pytest.raises(AuthenticationError):
                    client.authenticate(user, secret)
    http_server.create("iris")
    with Client(f"{http_server.base}/iris.git") as client:
        client.authenticate(http_server.user, http_server.secret)
        found = client.get("iris.git/info/refs", query={"service": "git-upload-pack"})
        assert b"git-upload-pack" in found.body
        with pytest.raises(NotFoundError):
            client.get("no-such.git/info/refs")


def test_tokens_of_a_plain_server_are_good_until_they_are_not(token_server: TokenServer) -> None:
    token_server.create("iris")
    token = token_server.tokens.issue()
    with Client(token_server.base) as client:
        client.authenticate(secret=token)
        assert client.is_token_valid()
        told = Terms(login=client.login)
        assert remote_tip(token_server.url("iris"), "main", terms=told) is None
        token_server.tokens.revoke(token)
        assert not client.is_token_valid()
        with pytest.raises(AuthenticationError) as caught:
            remote_tip(token_server.url("iris"), "main", terms=told)
        assert token not in str(caught.value)
        client.authenticate(secret=token_server.tokens.issue(right=Right.READ))
        assert client.is_token_valid(), "it may read"


# -- where credentials come from --------------------------------------------------------------


def keep(nginx: Server, home: Path) -> None:
    """Lets git's own store have the password of a server."""
    kept = home / ".git-credentials"
    kept.write_text(f"http://{nginx.user}:{nginx.secret}@{nginx.host}:{nginx.port}\n")
    kept.chmod(0o600)
    git("config", "--global", "credential.helper", "store", cwd=home)


def test_gits_helpers_are_asked_without_a_prompt(
    nginx: Server, own_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    script = tmp_path / "askpass"
    script.write_text(f"#!/bin/sh\ntouch {asked}\necho wrong\n")
    script.chmod(0o755)
    monkeypatch.setenv("GIT_ASKPASS", str(script))
    monkeypatch.setenv("SSH_ASKPASS", str(script))
    assert not Client(nginx.base).has_token()
    with pytest.raises(AuthenticationError, match="no credentials for") as caught:
        Client(nginx.base).authenticate()
    assert "PADRE_TOKEN" in str(caught.value.hint)
    keep(nginx, own_home)
    with Client(nginx.base) as client:
        client.authenticate()
        assert client.get_access_token() == nginx.secret
        assert client.login() is None, "git has its own way to them"
    assert not asked.exists()
    assert nginx.secret in (own_home / ".git-credentials").read_text(), "still there"


def test_a_repository_around_us_does_not_name_helpers(
    nginx: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "-q", ".", cwd=tmp_path)
    git("config", "credential.helper", f"!touch {tmp_path}/ran; echo password=x; :", cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert not Client(nginx.base).has_token()
    assert not (tmp_path / "ran").exists()


def test_a_keyring_comes_after_gits_helpers(
    nginx: Server, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(own_home))
    before = keyring.get_keyring()
    keyring.set_keyring(PlaintextKeyring())
    try:
        keyring.set_password(f"http://{nginx.host}:{nginx.port}", nginx.user, nginx.secret)
        with Client(nginx.base, named=named_user(nginx.user)) as client:
            client.authenticate()
            login = client.login()
            assert login is not None
            assert (login.user, login.secret) == (nginx.user, nginx.secret)
        keep(nginx, own_home)
        with Client(nginx.base, named=named_user(nginx.user)) as client:
            assert client.login() is None
    finally:
        keyring.set_keyring(before)


def test_what_was_given_comes_before_what_is_found(nginx: Server, own_home: Path) -> None:
    keep(nginx, own_home)
    with Client(nginx.base, named=named) as client:
        login = client.login()
        assert login is not None
        assert login.secret == TOKEN, "the environment's"
        client.authenticate(nginx.user, nginx.secret)
        login = client.login()
        assert login is not None
        assert login.secret == nginx.secret


@pytest.mark.parametrize(
    ("user", "secret"), [("ada", None), ("a:b", "x"), ("ada", "x\ny"), ("ada", "")]
)
def test_half_of_it_proves_nothing(nginx: Server, user: str, secret: str | None) -> None:
    with pytest.raises(InvalidInputError):
        Client(nginx.base).authenticate(user, secret)


def test_a_server_that_says_secrets_aloud_is_not_repeated(
    host: Forge,
) -> None:
    secret = "hunter2hunter2"
    listener: Listener = host.listener
    answer = listener.otherwise
    page = f"/api/{ {'github': 'v3', 'gitlab': 'v4', 'gitea': 'v1'}[host.software] }/user"
    listener.answers[page] = lambda handler: handler.say(401, {"message": f"bad token {secret}"})
    with pytest.raises(AuthenticationError, match="bad token …"):
        Client(f"{host.url}/lab").authenticate(secret=secret)
    assert listener.otherwise is answer


def test_importing_the_client_is_cheap() -> None:
    code = (
        "import sys, padre_git.hosts; padre_git.hosts.Client('https://example.org/lab');"
        "print(sorted({'urllib3', 'requests', 'keyring', 'git', 'ssl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def only(header: str, challenge: str) -> Callable[[Handler], None]:
    """Answers those who say one thing, and tells all others what to say."""

    def answer(handler: Handler) -> None:
        if handler.asked.headers.get("authorization") == header:
            handler.say(404, b"")
        else:
            handler.say(401, b"", WWW_Authenticate=challenge)

    return answer


def test_a_server_that_wants_a_bearer_gets_one() -> None:
    with listening() as listener:
        listener.otherwise = only("Bearer tok-1", 'Bearer realm="git"')
        with Client(f"{listener.url}/lab") as client:
            client.authenticate(secret="tok-1")
            with pytest.raises(NotFoundError):
                client.get("page")
            assert listener.heard("authorization")[-1] == "Bearer tok-1"
            assert client.is_token_valid()
            with pytest.raises(AuthenticationError):
                client.authenticate(secret="tok-2")


def test_a_server_that_sends_a_login_elsewhere_takes_none(gitea: Forge) -> None:
    with listening() as listener:
        listener.otherwise = lambda h: h.say(302, b"", Location=f"{gitea.url}/login")
        with Client(f"{listener.url}/lab") as client, pytest.raises(RemoteError):
            client.authenticate("ada", PASSWORD)
        assert not gitea.listener.heard("authorization")
        listener.otherwise = lambda h: h.say(302, b"", Location="/login")
        listener.on("/login", 200, b"<html>", Content_Type="text/html")
        with Client(f"{listener.url}/lab") as client:
            with pytest.raises(RemoteError, match="does not answer as a git host"):
                client.authenticate("ada", PASSWORD)
            assert not client.has_token()


def test_a_gitea_that_makes_no_token_is_used_with_the_password(gitea: Forge) -> None:
    gitea.listener.on("/api/v1/users/ada/tokens", 422, {"message": "unknown scope"})
    with Client(f"{gitea.url}/lab") as client:
        client.authenticate("ada", PASSWORD)
        assert client.get_access_token() == PASSWORD
        assert client.is_token_valid()


def test_a_second_factor_is_told(gitea: Forge) -> None:
    gitea.listener.on("/api/v1/user", 401, {"message": "invalid provided OTP"})
    with Client(f"{gitea.url}/lab") as client, pytest.raises(AuthenticationError, match="OTP"):
        client.authenticate("ada", PASSWORD)


@pytest.mark.parametrize("answer", [b"[]", b"null", b'{"sha1": 3}', b"<html>"])
def test_a_host_that_answers_nonsense_does_no_harm(gitea: Forge, answer: bytes) -> None:
    gitea.listener.on("/api/v1/users/ada/tokens", 201, answer)
    with Client(f"{gitea.url}/lab") as client:
        client.authenticate("ada", PASSWORD)
        assert client.get_access_token() == PASSWORD
    gitea.listener.on("/api/v1/user", 200, answer)
    wrong = pytest.raises(RemoteError, match=r"not JSON|does not say who we are")
    with Client(f"{gitea.url}/lab") as client, wrong:
        client.authenticate("ada", PASSWORD)


def test_what_git_keeps_is_looked_for_again_when_we_authenticate(
    nginx: Server, own_home: Path
) -> None:
    keep(nginx, own_home)
    kept = own_home / ".git-credentials"
    good = kept.read_text()
    kept.write_text(good.replace(nginx.secret, "old"))
    with Client(nginx.base) as client:
        with pytest.raises(AuthenticationError):
            client.authenticate()
        kept.write_text(good)
        client.authenticate()
        assert client.is_token_valid()
