"""Which code runs, found out from real processes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from padre_git.api.packages import installed_packages, normalise, package_of
from padre_git.api.provenance import command_version, environment, forced
from padre_git.model import Execution
from padre_git.vcs.restore import restore
from tests.conftest import git
from tests.vcs.taking import EXPERIMENT, commit_all

SAY = """
import json, sys
from padre_git.api.provenance import arguments, code_version
found = code_version()
print(json.dumps({
    "entry": found.entry_point, "commit": found.code.commit, "snapshot": found.code.snapshot,
    "content": found.code.content, "package": found.code.package, "version": found.code.version,
    "root": found.code.repository, "arguments": arguments(), "remarks": found.remarks,
    "patch": None if found.patch is None else found.patch.decode("latin-1"),
}))
"""


def said(*command: str | Path, cwd: Path, **variables: str) -> dict[str, Any]:
    home = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(home), **variables},
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def code(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    git("init", "-q", root, cwd=tmp_path)
    (root / "jobs/pkg").mkdir(parents=True)
    (root / "jobs/train.py").write_text(SAY)
    (root / "jobs/pkg/__init__.py").touch()
    (root / "jobs/pkg/train.py").write_text(SAY)
    (root / "jobs/pkg/__main__.py").write_text(SAY)
    (root / ".gitignore").write_text("scratch/\n__pycache__/\n")
    commit_all(root)
    return root


def test_a_script_is_named_below_its_repository_and_arguments_apart(
    code: Path, tmp_path: Path
) -> None:
    found = said(code / "jobs/train.py", "--lr", "0.1", cwd=tmp_path)
    assert found["entry"] == "jobs/train.py"
    assert found["arguments"] == ["train.py", "--lr", "0.1"]
    assert found["commit"] == git("rev-parse", "HEAD", cwd=code).strip()
    assert found["snapshot"] is None


def test_another_clone_in_another_place_is_the_same_code(code: Path, tmp_path: Path) -> None:
    git("clone", "-q", code, "other", cwd=tmp_path)
    assert said("train.py", cwd=code / "jobs") == said("other/jobs/train.py", cwd=tmp_path)


def test_a_module_is_named_as_it_was_started(code: Path) -> None:
    assert said("-m", "pkg.train", cwd=code / "jobs")["entry"] == "-m pkg.train"
    assert said("-m", "pkg", cwd=code / "jobs")["entry"] == "-m pkg"


def test_a_script_reached_by_a_link_is_the_script(code: Path, tmp_path: Path) -> None:
    (tmp_path / "shortcut.py").symlink_to(code / "jobs/train.py")
    assert said(tmp_path / "shortcut.py", cwd=tmp_path)["entry"] == "jobs/train.py"


def test_changed_code_is_another_version(code: Path) -> None:
    first = said("jobs/train.py", cwd=code)
    (code / "jobs/train.py").write_text(SAY + "# changed\n")
    second = said("jobs/train.py", cwd=code)
    assert second["commit"] == first["commit"]
    assert second["snapshot"]
    assert "+# changed" in second["patch"]


def test_code_without_a_file_is_the_repository_around_it(code: Path, tmp_path: Path) -> None:
    found = said("-c", SAY, cwd=code)
    assert (found["entry"], bool(found["commit"])) == (None, True)
    nothing = said("-c", SAY, cwd=tmp_path)
    assert nothing["content"] == hashlib.sha256(b"").hexdigest()


def test_a_script_outside_any_repository_is_its_content(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SAY)
    found = said(script, cwd=tmp_path)
    assert found["content"] == hashlib.sha256(script.read_bytes()).hexdigest()
    assert (found["entry"], found["commit"]) == ("train.py", None)
    assert "+found = code_version()" in found["patch"]


def test_a_program_read_from_standard_input_has_no_file(code: Path, tmp_path: Path) -> None:
    home = Path(__file__).parents[2]
    for start, entry in ((["-"], None), (["/dev/stdin"], None)):
        done = subprocess.run(
            [sys.executable, *start],
            cwd=code,
            env={**os.environ, "PYTHONPATH": str(home)},
            input=SAY,
            capture_output=True,
            text=True,
        )
        assert not done.returncode, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        assert (found["entry"], bool(found["commit"])) == (entry, True)


def test_a_script_that_is_gone_since_it_was_started_keeps_its_name(tmp_path: Path) -> None:
    script = tmp_path / "job.sh.py"  # what a scheduler makes of a job
    script.write_text("import os; os.unlink(__file__)\n" + SAY)
    found = said(script, cwd=tmp_path)
    assert found["entry"] == "job.sh.py"
    assert found["content"] == hashlib.sha256(b"").hexdigest()


def test_an_ignored_script_is_its_content(code: Path) -> None:
    (code / "scratch").mkdir()
    (code / "scratch/try.py").write_text(SAY)
    found = said("scratch/try.py", cwd=code)
    assert found["content"]
    assert found["commit"] is None


def test_a_notebook_is_the_file_that_its_server_names(code: Path) -> None:
    (code / "jobs/explore.ipynb").write_text('{"cells": []}')
    found = said("-c", SAY, cwd=code, JPY_SESSION_NAME=str(code / "jobs/explore.ipynb"))
    assert found["entry"] == "jobs/explore.ipynb"
    assert found["snapshot"]


def test_a_repository_that_git_refuses_does_not_lose_the_run(code: Path) -> None:
    (code / ".git/index").write_bytes(b"garbage")
    found = said("jobs/train.py", cwd=code)
    assert found["content"]
    assert "cannot be read" in found["remarks"][0]


def test_without_git_the_content_still_says_which_code_it_was(code: Path) -> None:
    found = said("jobs/train.py", cwd=code, PATH="/nowhere")
    assert found["content"] == hashlib.sha256((code / "jobs/train.py").read_bytes()).hexdigest()
    assert "not kept" in found["remarks"][-1]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory of installed packages with one package in it."""
    site = tmp_path / "lib/site-packages"
    (site / "trainer").mkdir(parents=True)
    (site / "trainer/__init__.py").touch()
    (site / "trainer/run.py").write_text(SAY)
    info = site / "The_Trainer-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: The.Trainer\nVersion: 1.2\n")
    (info / "RECORD").write_text("trainer/__init__.py,,\ntrainer/run.py,,\n")
    return site


def test_an_installed_package_is_its_version(site: Path, tmp_path: Path) -> None:
    home = Path(__file__).parents[2]
    found = said("-m", "trainer.run", cwd=tmp_path, PYTHONPATH=f"{site}{os.pathsep}{home}")
    assert (found["package"], found["version"]) == ("the-trainer", "1.2")
    assert (found["entry"], found["patch"]) == ("-m trainer.run", None)


def test_a_package_installed_in_place_is_its_repository(
    site: Path, code: Path, tmp_path: Path
) -> None:
    info = site / "The_Trainer-1.2.dist-info"
    (info / "direct_url.json").write_text(
        json.dumps({"url": code.as_uri(), "dir_info": {"editable": True}})
    )
    home = Path(__file__).parents[2]
    found = said("-m", "trainer.run", cwd=tmp_path, PYTHONPATH=f"{site}{os.pathsep}{home}")
    assert found["commit"] == git("rev-parse", "HEAD", cwd=code).strip()
    assert found["entry"] == "-m trainer.run"


def test_started_by_an_installed_tool_it_is_the_code_that_calls_us(
    site: Path, code: Path, tmp_path: Path
) -> None:
    (site / "trainer/run.py").write_text(
        "import runpy, sys; sys.path.insert(0, sys.argv[1]); import task"
    )
    (code / "task.py").write_text(SAY)
    home = Path(__file__).parents[2]
    place = f"{site}{os.pathsep}{home}"
    found = said("-m", "trainer.run", code, cwd=tmp_path, PYTHONPATH=place)
    assert found["commit"]
    assert found["entry"] == "-m trainer.run"


def test_the_code_of_a_command_is_that_of_its_first_file(code: Path, tmp_path: Path) -> None:
    found = command_version(["python", "-u", str(code / "jobs/train.py"), "x"], tmp_path)
    assert found.entry_point == "jobs/train.py"
    shell = tmp_path / "job.sh"
    shell.write_text("#!/bin/sh\n")
    assert command_version(["sh", "job.sh"], tmp_path).entry_point == "job.sh"
    assert command_version(["true"], code).code.commit


def test_a_kept_script_can_be_restored(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text("#!/bin/sh\necho\n")
    (tmp_path / "job.sh").chmod(0o755)
    found = command_version(["./job.sh"], tmp_path)
    execution = Execution(experiment=EXPERIMENT, code=found.code)
    target = restore(execution, found.patch, tmp_path / "target")
    assert (target / "job.sh").read_text() == "#!/bin/sh\necho\n"
    assert os.access(target / "job.sh", os.X_OK)


def test_one_execution_can_be_forced_for_many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert forced() is None
    monkeypatch.setenv("PADRE_EXECUTION", " x-0123456789ab\n")
    assert forced() == "x-0123456789ab"


def test_the_environment_names_exactly_the_packages_that_are_installed() -> None:
    found = environment("iris")
    expected: dict[str, str] = {}
    for distribution in distributions():
        expected.setdefault(normalise(distribution.metadata["Name"]), distribution.version)
    assert dict(found.packages) == dict(sorted(expected.items()))
    assert list(found.packages) == sorted(found.packages)
    assert found.python.startswith(f"{sys.implementation.name.title()[:1]}")
    assert "3." in found.python


def test_the_environment_does_not_say_where_it_is() -> None:
    found = environment("iris")
    assert os.uname().nodename not in f"{found.python} {found.platform}".split()
    assert str(Path.home()) not in repr(found)


def test_the_environment_is_found_out_quickly_and_once() -> None:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        installed_packages()
        times.append(time.perf_counter() - started)
    assert min(times) < 0.05
    assert environment("iris").packages == environment("other").packages


def test_packages_in_older_forms_are_read_from_their_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {
        "old.egg-info/PKG-INFO": "Name: old\nVersion: 0.9\n",
        "odd-1.0-rc1.dist-info/METADATA": "Name: odd\nVersion: 1.0-rc1\n",
        "broken-1.dist-info.egg-info": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/nowhere"])
    assert installed_packages() == {"odd": "1.0-rc1", "old": "0.9"}


def test_a_program_beside_the_interpreter_belongs_to_its_package() -> None:
    found = package_of(Path(sys.executable).parent / "pytest")
    assert found is not None
    assert found.name == "pytest"
    assert package_of(Path(sys.executable).parent / "nobodys-program") is None
