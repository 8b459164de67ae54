"""Trees of others: odd entries in the places of records, twins, and repositories inside of one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from padre_git import PadreGitError, Skipped, UnpublishedError
from padre_git.api.opening import open_store
from tests.conftest import git
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.hostile.verbs import RUN, use

NAMES = [
    *(".git", ".GIT", "git~1", ".g\u200cit", ".git.", ".git::$INDEX_ALLOCATION", "..", "."),
    *("a\\b", "a\nb", "\x1b[31m", "-rf", "con"),
]
PLACE = f"experiments/svm/runs/2026-11/{RUN}"


@pytest.fixture
def eve(victim: Victim, tmp_path: Path) -> Path:
    """A clone of somebody who can push, and whose server checks nothing."""
    git("config", "receive.fsckObjects", "false", cwd=victim.lab / "iris.git")
    git("clone", "-q", victim.lab / "iris.git", tmp_path / "eve", cwd=tmp_path)
    return tmp_path / "eve"


def entry(clone: Path, mode: str, path: str, content: str = "/etc/passwd") -> None:
    oid = git("hash-object", "-w", "--stdin", cwd=clone, input=content).strip()
    if mode == "160000":
        oid = git("rev-parse", "HEAD", cwd=clone).strip()
    line = f"0 {'0' * 40}\t{path}\n{mode} {oid}\t{path}\n"
    git("update-index", "--index-info", cwd=clone, input=line)


def published(clone: Path) -> None:
    git("commit", "-q", "-m", "nothing to see", cwd=clone)
    git("push", "-q", cwd=clone)


@pytest.mark.parametrize("mode", ["120000", "160000"])
@pytest.mark.parametrize(
    "path",
    [f"{PLACE}/run.yaml", f"{PLACE}/metrics.yaml", f"{PLACE}/artifacts.dvc", f"{PLACE}/notes/x.md",
     "project.yaml", "experiments/svm/experiment.yaml", "datasets/iris-data/data.dvc",
     ".padre/format.yaml", ".dvc/config", ".gitattributes"],
)  # fmt: skip
def test_a_link_or_a_submodule_in_the_place_of_a_file_is_not_followed(
    victim: Victim, canary: Canary, eve: Path, mode: str, path: str, tmp_path: Path
) -> None:
    (eve / path).unlink(missing_ok=True)
    entry(eve, mode, path)
    published(eve)
    for root in (victim.root, tmp_path / "fresh"):
        with open_store(root, remote=victim.lab, policy="manual") as store:
            try:
                store.pull("iris")
                runs = [*store.runs.list("iris/svm"), store.projects.get("iris")]
            except PadreGitError:
                continue
            assert "root:" not in repr(runs)
        leading = [
            p for p in (root / "iris").rglob("*") if p.is_symlink() and ".git" not in p.parts
        ]
        assert [p for p in leading if root != victim.root] == []


def test_names_that_differ_in_case_only_are_two_files_or_refused(
    victim: Victim, canary: Canary, eve: Path
) -> None:
    for name in ("File", "file", "FILE"):
        entry(eve, "100644", f"{PLACE}/notes/{name}.md", name)
        entry(eve, "100644", f"experiments/{name}/experiment.yaml", "schema: experiment/1\n")
    published(eve)
    with victim.store() as store:
        store.pull("iris")
        assert {e.name for e in store.experiments.list("iris")} == {"svm", "file"}
        assert git("status", "--porcelain", cwd=victim.clone) == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_astray_is_refused_or_a_file_like_any_other(
    victim: Victim, canary: Canary, eve: Path, name: str, tmp_path: Path
) -> None:
    blob = git("hash-object", "-w", "--stdin", cwd=eve, input="#!/bin/sh\n").strip()
    inner = b"100755 post-commit\0" + bytes.fromhex(blob)
    words = ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"]
    hooks = subprocess.run(words, cwd=eve, input=inner, capture_output=True, check=True).stdout
    root = subprocess.run(
        ["git", "cat-file", "tree", "HEAD^{tree}"], cwd=eve, capture_output=True, check=True
    ).stdout
    odd = b"40000 " + name.encode() + b"\0" + bytes.fromhex(hooks.decode().strip())
    made = subprocess.run(words, cwd=eve, input=odd + root, capture_output=True, check=True).stdout
    tip = git("commit-tree", made.decode().strip(), "-p", "HEAD", "-m", "odd", cwd=eve).strip()
    git("push", "-q", "origin", f"{tip}:main", cwd=eve)
    for place in (victim.root, tmp_path / "fresh"):
        with open_store(place, remote=victim.lab, policy="manual") as store:
            try:
                store.pull("iris")
                store.projects.put(store.projects.get("iris").replace(title="mine"))
            except PadreGitError:
                pass
        assert not (place / "iris" / ".git" / "post-commit").exists()
        assert not (place / "post-commit").exists()


@pytest.mark.parametrize("name", ["sub", "../../x"])
def test_a_submodule_is_not_fetched_or_looked_into(
    victim: Victim, canary: Canary, eve: Path, tmp_path: Path, name: str
) -> None:
    said = f'[submodule "{name}"]\n\tpath = sub\n\turl = ext::{canary.program}\n\tbranch = .\n'
    entry(eve, "100644", ".gitmodules", said)
    entry(eve, "160000", "sub")
    published(eve)
    for root in (victim.root, tmp_path / "fresh"):
        with open_store(root, remote=victim.lab, policy="manual") as store:
            if name == "sub":
                store.pull("iris")
                assert (root / "iris" / ".gitmodules").exists()
            use(store, victim.scratch)
        assert list((root / "iris").rglob("sub/*")) == []


def nested(victim: Victim, canary: Canary) -> None:
    """Puts a repository into the work tree, as a submodule that git looks into."""
    inside = victim.clone / "sub"
    git("init", "-q", inside, cwd=victim.clone)
    (inside / "file").write_text("file\n")
    (inside / ".gitattributes").write_text("* filter=odd diff=odd\n")
    git("add", "file", cwd=inside)
    git("commit", "-q", "-m", "inside", cwd=inside)
    git("add", "sub", cwd=victim.clone)
    git("commit", "-q", "-m", "sub", cwd=victim.clone)
    for key in ("filter.odd.clean", "filter.odd.process", "core.fsmonitor", "diff.odd.textconv"):
        git("config", key, canary.program, cwd=inside)
    hooks = inside / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "post-index-change", "pre-push", "reference-transaction"):
        shutil.copy(canary.program, hooks / name)
    (inside / "file").write_text("FILE\n")  # as long as before: only its content tells


def test_a_repository_inside_of_a_project_is_not_looked_into(
    victim: Victim, canary: Canary
) -> None:
    nested(victim, canary)
    with victim.store() as store:
        use(store, victim.scratch)
        store.sync("iris")
        with pytest.raises(UnpublishedError, match="sub"):
            store.projects.delete("iris", mode="local")


def test_a_repository_inside_of_a_project_runs_its_programs_for_plain_git(
    victim: Victim, canary: Canary
) -> None:
    nested(victim, canary)
    git("status", cwd=victim.clone, check=False)
    assert canary.is_dead
    canary.mark.unlink()


def test_what_is_skipped_is_told(victim: Victim, canary: Canary, eve: Path) -> None:
    (eve / PLACE / "run.yaml").unlink()
    entry(eve, "120000", f"{PLACE}/run.yaml")
    published(eve)
    with victim.store() as store:
        told: list[Skipped] = []
        store.subscribe(Skipped, told.append)
        store.pull("iris")
        assert store.runs.list("iris/svm") == []
