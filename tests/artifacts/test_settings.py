"""Settings: DVC's own configuration says which remote, and the user's lines stay."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from padre_git.artifacts import create_store, read_settings, write_settings
from padre_git.errors import ArtifactError, InvalidInputError
from tests.artifacts.conftest import write
from tests.conftest import git
from tests.faults.limits import no_file_grows_beyond
from tests.killing import killed


def dvc_reads(project: Path) -> tuple[str, str]:
    """Returns name and url of the default remote as DVC's own code reads them."""
    from dvc.config import Config

    config = Config(str(project / ".dvc"))
    name = config["core"]["remote"]
    return name, str(config["remote"][name]["url"])


def test_a_fresh_clone_has_no_remote(project: Path):
    assert read_settings(project) is None
    assert read_settings(project / "nowhere") is None


@pytest.mark.parametrize("url", ["/mnt/lab data/x", "s3://bucket/lab", "/a,b#c", "ssh://me@host/x"])
def test_what_we_write_dvc_reads(project: Path, url: str):
    write_settings(project, url)
    assert dvc_reads(project) == ("padre", url)
    found = read_settings(project)
    assert found is not None
    assert (found.name, found.url) == ("padre", url)
    assert (found.directory is None) == ("://" in url)


def test_the_work_tree_stays_clean_and_the_file_private(project: Path):
    write_settings(project, "/mnt/lab")
    assert git("status", "--porcelain", cwd=project) == ""
    assert stat.S_IMODE((project / ".dvc" / "config.local").stat().st_mode) == 0o600


def test_a_kill_while_they_are_written_leaves_the_work_tree_clean(project: Path):
    number = 1
    while killed(number, project, lambda: write_settings(project, "/mnt/lab")):
        assert git("status", "--porcelain", cwd=project) == ""
        (project / ".dvc" / "config.local").unlink(missing_ok=True)
        number += 1
    assert number > 2
    assert dvc_reads(project) == ("padre", "/mnt/lab")


def test_a_disk_that_refuses_them_is_left_as_it_was(project: Path):
    before = sorted(project.rglob("*"))
    with no_file_grows_beyond(2), pytest.raises(OSError):
        write_settings(project, "/mnt/lab")
    (project / ".dvc" / "tmp").rmdir()
    assert sorted(project.rglob("*")) == before


def test_other_lines_stay_and_writing_twice_changes_nothing(project: Path):
    local = write(
        project / ".dvc" / "config.local",
        b"# mine\n[core]\n    no_scm = false\n['remote \"other\"']\n    url = /x\n    # kept\n",
    )
    write_settings(project, "/mnt/lab")
    text = local.read_text()
    assert text.startswith("# mine\n[core]\n    remote = padre\n    no_scm = false\n")
    assert "['remote \"other\"']\n    url = /x\n    # kept\n" in text
    before = local.stat().st_ino
    write_settings(project, "/mnt/lab")
    assert local.stat().st_ino == before
    write_settings(project, "/mnt/new")
    assert local.read_text() == text.replace("/mnt/lab", "/mnt/new")
    assert dvc_reads(project) == ("padre", "/mnt/new")


def test_what_dvc_writes_we_read(project: Path):
    from dvc.config import Config

    config = Config(str(project / ".dvc"))
    with config.edit("repo") as edited:
        edited["remote"]["Storage"] = {"url": "../shared, data"}
        edited["core"]["remote"] = "Storage"
    with config.edit("local") as edited:
        edited["remote"]["storage"] = {"url": "/mnt/x # y"}
    found = read_settings(project)
    assert found is not None
    assert found.directory == Path("/mnt/x # y")
    assert dvc_reads(project) == (found.name, found.url) or found.name == "storage"


def test_a_relative_path_begins_at_the_configuration(project: Path):
    write(
        project / ".dvc" / "config.local", b"[core]\nremote = a\n['remote \"a\"']\nurl = ../../s\n"
    )
    found = read_settings(project)
    assert found is not None
    assert found.directory == project.parent / "s"


def test_a_remote_that_only_the_user_has_is_known_by_name(project: Path):
    write(project / ".dvc" / "config.local", b"[core]\n    remote = mine\n")
    found = read_settings(project)
    assert found is not None
    assert (found.name, found.url) == ("mine", None)


def test_configuration_that_cannot_be_read_is_named(project: Path):
    write(project / ".dvc" / "config.local", b"<<<<<<< ours\n")
    with pytest.raises(ArtifactError, match=r"config\.local:1"):
        read_settings(project)
    (project / ".dvc" / "config.local").write_bytes(b"\xff")
    with pytest.raises(ArtifactError, match="UTF-8"):
        read_settings(project)


def test_a_link_in_the_place_of_the_configuration_is_not_followed(project: Path, tmp_path: Path):
    victim = write(tmp_path / "victim", b"")
    (project / ".dvc" / "config.local").symlink_to(victim)
    with pytest.raises(ArtifactError, match="link"):
        write_settings(project, "/x")
    assert victim.read_bytes() == b""


@pytest.mark.parametrize("url", ["", "https://u:secret@host/x", "/a\nb", '/a"b', "/%(x)s"])
def test_urls_that_cannot_be_kept_are_refused(project: Path, url: str):
    with pytest.raises(InvalidInputError) as caught:
        write_settings(project, url)
    assert "secret" not in str(caught.value)
    assert not (project / ".dvc" / "config.local").exists()


def test_a_url_is_shown_without_its_user(project: Path):
    write(
        project / ".dvc" / "config.local",
        b"[core]\nremote = a\n['remote \"a\"']\nurl = https://u:secret@host/x\n",
    )
    assert str(read_settings(project)) == "https://host/x"


def test_a_store_is_its_makers_alone_unless_the_base_is_shared(tmp_path: Path):
    (tmp_path / "own").mkdir()
    create_store(tmp_path / "own" / "iris.dvc")
    assert stat.S_IMODE((tmp_path / "own" / "iris.dvc").stat().st_mode) == 0o700
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab").chmod(0o2775)
    create_store(tmp_path / "lab" / "iris.dvc")
    assert stat.S_IMODE((tmp_path / "lab" / "iris.dvc").stat().st_mode) == 0o2770
    create_store(tmp_path / "lab" / "iris.dvc")
