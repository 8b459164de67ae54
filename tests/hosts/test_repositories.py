"""Repositories at a host: made when they are needed, listed when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.errors import (
    AuthenticationError,
    RemoteError,
    RemoteMissingError,
    RemoteUnavailableError,
)
from padre_git.hosts import Client, Repositories
from padre_git.vcs.places import Catalogue
from tests.conftest import git
from tests.hosts.forge import Forge, forge
from tests.servers import Server


@pytest.fixture(params=["github", "gitlab", "gitea"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forge]:
    with forge(request.param, tmp_path / "repositories") as made:
        yield made


class At:
    """Is a place at a host, and what its API does there."""

    def __init__(self, client: Client) -> None:
        self.now = 0.0
        self.location = client.location
        self.api: Catalogue = Repositories(client, clock=lambda: self.now)

    def create(self, project: str, branch: str = "main") -> bool:
        return self.api.create(self.location, project, branch)

    def documents(self, path: str, branch: str = "main") -> dict[str, bytes | None] | None:
        found = self.api.projects(self.location, branch, path)
        return None if found is None else dict(found)


def repositories(host: Forge, owner: str, *rights: str) -> At:
    client = Client(f"{host.url}/{owner}")
    client.authenticate(secret=host.token(*rights))
    return At(client)


def fill(host: Forge, name: str, text: str = "schema: project/1\n") -> None:
    """Pushes a first commit with a file, as somebody else did."""
    host.create(name)
    push(host, name, text)


def push(host: Forge, name: str, text: str) -> None:
    work = host.directory / "work" / name
    work.mkdir(parents=True)
    git("init", "-q", "-b", "main", ".", cwd=work)
    (work / "project.yaml").write_text(text)
    git("add", ".", cwd=work)
    git("commit", "-q", "-m", "first", cwd=work)
    git("push", "-q", host.bare(name), "main", cwd=work)


@pytest.mark.parametrize("owner", ["ada", "lab", "lab/deep"])
def test_a_repository_is_made_once_private_and_empty(host: Forge, owner: str) -> None:
    if "/" in owner and host.software != "gitlab":
        return  # only GitLab has groups in groups
    there = repositories(host, owner)
    assert there.create("iris")
    assert (host.bare(f"{owner}/iris") / "HEAD").is_file()
    assert there.create("iris"), "somebody else was quicker"


def test_a_template_names_the_repository(host: Forge) -> None:
    client = Client(f"{host.url}/lab/exp-{{project}}.git")
    client.authenticate(secret=host.token())
    assert At(client).create("iris")
    assert host.repositories("lab") == ["exp-iris"]


def test_without_the_right_the_host_says_so_and_we_say_what_to_do(host: Forge) -> None:
    with pytest.raises(RemoteMissingError, match="insufficient_scope") as caught:
        repositories(host, "lab", "user").create("iris")
    assert "create an empty repository" in str(caught.value.hint)
    with pytest.raises(RemoteMissingError, match="none can be made"):
        repositories(host, "nobodys").create("iris")


def test_an_account_is_known_however_it_is_written(host: Forge) -> None:
    if host.software != "gitlab":  # there a number names the owner
        assert repositories(host, "Ada").create("iris")
        assert host.repositories("ada") == ["iris"]


def test_a_token_that_was_revoked_is_told_as_credentials(host: Forge) -> None:
    there = repositories(host, "lab")
    host.tokens.clear()
    with pytest.raises(AuthenticationError, match="answered 401"):
        there.create("iris")


def test_without_credentials_nothing_is_made(host: Forge) -> None:
    with pytest.raises(AuthenticationError):
        At(Client(f"{host.url}/lab")).create("iris")


def test_a_plain_server_makes_none_and_lists_none(nginx: Server) -> None:
    client = Client(nginx.base)
    client.authenticate(nginx.user, nginx.secret)
    there = At(client)
    assert there.create("iris") is False
    assert there.documents("project.yaml") is None


def test_a_host_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with forge("gitea", tmp_path) as host:
        url = host.url
    there = At(Client(f"{url}/lab"))
    with pytest.raises(RemoteUnavailableError):
        there.create("iris")
    with pytest.raises(RemoteUnavailableError):
        there.documents("project.yaml")


def test_a_list_has_the_projects_and_nothing_else(host: Forge) -> None:
    fill(host, "lab/iris", "name: iris\n")
    fill(host, "lab/digits")
    host.create("lab/empty")
    host.create("lab/not a name")
    there = repositories(host, "lab")
    found = there.documents("project.yaml")
    assert found == {"iris": b"name: iris\n", "digits": b"schema: project/1\n"}
    asked = len(host.listener.asked)
    assert there.documents("project.yaml") == found
    again = [a.path for a in host.listener.asked[asked:] if "project.yaml" in a.path]
    assert again == [], "what has not changed is not asked for again"
    assert there.documents("no-such-file") == {}
    push(host, "lab/empty", "name: empty\n")
    there.now += 61
    found = there.documents("project.yaml")
    assert found is not None
    assert sorted(found) == ["digits", "empty", "iris"]


def test_a_list_of_an_account_and_of_many_pages(host: Forge) -> None:
    for number in range(55):
        host.create(f"ada/p-{number:03}")
    fill(host, "ada/zebra")
    host_lists = repositories(host, "ada").documents("project.yaml")
    assert host_lists is not None
    assert list(host_lists) == ["zebra"]
    empty = repositories(host, "nobodys").documents("project.yaml")
    assert empty == {}


@pytest.mark.parametrize("end", [".git", ""])
def test_a_list_through_a_template_has_its_names_only(host: Forge, end: str) -> None:
    fill(host, "lab/exp-iris")
    fill(host, "lab/iris")
    client = Client(f"{host.url}/lab/exp-{{project}}{end}")
    client.authenticate(secret=host.token())
    found = At(client).documents("project.yaml")
    assert found is not None
    assert list(found) == ["iris"]


def test_a_list_that_is_none_is_an_error(host: Forge) -> None:
    there = repositories(host, "lab")
    for page in ("/api/v3/orgs/lab/repos", "/api/v4/groups/lab/projects", "/api/v1/orgs/lab/repos"):
        host.listener.on(page, 200, {"a": 1})
    with pytest.raises(RemoteError, match="is none"):
        there.documents("project.yaml")
    for page in list(host.listener.answers):
        host.listener.on(page, 422, {"message": "no"})
    with pytest.raises(RemoteError, match="does not list repositories"):
        there.documents("project.yaml")
