"""The backend over HTTP beyond the seeds: whose secret, where it goes, and hosts with an API."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git import Experiment, HttpBackend, HttpClient
from padre_git.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    OfflineError,
    RemoteMissingError,
    UnsupportedError,
)
from padre_git.messages import Event
from tests.conftest import git
from tests.hosts.forge import PASSWORD, Forge, forge
from tests.hosts.listening import listening
from tests.servers import Server
from tests.servers.tokens import TokenServer

SVM = Experiment(project="iris", name="svm", title="baseline")


@pytest.fixture
def lab(nginx: Server) -> Server:
    nginx.create("iris")
    return nginx


@pytest.fixture(params=["github", "gitlab", "gitea"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forge]:
    with forge(request.param, tmp_path / "host") as made:
        yield made


def holds(directory: Path, secret: str) -> list[Path]:
    """Returns the files below a directory that have a text in them, also base64 of it."""
    import base64

    needles = [secret.encode(), base64.b64encode(f"alice:{secret}".encode())[:-4]]
    files = (path for path in directory.rglob("*") if path.is_file())
    return [path for path in files if any(n in path.read_bytes() for n in needles)]


# -- what makes one ---------------------------------------------------------------------------


@pytest.mark.parametrize("remote", ["/srv/lab", "ssh://host/lab", "git@host:lab", "git://host/x"])
def test_a_remote_that_is_not_http_is_refused_and_not_remembered(
    tmp_path: Path, remote: str
) -> None:
    with pytest.raises(InvalidInputError, match="is not the address of an HTTP host") as caught:
        HttpBackend(tmp_path / "root", remote)
    assert "DualBackend" in str(caught.value.hint)
    assert not (tmp_path / "root").exists()


def test_a_root_without_a_remote_of_http_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no remote of HTTP"):
        HttpBackend(tmp_path / "root")
    with pytest.raises(InvalidInputError, match="always asks the host"):
        HttpBackend(tmp_path / "root", "https://example.org/lab", policy="manual")


def test_a_root_remembers_its_host_and_no_secret(tmp_path: Path, lab: Server) -> None:
    with HttpBackend(tmp_path / "root", lab.base) as backend:
        backend.authenticate(lab.user, lab.secret)
        backend.put_experiment(SVM)
    with HttpBackend(tmp_path / "root") as backend:
        assert backend.client.url == lab.base
        assert not backend.has_token()


def test_every_store_over_http_has_a_client_and_no_other(tmp_path: Path, lab: Server) -> None:
    with padre_git.open(tmp_path / "a", remote=lab.base) as store:
        assert isinstance(store.client, HttpClient)
        store.client.authenticate(lab.user, lab.secret)
        store.projects.put(padre_git.Project(name="iris"))
        assert store.projects.get("iris").url == lab.url("iris")
    with padre_git.open(tmp_path / "b", remote=tmp_path) as store:
        assert store.client is None


def test_two_people_at_one_host_in_one_process_are_two(
    tmp_path: Path, token_server: TokenServer
) -> None:
    token_server.create("iris")
    good, bad = token_server.tokens.issue(), token_server.tokens.issue()
    with (
        HttpBackend(tmp_path / "a", token_server.base) as one,
        HttpBackend(tmp_path / "b", token_server.base) as other,
    ):
        one.authenticate(secret=good)
        other.authenticate(secret=bad)
        token_server.tokens.revoke(bad)
        one.put_experiment(SVM)
        with pytest.raises(AuthenticationError):
            other.put_experiment(SVM)


# -- whose secret -----------------------------------------------------------------------------


def test_the_environment_names_credentials(
    tmp_path: Path, lab: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRE_USER", lab.user)
    monkeypatch.setenv("PADRE_SECRET", lab.secret)
    with HttpBackend(tmp_path / "a", lab.base) as backend:
        assert backend.put_experiment(SVM).url
        assert backend.is_token_valid()
    monkeypatch.setenv("PADRE_HOST", "git.example.org")
    with HttpBackend(tmp_path / "b", lab.base) as backend:
        assert not backend.has_token()
    for name in (f"{lab.host}:{lab.port}", lab.host, f"http://{lab.host}:{lab.port}"):
        monkeypatch.setenv("PADRE_HOST", name)
        assert HttpClient(lab.base).has_token()


def test_a_token_of_the_environment_needs_no_user(
    tmp_path: Path, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_server.create("iris")
    monkeypatch.setenv("PADRE_TOKEN", token_server.tokens.issue())
    with HttpBackend(tmp_path / "a", token_server.base) as backend:
        assert backend.put_experiment(SVM).url
        backend.authenticate()
        assert backend.has_token()


def test_a_token_that_is_no_token_is_told_when_a_store_is_opened(
    tmp_path: Path, lab: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRE_TOKEN", "one\ntwo")
    with pytest.raises(InvalidInputError, match="one line"):
        padre_git.open(tmp_path / "a", remote=lab.base)
    monkeypatch.setenv("PADRE_USER", lab.user)
    monkeypatch.setenv("PADRE_TOKEN", f"{lab.secret}\n")
    assert HttpClient(lab.base).get_access_token() == lab.secret


def test_a_token_that_expires_is_told_as_credentials_and_work_goes_on(
    tmp_path: Path, token_server: TokenServer
) -> None:
    token_server.create("iris")
    token = token_server.tokens.issue()
    with HttpBackend(tmp_path / "a", token_server.base) as backend:
        backend.authenticate(secret=token)
        backend.put_experiment(SVM)
        token_server.tokens.revoke(token)
        with pytest.raises(AuthenticationError) as caught:
            backend.put_experiment(SVM.replace(title="later"))
        assert "authenticate" in str(caught.value.hint)
        assert "not found" not in str(caught.value)
        assert backend.get_experiment("iris/svm").title == "later", "it is stored here"
        backend.authenticate(secret=token_server.tokens.issue())
        backend.sync("iris")
    shown = git("show", "main:experiments/svm/experiment.yaml", cwd=token_server.bare("iris"))
    assert "later" in shown


# -- where it goes ----------------------------------------------------------------------------


def test_a_secret_is_nowhere_after_a_days_work(
    tmp_path: Path, own_home: Path, lab: Server, caplog: pytest.LogCaptureFixture
) -> None:
    git("config", "--global", "credential.helper", "store", cwd=tmp_path)
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    errors: list[str] = []
    with HttpBackend(tmp_path / "a", lab.base, artifacts=tmp_path / "data") as backend:
        backend.store.subscribe(Event, events.append)
        with pytest.raises(AuthenticationError):
            backend.put_experiment(SVM)
        backend.authenticate(lab.user, lab.secret)
        backend.put_experiment(SVM)
        with backend.store.start_run("iris/svm", {"C": 1}) as run:
            run.log_metric("accuracy", 0.5)
            (tmp_path / "model").write_bytes(b"model")
            run.log_artifact(tmp_path / "model")
        backend.store.flush()
        lab.hook("iris", "pre-receive", "env >&2; exit 1")
        with pytest.raises(Exception, match="refused") as caught:
            backend.put_experiment(SVM.replace(title="x"))
        error: BaseException | None = caught.value
        while error is not None:
            stack = traceback.TracebackException.from_exception(error, capture_locals=True)
            errors += [repr(error), str(vars(error))]
            errors += [str(f.locals) for f in stack.stack if "/tests/" not in f.filename]
            error = error.__cause__ or error.__context__
        shown = repr(vars(backend)) + repr(vars(backend.client)) + repr(backend.store)
    with HttpBackend(tmp_path / "b", lab.base) as backend:
        backend.authenticate(lab.user, lab.secret)
        backend.list_projects()
        assert backend.get_experiment("iris/svm") == SVM
    told = [caplog.text, shown, *errors, *map(repr, events), *map(str, events)]
    assert not [text for text in told if lab.secret in text]
    assert holds(tmp_path, lab.secret) == []
    assert holds(own_home, lab.secret) == []


def test_a_host_that_sends_us_elsewhere_does_not_get_a_secret_there(
    tmp_path: Path, lab: Server
) -> None:
    with listening() as front, listening() as thief:
        thief.otherwise = lambda h: h.say(401, b"", WWW_Authenticate='Basic realm="git"')

        def answer(handler: object) -> None:
            asked = handler.asked  # type: ignore[attr-defined]
            known = "authorization" in asked.headers
            if not known:
                handler.say(401, b"", WWW_Authenticate='Basic realm="git"')  # type: ignore[attr-defined]
            else:
                place = f"{thief.url}{asked.path}"
                handler.say(302, b"", Location=place)  # type: ignore[attr-defined]

        front.otherwise = answer
        client = HttpClient(f"{front.url}/lab")
        with pytest.raises(padre_git.RemoteError, match="does not answer as a git host"):
            client.authenticate("ada", lab.secret)
        with padre_git.open(tmp_path / "a", remote=f"{front.url}/lab", policy="manual") as store:
            assert store.client is not None
            store.client._given = client._login("ada", lab.secret)
            store.projects.put(padre_git.Project(name="iris"))
            with pytest.raises(padre_git.RemoteError):
                store.push("iris")
        assert front.heard("authorization"), "git was handed it for the first host"
        assert thief.asked
        assert not thief.heard("authorization")


def test_hooks_and_other_programs_of_git_do_not_change_anything(
    tmp_path: Path, lab: Server
) -> None:
    """Says docs/http.rst: what runs as you can read your environment; a hook of yours is yours."""
    with HttpBackend(tmp_path / "a", lab.base) as backend:
        backend.authenticate(lab.user, lab.secret)
        backend.put_experiment(SVM)
        config = (tmp_path / "a/iris/.git/config").read_text()
    assert lab.secret not in config
    assert "credential" not in config
    assert f"url = {lab.url('iris')}" in config


def test_a_backend_is_not_pickled(tmp_path: Path, lab: Server) -> None:
    with HttpBackend(tmp_path / "a", lab.base) as backend:
        backend.authenticate(lab.user, lab.secret)
        with pytest.raises(UnsupportedError, match="not pickled"):
            pickle.dumps(backend.client)
        with pytest.raises((UnsupportedError, TypeError, AttributeError)):
            pickle.dumps(backend)


def test_offline_nobody_is_asked(
    tmp_path: Path, lab: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRE_OFFLINE", "1")
    with HttpBackend(tmp_path / "a", lab.base) as backend:
        with pytest.raises(OfflineError):
            backend.authenticate(lab.user, lab.secret)
        with pytest.raises(OfflineError):
            backend.get("iris.git/HEAD")
        with pytest.raises(OfflineError):
            _ = backend.server
        assert not backend.online
        assert backend.put_experiment(SVM).url is None
        assert backend.has_token()
        assert [p.name for p in backend.list_projects()] == ["iris"]


def test_a_program_that_only_opens_a_store_does_not_load_an_http_client(tmp_path: Path) -> None:
    code = (
        "import sys, padre_git; s = padre_git.open(sys.argv[1], remote='https://example.org/lab',"
        "policy='manual'); s.projects.put(padre_git.Project(name='iris'));"
        "print(sorted({'urllib3', 'requests', 'keyring'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"


# -- hosts with an API ------------------------------------------------------------------------


def test_a_new_project_gets_its_repository(host: Forge, tmp_path: Path) -> None:
    with HttpBackend(tmp_path / "a", f"{host.url}/lab") as backend:
        backend.authenticate(secret=host.token())
        stored = backend.put_experiment(SVM)
        assert stored.url == f"{host.url}/lab/iris.git#experiments/svm"
    assert host.repositories("lab") == ["iris"]
    assert "baseline" in git(
        "show", "main:experiments/svm/experiment.yaml", cwd=host.bare("lab/iris")
    )


def test_projects_at_the_host_are_listed_and_cloned_when_asked_for(
    host: Forge, tmp_path: Path
) -> None:
    with HttpBackend(tmp_path / "a", f"{host.url}/lab") as here:
        here.authenticate(secret=host.token())
        here.put_experiment(SVM)
        here.put_experiment(SVM.replace(project="digits", name="cnn"))
        host.create("lab/empty")
        with HttpBackend(tmp_path / "b", f"{host.url}/lab") as there:
            there.authenticate(secret=host.token())
            assert [one.name for one in there.store.remote_only()] == ["digits", "iris"]
            assert not (tmp_path / "b" / "iris").exists(), "listing clones nothing"
            assert there.get_experiment("iris/svm") == SVM
            here.delete_project("digits")
            with pytest.raises(NotFoundError, match="deleted"):  # a host may show it for a minute
                there.get_project("digits")
            assert [p.name for p in there.list_projects()] == ["iris"]


def test_without_credentials_a_new_project_waits_for_them(host: Forge, tmp_path: Path) -> None:
    with HttpBackend(tmp_path / "a", f"{host.url}/lab") as backend:
        with pytest.raises(AuthenticationError) as caught:
            backend.put_experiment(SVM)
        assert "authenticate" in str(caught.value.hint)
        backend.authenticate(secret=host.token())
        backend.sync("iris")
    assert host.repositories("lab") == ["iris"]


def test_a_token_without_the_right_says_what_to_do(host: Forge, tmp_path: Path) -> None:
    with HttpBackend(tmp_path / "a", f"{host.url}/lab") as backend:
        backend.authenticate(secret=host.token("user"))
        with pytest.raises(RemoteMissingError, match="insufficient_scope") as caught:
            backend.put_experiment(SVM)
        assert "create an empty repository" in str(caught.value.hint)
        host.create("lab/iris")
        backend.sync("iris")
        assert backend.get_experiment("iris/svm").url


def test_a_password_works_for_git_as_a_token(tmp_path: Path) -> None:
    with forge("gitea", tmp_path / "host") as host:
        with HttpBackend(tmp_path / "a", f"{host.url}/ada") as backend:
            backend.authenticate("ada", PASSWORD)
            backend.put_experiment(SVM)
            (token,) = host.tokens
            assert backend.client.login().secret == token  # type: ignore[union-attr]
        assert host.tokens == {}
        assert holds(tmp_path / "a", PASSWORD) == []


def test_a_client_goes_offline_when_the_environment_says_so(
    lab: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HttpClient(lab.base) as client:
        client.authenticate(lab.user, lab.secret)
        monkeypatch.setenv("PADRE_OFFLINE", "1")
        with pytest.raises(OfflineError):
            client.get("iris.git/info/refs")
        with pytest.raises(OfflineError):
            client.is_token_valid()
        assert client.has_token()
        monkeypatch.delenv("PADRE_OFFLINE")
        assert client.is_token_valid()
