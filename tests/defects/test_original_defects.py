"""The original's known defects that concern a backend, each named by its number.

The numbers are those of the inventory of PyPaDRe that this project was built from; docs/pypadre
says what became of each feature.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import padre_git
from tests.conftest import git
from tests.defects.conftest import a_run

Pair = tuple[padre_git.Store, padre_git.Store]


def _everything(store: padre_git.Store, project: str) -> dict[str, bytes]:
    clone = store.project_path(project)
    return {str(p.relative_to(clone)): p.read_bytes() for p in clone.rglob("*")
            if p.is_file() and ".git" not in p.relative_to(clone).parts}  # fmt: skip


def test_d1_putting_a_parent_again_keeps_its_children_and_its_history(
    store: padre_git.Store,
) -> None:
    run = a_run(store)
    before = len(git("log", "--oneline", cwd=store.project_path("iris")).splitlines())
    store.projects.put(store.projects.get("iris").replace(title="Flowers"))
    store.experiments.put(store.experiments.get("iris/svm").replace(title="RBF"))
    store.runs.put(run.replace(tags={**run.tags, "kept": ""}))
    assert store.runs.get(run.key).parameters == run.parameters
    assert len(store.splits.list(run)) == 1
    assert len(store.computations.list(run)) == 2
    assert len(git("log", "--oneline", cwd=store.project_path("iris")).splitlines()) == before + 3


def test_d2_a_put_merges_with_what_is_stored(pair: Pair) -> None:
    alice, bob = pair
    alice.projects.put(padre_git.Project(name="iris"))
    alice.experiments.put(
        padre_git.Experiment(project="iris", name="svm", description="a question")
    )
    bob.experiments.put(bob.experiments.get("iris/svm").replace(title="by bob"))
    alice.experiments.put(alice.experiments.get("iris/svm").replace(seed=3))
    merged = bob.experiments.get("iris/svm")
    assert (merged.title, merged.description, merged.seed) == ("by bob", "a question", 3)


def test_d3_a_seed_is_what_was_stored_however_often_it_is_loaded(store: padre_git.Store) -> None:
    store.projects.put(padre_git.Project(name="iris"))
    store.experiments.put(padre_git.Experiment(project="iris", name="svm", seed=7))
    store.experiments.put(padre_git.Experiment(project="iris", name="none"))
    assert [store.experiments.get("iris/svm").seed for _ in range(3)] == [7, 7, 7]
    assert store.experiments.get("iris/none").seed is None


def test_d4_d9_a_loaded_computation_is_the_stored_one_and_its_references_hold(
    store: padre_git.Store,
) -> None:
    run = a_run(store)
    score = store.computations.get(run, "score")
    assert score.predecessor == "fit"
    assert store.computations.get(run, score.predecessor).parameters == {"C": 1.0}
    assert store.computations.get(run, "score") == score


def test_d5_d7_metrics_are_read_back_and_stored_once(store: padre_git.Store) -> None:
    run = a_run(store)
    assert store.runs.get(run.key).metrics == {"accuracy": 0.9}
    files = [name for name, content in _everything(store, "iris").items()
             if run.id in name and b"accuracy: 0.9" in content]  # fmt: skip
    assert sorted(Path(name).name for name in files) == ["metrics.yaml", "run.yaml", "splits.yaml"]


def test_d6_splits_are_read_back_with_their_indices_in_order(store: padre_git.Store) -> None:
    split = store.splits.get(a_run(store), 0)
    assert list(split.train or ()) == [3, 1, 2]
    assert list(split.test or ()) == [0, 4]


def test_d8_metrics_of_a_computation_and_its_result_do_not_overwrite_each_other(
    store: padre_git.Store,
) -> None:
    run = a_run(store)
    assert store.computations.get(run, "score").metrics == {"accuracy": 0.9}
    assert store.splits.get(run, 0).results == padre_git.Results(truth=[1, 0], predicted=[1, 1])


def test_d10_the_attributes_that_are_written_are_attributes_to_git(store: padre_git.Store) -> None:
    run = a_run(store)
    clone = store.project_path("iris")
    series = next(clone.rglob(f"{run.id}/series.csv")).relative_to(clone)
    assert git("check-attr", "diff", series, cwd=clone).strip().endswith("diff: unset")


def test_d11_a_bare_repository_is_bare(pair: Pair, tmp_path: Path) -> None:
    pair[0].projects.put(padre_git.Project(name="iris"))
    assert git("rev-parse", "--is-bare-repository", cwd=tmp_path / "lab/iris.git").strip() == "true"


@pytest.mark.parametrize("default", ["master", "trunk", "main"])
def test_d12_no_default_branch_of_the_user_is_in_the_way(
    store: padre_git.Store, own_home: Path, default: str
) -> None:
    git("config", "--file", own_home / "gitconfig", "init.defaultBranch", default, cwd=own_home)
    a_run(store)
    a_run(store)
    clone = store.project_path("iris")
    assert git("symbolic-ref", "--short", "HEAD", cwd=clone).strip() == "main"
    assert git("status", "--porcelain", cwd=clone) == ""


def test_d13_an_error_of_a_put_reaches_the_caller(store: padre_git.Store) -> None:
    with pytest.raises(padre_git.NotFoundError):
        store.experiments.put(padre_git.Experiment(project="nowhere", name="svm"))
    a_run(store)
    old = store.experiments.get("iris/svm")
    store.experiments.put(old.replace(title="new"))
    with pytest.raises(padre_git.ConflictError):
        store.experiments.put(old.replace(title="stale"))
    assert store.experiments.get("iris/svm").title == "new"


def test_d14_a_list_honours_offset_and_limit_and_leaves_the_query_alone(
    store: padre_git.Store,
) -> None:
    for c in range(5):
        a_run(store, C=c)
    query = {"parameters.kernel": None, "seed": 7}
    del query["parameters.kernel"]
    kept = dict(query)
    page = store.runs.list("iris/svm", where=query, order_by="parameters.C", offset=1, limit=3)
    assert [run.parameters["C"] for run in page] == [1, 2, 3]
    assert query == kept


def test_d15_a_record_is_found_by_its_content(store: padre_git.Store) -> None:
    run = a_run(store, C=3)
    assert store.runs.find("iris/svm", {"C": 3}, seed=7) == run
    assert store.runs.find("iris/svm", {"C": 3}, seed=8) is None
    execution = store.executions.get(run.execution)
    assert store.executions.get(f"iris/svm/{execution.id}") == execution


@pytest.mark.parametrize("kind", ["projects", "datasets", "experiments", "executions", "runs"])
def test_d16_deleting_what_does_not_exist_is_a_typed_error(
    store: padre_git.Store, kind: str
) -> None:
    a_run(store)
    reference = {"projects": "nowhere", "datasets": "iris/none", "experiments": "iris/none"}.get(
        kind, "iris/svm/zzzz"
    )
    with pytest.raises(padre_git.NotFoundError):
        getattr(store, kind).delete(reference)


def test_d18_executions_do_not_share_their_runs(store: padre_git.Store) -> None:
    one, other = a_run(store, "iris/svm"), a_run(store, "iris/forest")
    assert [run.key for run in store.runs.list("iris/svm")] == [one.key]
    assert [run.key for run in store.runs.list("iris/forest")] == [other.key]


_SCRIPT = """
import sys, padre_git
with padre_git.open(sys.argv[1]) as store, store.start_run("iris/svm", {}) as run:
    pass
print(store.runs.get(run.key).execution)
"""


def _execute(script: Path, root: Path) -> str:
    done = subprocess.run(
        [sys.executable, script.name, str(root)], cwd=script.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script in a repository of the user's own."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text(_SCRIPT)
    git("init", "-q", cwd=code)
    git("add", ".", cwd=code)
    git("commit", "-qm", "first", cwd=code)
    return code / "train.py"


def test_d19_two_versions_of_code_are_both_kept(
    store: padre_git.Store, script: Path, tmp_path: Path
) -> None:
    first = _execute(script, tmp_path / "research")
    script.write_text(_SCRIPT + "# changed\n")
    second = _execute(script, tmp_path / "research")
    assert first != second
    for execution, text in ((first, _SCRIPT), (second, _SCRIPT + "# changed\n")):
        target = tmp_path / execution.rpartition("/")[2]
        store.executions.checkout(execution, target)
        assert (target / "train.py").read_text() == text


def test_d20_putting_again_publishes_what_is_new(pair: Pair) -> None:
    alice, bob = pair
    alice.projects.put(padre_git.Project(name="iris", title="one"))
    alice.projects.put(alice.projects.get("iris").replace(title="two"))
    assert bob.projects.get("iris").title == "two"


def test_d21_a_name_that_is_part_of_another_is_not_mixed_up(pair: Pair) -> None:
    alice, bob = pair
    for name in ("iris", "iris-2", "my-iris"):
        alice.projects.put(padre_git.Project(name=name, title=name))
    assert [bob.projects.get(name).title for name in ("iris", "iris-2", "my-iris")] == [
        "iris",
        "iris-2",
        "my-iris",
    ]
    assert {project.name for project in bob.projects.list()} == {"iris", "iris-2", "my-iris"}


def test_d22_d38_threads_do_not_get_in_each_others_way(store: padre_git.Store) -> None:
    store.projects.put(padre_git.Project(name="iris"))

    def put(n: int) -> None:
        store.experiments.put(padre_git.Experiment(project="iris", name=f"e{n}", seed=n))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(24)))
    assert {e.name: e.seed for e in store.experiments.list("iris")} == {
        f"e{n}": n for n in range(24)
    }
    assert git("fsck", "--full", "--strict", cwd=store.project_path("iris")) == ""


def test_d23_a_delete_reaches_the_remote(pair: Pair) -> None:
    alice, bob = pair
    alice.projects.put(padre_git.Project(name="iris"))
    alice.experiments.put(padre_git.Experiment(project="iris", name="svm"))
    assert bob.experiments.exists("iris/svm")
    alice.experiments.delete("iris/svm")
    assert not bob.experiments.exists("iris/svm")


def test_d25_nothing_gathers_duplicates(store: padre_git.Store) -> None:
    store.projects.put(padre_git.Project(name="iris"))
    for _ in range(3):
        store.experiments.put(padre_git.Experiment(project="iris", name="svm"))
    clone = store.project_path("iris")
    assert len(git("log", "--oneline", cwd=clone).splitlines()) == 2
    assert [e.name for e in store.experiments.list("iris")] == ["svm"]


def test_d26_damage_does_not_look_like_absence(store: padre_git.Store) -> None:
    a_run(store)
    clone = store.project_path("iris")
    (clone / "experiments/svm/experiment.yaml").write_text(
        "schema: experiment/1\nschema: experiment/1\n"
    )
    git("commit", "-qam", "by hand", cwd=clone)
    with pytest.raises(padre_git.DocumentError, match=r"experiment\.yaml:2"):
        store.experiments.get("iris/svm")
    with pytest.raises(padre_git.NotFoundError):
        store.experiments.get("iris/other")


def test_d28_the_same_commit_cloned_elsewhere_is_the_same_execution(
    script: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "else" / "where"
    elsewhere.parent.mkdir()
    git("clone", "-q", script.parent, elsewhere, cwd=tmp_path)
    assert _execute(script, tmp_path / "research") == _execute(
        elsewhere / "train.py", tmp_path / "research"
    )


@pytest.mark.parametrize("name", ["../../escaped", "a/b", "..", ".. _iris", "con", ".git"])
def test_d29_a_name_never_leaves_the_root(
    store: padre_git.Store, tmp_path: Path, name: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    for put in (
        lambda: store.projects.put(padre_git.Project(name=name)),
        lambda: store.experiments.put(padre_git.Experiment(project="iris", name=name)),
        lambda: store.start_run(f"{name}/svm", {}),
    ):
        with pytest.raises(padre_git.InvalidInputError):
            put()
    assert sorted(tmp_path.rglob("*")) == before


def test_d30_what_is_stored_is_text_or_the_users_own_bytes(store: padre_git.Store) -> None:
    a_run(store)
    for name, content in _everything(store, "iris").items():
        assert b"\x80\x04" not in content[:2], f"{name} is a pickle"
        content.decode()


def test_d31_a_token_in_a_location_is_refused_and_never_written(tmp_path: Path) -> None:
    with pytest.raises(padre_git.InvalidInputError) as caught:
        padre_git.open(tmp_path / "research", remote="https://oauth2:s3cr3t@example.org/lab")
    assert "s3cr3t" not in str(caught.value)
    written = [p for p in tmp_path.rglob("*") if p.is_file() and b"s3cr3t" in p.read_bytes()]
    assert written == []


def test_d32_newer_is_decided_by_history_not_by_clocks(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = pair
    alice.projects.put(padre_git.Project(name="iris", title="first"))
    assert bob.projects.get("iris").title == "first"
    clone = alice.project_path("iris")
    document = clone / "project.yaml"
    document.write_text(document.read_text().replace("first", "second"))
    past = {
        **os.environ,
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
    }
    git("commit", "-qam", "dated long ago", cwd=clone, env=past)
    alice.push("iris")
    assert bob.projects.get("iris").title == "second"


def test_d33_the_root_holds_projects_and_no_log_that_grows(
    store: padre_git.Store, tmp_path: Path
) -> None:
    a_run(store)
    assert {p.name for p in (tmp_path / "research").iterdir() if not p.name.startswith(".")} <= {
        "iris",
        "padre-git.yaml",
    }


def test_d35_a_name_is_published_and_the_url_is_written(pair: Pair, tmp_path: Path) -> None:
    alice, _ = pair
    with padre_git.open(tmp_path / "offline", policy="manual") as store:
        store.projects.put(padre_git.Project(name="iris"))
        store.experiments.put(padre_git.Experiment(project="iris", name="svm"))
        assert store.experiments.get("iris/svm").url is None
    with padre_git.DualBackend(tmp_path / "offline", remote=str(tmp_path / "lab")) as dual:
        published = dual.put_experiment("iris/svm")
        assert published.url is not None
        assert dual.get_experiment(published.url) == published
        with pytest.raises(padre_git.InvalidInputError):
            dual.delete_experiment("iris/svm", mode="everywhere")
        dual.delete_experiment("iris/svm", mode="all")
    assert not alice.experiments.exists("iris/svm")


def test_d36_a_shorter_document_leaves_no_rest_of_the_longer(store: padre_git.Store) -> None:
    store.projects.put(padre_git.Project(name="iris", description="long " * 100))
    store.projects.put(store.projects.get("iris").replace(description=None, title="x"))
    document = (store.project_path("iris") / "project.yaml").read_text()
    assert document == "schema: project/1\n\ntitle: x\n"


def test_d37_a_pull_brings_changes_of_runs_that_exist_here(pair: Pair) -> None:
    alice, bob = pair
    run = a_run(alice)
    alice.sync("iris")
    assert bob.runs.get(run.key).tags == {}
    alice.runs.tag(run.key, "candidate")
    assert bob.runs.get(run.key).tags == {"candidate": ""}


def test_d39_untracked_and_staged_work_belongs_to_the_code_version(
    store: padre_git.Store, script: Path, tmp_path: Path
) -> None:
    clean = _execute(script, tmp_path / "research")
    (script.parent / "model.py").write_text("LAYERS = 3\n")
    untracked = _execute(script, tmp_path / "research")
    git("add", "model.py", cwd=script.parent)
    staged = _execute(script, tmp_path / "research")
    assert len({clean, untracked, staged}) == 2
    assert untracked == staged
    store.executions.checkout(staged, tmp_path / "restored")
    assert (tmp_path / "restored/model.py").read_text() == "LAYERS = 3\n"


def test_everything_shown_by_the_command_line_is_json(
    store: padre_git.Store, tmp_path: Path
) -> None:
    """D34: the original's searches and listings of the command line were broken."""
    run = a_run(store)
    padre = [sys.executable, "-m", "padre_git", "--root", str(tmp_path / "research")]
    for reference in ([], ["iris"], ["iris/svm"], ["iris", "--kind", "dataset"]):
        done = subprocess.run(
            [*padre, "list", *reference, "--json"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert isinstance(json.loads(done.stdout), list)
    assert run.id is not None
