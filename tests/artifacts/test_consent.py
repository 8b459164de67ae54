"""A project's tracked configuration cannot lead data or credentials elsewhere unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.artifacts import ProjectData, place, pointer_to, publish_data, write_pointer
from padre_git.artifacts.consent import check_place
from padre_git.errors import ArtifactError
from tests.artifacts.conftest import RUN, commit, write
from tests.artifacts.test_dvc_agrees import dvc


def configure(project: Path, url: str, *lines: str) -> None:
    """Writes the tracked configuration, as a colleague's commit brings it."""
    text = [
        "[core]",
        "    remote = lab",
        "    autostage = false",
        "['remote \"lab\"']",
        f"    url = {url}",
    ]
    (project / ".dvc" / "config").write_text(
        "\n".join([*text, *(f"    {x}" for x in lines)]) + "\n"
    )


def publish(project: Path, content: bytes) -> None:
    data = ProjectData(project, project / ".git")
    file = write(project.parent / "model.bin", content)
    pointer = pointer_to(data.cache, "artifacts", place(data.cache, file))
    write(project / RUN / "artifacts.dvc", write_pointer(pointer))
    publish_data(data, [commit(project, "a run")])


def test_a_clone_keeps_to_the_place_that_it_has_used(project: Path, tmp_path: Path) -> None:
    configure(project, str(tmp_path / "lab"))
    publish(project, b"1")
    configure(project, str(tmp_path / "elsewhere"))
    with pytest.raises(ArtifactError, match=r"data remote has changed.*lab.*elsewhere") as failed:
        publish(project, b"2")
    assert not (tmp_path / "elsewhere").exists()
    agreed = project / ".git" / "padre" / "data-remote"
    assert str(agreed) in str(failed.value.hint)
    assert agreed.stat().st_mode & 0o077 == 0
    agreed.unlink()
    publish(project, b"3")
    assert (tmp_path / "elsewhere" / "files").is_dir()


def test_what_the_owner_of_a_clone_configures_is_agreed_to(project: Path, tmp_path: Path) -> None:
    configure(project, str(tmp_path / "lab"))
    publish(project, b"1")
    dvc("remote", "add", "--local", "-d", "mine", tmp_path / "mine", cwd=project)
    publish(project, b"2")
    assert (tmp_path / "mine" / "files").is_dir()


def test_the_end_point_is_part_of_the_place(project: Path) -> None:
    configure(project, "s3://lab/data", "endpointurl = http://127.0.0.1:1")
    assert ProjectData(project, project / ".git").remote is not None
    configure(project, "s3://lab/data", "endpointurl = http://127.0.0.1:2")
    with pytest.raises(ArtifactError, match="has changed"):
        _ = ProjectData(project, project / ".git").remote


@pytest.mark.parametrize(
    "line",
    [
        "bearer_token_command = touch canary",
        "custom_auth_header = X",
        "ssl_verify = false",
        "credentialpath = /somewhere",
        "keyfile = /somewhere",
        "proxy_command = touch canary",
    ],
)
def test_a_tracked_remote_names_no_credentials_and_no_program(
    project: Path, tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configure(project, "webdav://127.0.0.1:1/lab", line)
    with pytest.raises(ArtifactError, match=line.partition(" ")[0]) as failed:
        publish(project, b"1")
    assert "--local" in str(failed.value.hint)
    assert not list(tmp_path.rglob("canary"))


@pytest.mark.parametrize("file", ["config", "config.local"])
def test_nothing_asks_on_the_terminal(project: Path, file: str) -> None:
    configure(project, "ssh://127.0.0.1:1/lab")
    with (project / ".dvc" / file).open("a") as stream:
        stream.write("['remote \"lab\"']\n    ask_password = true\n")
    with pytest.raises(ArtifactError, match="ask for a password"):
        _ = ProjectData(project, project / ".git").remote


def test_a_remote_that_is_another_one_is_refused(project: Path) -> None:
    configure(project, "remote://other/data")
    with pytest.raises(ArtifactError, match="given by another one"):
        _ = ProjectData(project, project / ".git").remote


def test_the_place_of_the_cache_is_not_the_project_s_to_say(project: Path, tmp_path: Path) -> None:
    config = project / ".dvc" / "config"
    config.write_text(f"[cache]\n    dir = {tmp_path / 'theirs'}\n")
    publish(project, b"1")
    assert not (tmp_path / "theirs").exists()


@pytest.mark.parametrize("value", ["false", "False", "no", "0", ""])
def test_a_tracked_remote_does_not_take_encryption_away(project: Path, value: str) -> None:
    configure(project, "s3://bucket", f"use_ssl = {value}")
    with pytest.raises(ArtifactError, match="sets 'use_ssl'") as failed:
        check_place(project, project / ".git", "lab")
    assert "config.local" in str(failed.value.hint)
    configure(project, "s3://bucket", "use_ssl = true", "verify = false")
    check_place(project, project / ".git", "lab")
