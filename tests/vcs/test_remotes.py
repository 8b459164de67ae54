"""Where remotes are: what is understood, what git never sees, and what can be made."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padre_git.errors import (
    InvalidInputError,
    RemoteError,
    RemoteMissingError,
    RemoteUnavailableError,
)
from padre_git.model import Key
from padre_git.vcs.places import Place, create
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.shell import Address
from padre_git.vcs.transport import remote_tip
from tests.conftest import git


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/srv/lab", "file:///srv/lab/iris.git"),
        ("/srv/our lab", "file:///srv/our%20lab/iris.git"),
        ("file:///srv/lab/", "file:///srv/lab/iris.git"),
        ("/srv/lab-{project}/store", "file:///srv/lab-iris/store"),
        ("https://host/group", "https://host/group/iris.git"),
        ("https://host", "https://host/iris.git"),
        ("https://host/lab-{project}", "https://host/lab-iris"),
        ("https://host:8443/group/iris.git", "https://host:8443/group/iris.git"),
        ("ssh://git@host:2222/lab", "ssh://git@host:2222/lab/iris.git"),
        ("git@host:lab", "git@host:lab/iris.git"),
        ("host:iris.git", "host:iris.git"),
    ],
)
def test_a_base_a_template_and_a_single_repository_are_understood(text: str, url: str) -> None:
    assert RemoteLocation.parse(text).url("iris") == url


def test_a_relative_directory_and_the_home_are_made_absolute(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert RemoteLocation.parse("lab").path("iris") == tmp_path / "lab" / "iris.git"
    assert RemoteLocation.parse("~/lab").path("iris") == own_home / "lab" / "iris.git"
    assert RemoteLocation.parse("./a/../lab").path("iris") == tmp_path / "lab" / "iris.git"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-rf",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c 'touch /tmp/x'",
        "fd::17",
        "https::https://host/x",
        "ftp://host/x",
        "https://ada:secret@host/x",
        "https://secret@host/x",
        "ssh://git:secret@host/x",
        "https://host/x?private_token=secret",
        "https://host/x#secret",
        "ssh://-oProxyCommand=touch/x",
        "ssh://-l@host/x",
        "-oProxyCommand=x:lab",
        "host:-rf",
        "host:",
        "https://host/x\ny",
        "/srv/\x1b[31mlab",
        "file://elsewhere/srv",
        "/srv/{name}/x",
        "/srv/{project}/{project}",
        "https://host/No Such Name.git",
    ],
)
def test_what_git_must_not_be_given_is_refused_and_no_secret_is_repeated(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        RemoteLocation.parse(text)
    assert "secret" not in str(caught.value)


def test_a_single_repository_is_for_its_own_project_only() -> None:
    location = RemoteLocation.parse("git@host:me/iris.git")
    assert (location.only, location.url("iris"), location.url("wine")) == (
        "iris",
        "git@host:me/iris.git",
        None,
    )
    assert RemoteLocation.parse("https://host/Lab-1.git", project="wine").url("wine") is not None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("git@host:lab", "host:lab/iris.git#experiments/svm"),
        ("ssh://git@host/lab", "ssh://host/lab/iris.git#experiments/svm"),
        ("/srv/our lab", "file:///srv/our%20lab/iris.git#experiments/svm"),
        ("https://host/iris.git", "https://host/iris.git#experiments/svm"),
    ],
)
def test_a_records_url_names_no_user_and_leads_back_to_its_key(text: str, url: str) -> None:
    location = RemoteLocation.parse(text)
    key = Key.parse("iris/experiments/svm")
    assert location.record_url(key) == url
    assert location.key_of(url) == key
    assert location.key_of(url.partition("#")[0]) == Key.parse("iris")
    assert location.key_of("https://elsewhere/iris.git") is None
    assert location.key_of("nonsense") is None


@given(st.text(max_size=40))
def test_no_text_at_all_breaks_the_parser_or_slips_an_option_to_git(text: str) -> None:
    try:
        url = RemoteLocation.parse(text).url("iris")
    except InvalidInputError:
        return
    assert url is None or (not url.startswith("-") and "::" not in url.partition("/")[0])


def test_a_directory_lists_its_projects_and_nothing_else(tmp_path: Path) -> None:
    location = RemoteLocation.parse(tmp_path)
    for name in ("wine", "iris"):
        create(location, name, "main")
    (tmp_path / "notes.git").mkdir()
    (tmp_path / "UPPER.git").mkdir()
    (tmp_path / "readme.txt").write_text("hello")
    assert location.projects() == ("iris", "wine")
    assert RemoteLocation.parse("https://host/lab").projects() is None


def test_a_new_repository_is_bare_private_and_strict(tmp_path: Path) -> None:
    location = RemoteLocation.parse(tmp_path / "our lab")
    (tmp_path / "our lab").mkdir(mode=0o755)
    create(location, "iris", "main")
    path = tmp_path / "our lab" / "iris.git"
    assert (path / "HEAD").read_text() == "ref: refs/heads/main\n"
    assert git("rev-parse", "--is-bare-repository", cwd=path) == "true\n"
    assert git("config", "receive.fsckObjects", cwd=path) == "true\n"
    assert path.stat().st_mode & 0o077 == 0
    assert [entry.name for entry in path.parent.iterdir()] == ["iris.git"]
    create(location, "iris", "main")  # somebody else was faster: theirs stays
    assert remote_tip(location.url("iris") or "", "main") is None


def test_in_a_directory_of_a_group_the_repository_is_the_groups(tmp_path: Path) -> None:
    base = tmp_path / "lab"
    base.mkdir()
    base.chmod(0o775)
    create(RemoteLocation.parse(base), "iris", "main")
    assert (base / "iris.git").stat().st_mode & 0o070 == 0o070
    assert (base / "iris.git").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("text", ["https://host.invalid/lab", "git://host.invalid/lab"])
def test_where_no_repository_can_be_made_the_error_says_who_has_to_do_what(text: str) -> None:
    with pytest.raises(RemoteError, match="no repository for project 'iris'") as caught:
        create(RemoteLocation.parse(text), "iris", "main")
    assert "create an empty repository 'iris.git' on the host" in str(caught.value.hint)


class Forge:
    """Is a catalogue: what a host's own interface can do."""

    def __init__(self) -> None:
        self.names = ["iris"]

    def projects(
        self, location: RemoteLocation, branch: str, document: str
    ) -> dict[str, bytes | None] | None:
        return dict.fromkeys(self.names)

    def create(self, location: RemoteLocation, project: str, branch: str) -> bool:
        if project == "taken":
            return False
        self.names.append(project)
        return True


def test_a_hosts_catalogue_lists_and_makes_what_git_cannot() -> None:
    place = Place(
        RemoteLocation.parse("https://host.invalid/lab"), branch="main", limit=5, catalogue=Forge()
    )
    assert place.projects("project.yaml") == {"iris": None}
    place.create("wine")
    assert place.projects("project.yaml") == {"iris": None, "wine": None}
    with pytest.raises(RemoteMissingError):
        place.create("taken")


@pytest.mark.parametrize(
    ("url", "target", "port", "directory", "name"),
    [
        ("ssh://a@Host:2222/our%20lab/iris.git", "a@Host", "2222", "'/our lab'", "iris.git"),
        ("ssh://[::1]:22/lab/iris.git", "::1", "22", "/lab", "iris.git"),
        ("ssh://host/~ada/lab/iris.git", "host", "", "~ada/lab", "iris.git"),
        ("ssh://host/~/our lab/iris.git", "host", "", "~/'our lab'", "iris.git"),
        ("host:lab/iris.git", "host", "", "./lab", "iris.git"),
        ("ada@host:iris.git", "ada@host", "", "./.", "iris.git"),
        ("host:~/iris.git", "host", "", "~/''", "iris.git"),
        ("host:~$(x)/lab/iris.git", "host", "", "'./~$(x)/lab'", "iris.git"),
    ],
)  # fmt: skip
def test_an_ssh_address_is_read_as_git_reads_it(
    url: str, target: str, port: str, directory: str, name: str
) -> None:
    found = Address.parse(url)
    assert found is not None
    assert (found.target, found.port, found.directory, found.name) == (
        target,
        port,
        directory,
        name,
    )


def test_what_is_not_ssh_has_no_shell() -> None:
    for url in ("https://host/lab", "git://host/lab", "file:///srv/lab", "/srv/lab"):
        assert Address.parse(url) is None


def test_a_directory_that_is_not_mounted_is_not_a_project_that_is_gone(tmp_path: Path) -> None:
    missing = RemoteLocation.parse(tmp_path / "away")
    with pytest.raises(RemoteUnavailableError):
        create(missing, "iris", "main")
    with pytest.raises(RemoteUnavailableError):
        remote_tip(missing.url("iris") or "", "main")
    with pytest.raises(RemoteMissingError):
        remote_tip(RemoteLocation.parse(tmp_path).url("iris") or "", "main")


def test_the_data_store_is_beside_the_repository_where_there_is_a_place(tmp_path: Path) -> None:
    base = tmp_path / "our lab"
    assert RemoteLocation.parse(base).data_url("iris") == str(base / "iris.dvc")
    assert RemoteLocation.parse("ssh://h/lab").data_url("iris") == "ssh://h/lab/iris.dvc"
    assert RemoteLocation.parse("https://host/lab").data_url("iris") is None
