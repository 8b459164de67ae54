"""Looking: every kind is listed, shown, logged and compared."""

from __future__ import annotations

import json
from pathlib import Path

import padre_git
from tests.cli.conftest import Padre
from tests.conftest import git


def _lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_list_without_a_reference_shows_the_projects(padre: Padre, runs: object) -> None:
    assert _lines(padre("list").stdout)[1][0] == "demo"


def test_list_of_a_project_shows_its_experiments(padre: Padre, runs: object) -> None:
    assert _lines(padre("list", "demo").stdout)[1][0] == "svm"


def test_list_shows_the_parameters_that_differ_and_the_metrics(
    padre: Padre, runs: list[padre_git.Run]
) -> None:
    table = _lines(padre("list", "demo/svm", "--order-by=-metrics.accuracy", "--limit", "2").stdout)
    assert table[0] == ["run", "status", "started", "params.C", "metrics.loss", "metrics.accuracy"]
    assert [row[-1] for row in table[1:]] == ["0.92", "0.91"]
    assert runs[-1].id is not None
    assert table[1][0] in runs[-1].id


def test_list_filters_and_chooses_columns(padre: Padre, runs: object) -> None:
    query = ["--where", "params.C >= 1 and tags.sweep = ''", "--order-by", "metrics.accuracy"]
    out = padre("list", "demo/svm", *query, "--columns", "params.kernel,metrics.accuracy").stdout
    assert _lines(out) == [["params.kernel", "metrics.accuracy"], ["rbf", "0.91"], ["rbf", "0.92"]]


def test_list_of_every_kind(
    padre: Padre, store: padre_git.Store, runs: list[padre_git.Run]
) -> None:
    store.datasets.put(padre_git.Dataset(project="demo", name="digits", title="Digits"))
    assert _lines(padre("list", "demo", "--kind", "dataset").stdout)[1][:2] == ["digits", "Digits"]
    executions = _lines(padre("list", "demo/svm", "--kind", "execution").stdout)
    assert len(executions) == 2
    assert len(json.loads(padre("list", "demo", "--kind", "run", "--json").stdout)) == 3


def test_an_empty_list_says_so_and_prints_no_data(padre: Padre) -> None:
    result = padre("list")
    assert result.stdout == ""
    assert "no projects" in result.stderr


def test_json_of_a_run_has_everything_an_entity_has(
    padre: Padre, runs: list[padre_git.Run]
) -> None:
    shown = json.loads(padre("show", runs[0].key.text, "--json").stdout)
    assert shown["key"] == runs[0].key.text
    assert shown["parameters"] == {"C": 0.1, "kernel": "rbf"}
    assert shown["metrics"]["accuracy"] == 0.9
    assert shown["started"].endswith("Z")


def test_show_takes_any_unique_part_of_a_run(padre: Padre, runs: list[padre_git.Run]) -> None:
    listed = padre("list", "demo/svm", "--order-by", "params.C", "--columns", "run")
    short = listed.stdout.split()[1]
    out = padre("show", f"demo/svm/{short}").stdout
    assert "parameters:\n  C: 0.1" in out
    assert "status: finished" in out


def test_show_requirements_prints_what_pip_reads(padre: Padre, runs: list[padre_git.Run]) -> None:
    out = padre("show", runs[0].key.text, "--requirements").stdout
    assert out.startswith("# python")
    assert any(line.lower().startswith("gitpython==") for line in out.splitlines())


def test_log_shows_who_did_what(padre: Padre, runs: list[padre_git.Run]) -> None:
    padre("put", "demo/svm", "--title", "RBF kernel", "-m", "say what it is")
    table = padre("log", "demo/svm").stdout
    assert "say what it is" in table
    assert "Ada Lovelace" in table
    versions = json.loads(padre("log", "demo/svm", "--only", "--json").stdout)
    assert [v["op"] for v in versions] == ["put", "record"]


def test_diff_of_two_runs_says_parameters_and_metrics(
    padre: Padre, runs: list[padre_git.Run]
) -> None:
    rows = json.loads(padre("diff", runs[0].key.text, runs[2].key.text, "--json").stdout)
    by_field = {row["field"]: (row["a"], row["b"]) for row in rows}
    assert by_field["parameters.C"] == (0.1, 10.0)
    assert by_field["metrics.accuracy"] == (0.9, 0.92)
    assert "parameters.kernel" not in by_field


def test_diff_of_two_commits_says_what_came_and_went(
    padre: Padre, store: padre_git.Store, runs: list[padre_git.Run]
) -> None:
    before = git("rev-parse", "HEAD", cwd=store.project_path("demo")).strip()
    padre("put", "demo/svm", "--title", "RBF kernel")
    padre("delete", runs[0].key.text)
    out = padre("diff", "--project", "demo", before, "HEAD").stdout
    assert "changed demo/experiments/svm\n  title: None -> RBF kernel" in out
    assert f"deleted {runs[0].key}" in out
    out = padre("diff", "--project", "demo", f"{before}~1", before).stdout
    assert f"added {runs[2].key}\n  parameters.C: 10.0" in out


def test_an_unknown_reference_is_one_line_of_error_and_one_of_advice(
    padre: Padre, runs: object
) -> None:
    result = padre("show", "demo/swm", code=1)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert "svm" in result.stderr
    assert "Traceback" not in result.output


def test_text_from_others_cannot_drive_the_terminal(
    padre: Padre, store: padre_git.Store, root: Path
) -> None:
    store.projects.put(padre_git.Project(name="evil", title="\x1b]0;owned\x07 red \x1b[31m"))
    for command in (["list"], ["show", "evil"], ["log", "evil"]):
        assert "\x1b" not in padre(*command).output


def test_a_corrupt_record_is_reported_and_the_others_are_listed(
    padre: Padre, store: padre_git.Store, runs: list[padre_git.Run]
) -> None:
    clone = store.project_path("demo")
    path = next(clone.rglob(f"{runs[1].id}/run.yaml"))
    path.write_text(path.read_text() + "parameters: 1\n")
    git("commit", "-qam", "broken by hand", cwd=clone)
    result = padre("list", "demo/svm")
    assert len(result.stdout.splitlines()) == 3
    assert "run.yaml" in result.stderr


def test_status_of_a_store_without_remote_says_so(padre: Padre, runs: list[padre_git.Run]) -> None:
    assert "local only" in padre("status").stdout
    assert json.loads(padre("status", "demo", "--json").stdout)[0]["url"] is None
    assert "no project" in padre("status", "nowhere", code=1).stderr
