"""Settling conflicts on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import padre_git
from padre_git.cli.group import commands
from tests.conftest import git


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A remote, and two roots that contradict each other in three places."""
    (tmp_path / "lab").mkdir()
    with padre_git.open(tmp_path / "ada", remote=tmp_path / "lab") as ada:
        with ada.start_run("demo/svm", {"C": 1.0}, id="r-20261121t101500-k3v9x2m7q4tz"):
            pass
        experiment = ada.experiments.get("demo/svm")
        ada.experiments.put(experiment.replace(title="SVM", parameters={"C": 1.0, "gamma": 2.0}))
    with padre_git.open(tmp_path / "ben", remote=tmp_path / "lab", policy="manual") as ben:
        ben.pull("demo")
        contradict(ben, "ours", 2.0)
    with padre_git.open(tmp_path / "ada") as ada:
        contradict(ada, "theirs", 3.0)
        ada.runs.tag("demo/svm/k3v9", "best")
    with padre_git.open(tmp_path / "ben", policy="manual") as ben:
        ben.runs.delete("demo/svm/k3v9")
        with pytest.raises(padre_git.ConflictError):
            ben.pull("demo")
    return tmp_path


def contradict(store: padre_git.Store, title: str, c: float) -> None:
    experiment = store.experiments.get("demo/svm")
    parameters = {**experiment.parameters, "C": c}
    store.experiments.put(experiment.replace(title=title, parameters=parameters))


@pytest.fixture
def ben(lab: Path) -> Iterator[padre_git.Store]:
    with padre_git.open(lab / "ben", policy="manual") as store:
        yield store


def resolve(lab: Path, *arguments: str, code: int = 0) -> Result:
    runner = CliRunner()
    words = ["--root", str(lab / "ben"), "resolve", *arguments]
    result = runner.invoke(commands, words, prog_name="padre-git")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def fields(lab: Path, *arguments: str) -> list[str | None]:
    """Returns the fields that are open at a place."""
    found = json.loads(resolve(lab, "demo", *arguments, "--json").stdout)
    return [place["field"] for place in found]


RUN = "demo/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz"


def test_without_a_choice_it_shows_a_table_and_settles_nothing(lab: Path) -> None:
    shown = resolve(lab, "demo").stdout.splitlines()
    assert shown[0].split() == ["record", "field", "before", "ours", "theirs"]
    assert shown[1].split() == ["demo/experiments/svm", "parameters.C", "1", "2", "3"]
    assert shown[2].split() == ["demo/experiments/svm", "title", "SVM", "ours", "theirs"]
    assert shown[3].split() == [RUN, "there", "deleted", "changed"]
    assert resolve(lab, "demo").stdout.splitlines() == shown


def test_as_json(lab: Path) -> None:
    found = json.loads(resolve(lab, "demo", "--json").stdout)
    assert [place["field"] for place in found] == ["parameters.C", "title", None]
    assert found[0] == {
        "key": "demo/experiments/svm",
        "field": "parameters.C",
        "base": 1.0,
        "ours": 2.0,
        "theirs": 3.0,
    }
    assert found[2]["ours"] is None
    assert found[2]["theirs"]["status"] == "finished"


@pytest.mark.parametrize(
    "ref",
    [
        "svm",
        "experiments/svm",
        "demo/svm",
        "demo/experiments/svm",
        "svm/k3v9",
        "demo/svm/k3v9",
        RUN,
    ],
)
def test_a_record_is_named_as_elsewhere_with_what_is_below_it(lab: Path, ref: str) -> None:
    assert fields(lab, ref) == ([None] if "k3v9" in ref else ["parameters.C", "title", None])
    assert fields(lab, "svm", "title") == ["title"]


def test_place_by_place_until_everything_is_merged(lab: Path, ben: padre_git.Store) -> None:
    clone = lab / "ben/demo"
    before = git("rev-parse", "main", cwd=clone)
    first = resolve(lab, "demo", "svm", "parameters.C", "--value", "2.5")
    assert "2 places left; nothing is merged yet" in first.stderr
    assert "title" in first.stdout
    second = resolve(lab, "demo", "svm", "title", "--theirs")
    assert "1 place left" in second.stderr
    assert git("rev-parse", "main", cwd=clone) == before
    assert "demo: merged" in resolve(lab, "demo", "svm/k3v9", "--keep").stderr
    text = git("log", "-1", "--format=%B", cwd=clone)
    assert "* demo/experiments/svm parameters.C: value" in text
    assert "* demo/experiments/svm title: theirs" in text
    assert f"* {RUN}: theirs" in text
    experiment = ben.experiments.get("demo/svm")
    assert (experiment.title, experiment.parameters["C"]) == ("theirs", 2.5)
    assert ben.runs.get("demo/svm/k3v9").tags == {"best": ""}
    ben.sync("demo")
    assert "nothing to settle" in resolve(lab, "demo").stderr
    assert "nothing to settle" in resolve(lab, "demo", "--ours").stderr


@pytest.mark.parametrize(("choice", "title"), [("--ours", "ours"), ("--theirs", "theirs")])
def test_all_at_once(lab: Path, ben: padre_git.Store, choice: str, title: str) -> None:
    assert "demo: merged" in resolve(lab, "demo", choice).stderr
    assert ben.experiments.get("demo/svm").title == title
    assert ben.runs.exists("demo/svm/k3v9") is (choice == "--theirs")


def test_what_was_deleted_is_kept_or_deleted_and_nothing_else_is_settled(
    lab: Path, ben: padre_git.Store
) -> None:
    assert "2 places left" in resolve(lab, "demo", "--delete").stderr
    resolve(lab, "demo", "--ours")
    assert not ben.runs.exists("demo/svm/k3v9")


def test_what_is_wrong_is_said(lab: Path) -> None:
    assert "nothing is open at 'mlp'" in resolve(lab, "demo", "mlp", "--ours", code=1).stderr
    assert "nothing is open" in resolve(lab, "demo", "svm", "seed", "--ours", code=1).stderr
    resolve(lab, "demo", "--value", "3", code=2)
    resolve(lab, "demo", "svm", "title", "--value", "3", "--ours", code=2)
    assert "no clone of project 'iris'" in resolve(lab, "iris", code=1).stderr
    assert len(json.loads(resolve(lab, "demo", "--json").stdout)) == 3


def test_a_value_for_text_is_text(lab: Path, ben: padre_git.Store) -> None:
    resolve(lab, "demo", "svm", "title", "--value", "2026")
    resolve(lab, "demo", "--theirs")
    assert ben.experiments.get("demo/svm").title == "2026"


def test_an_error_elsewhere_says_what_to_type(lab: Path) -> None:
    done = CliRunner().invoke(
        commands, ["--root", str(lab / "ben"), "sync", "demo"], prog_name="padre-git"
    )
    assert done.exit_code == 3
    assert "padre-git resolve demo" in done.stderr


def test_in_python_it_reads_as_it_is_meant(ben: padre_git.Store) -> None:
    found = {(c.key, c.field): c for c in ben.conflicts("demo")}
    title = found["demo/experiments/svm", "title"]
    left = ben.settle(
        "demo", padre_git.Decision(title, padre_git.Choice.VALUE, "Support vectors"), rest="ours"
    )
    assert left == ()
    assert ben.experiments.get("demo/svm").title == "Support vectors"
    assert ben.conflicts("demo") == ()


def test_a_store_without_a_remote_has_no_conflicts(tmp_path: Path) -> None:
    with padre_git.open(tmp_path) as store:
        store.ensure("demo/svm")
        assert store.conflicts("demo") == ()
        assert store.settle("demo", rest="ours") == ()
        with pytest.raises(padre_git.NotFoundError):
            store.conflicts("iris")


def test_two_choices_at_once_are_wrong_usage_and_settle_nothing(lab: Path) -> None:
    said = resolve(lab, "demo", "--ours", "--theirs", code=2).stderr
    assert "--ours and --theirs at once" in said
    assert "2.0" not in resolve(lab, "demo", "svm", "parameters.C").stderr
    assert len(json.loads(resolve(lab, "demo", "--json").stdout)) == 3


def test_a_command_tells_once_that_nothing_is_merged(lab: Path) -> None:
    with padre_git.open(lab / "ben") as ben:  # asks the remote by itself
        assert ben.remote is not None
    words = ["--root", str(lab / "ben"), "put", "demo/svm", "--description", "SVM"]
    said = CliRunner().invoke(commands, words, prog_name="padre-git").stderr
    assert said.count("'demo' is not merged with its remote") == 1


def test_the_error_shows_values_as_every_table_does(lab: Path) -> None:
    words = ["--root", str(lab / "ben"), "sync", "demo"]
    said = CliRunner().invoke(commands, words, prog_name="padre-git").stderr
    assert "parameters.C: 2 here, 3 there" in said


def test_a_file_that_both_changed_is_shown_and_settled_by_its_name(
    lab: Path, ben: padre_git.Store
) -> None:
    resolve(lab, "demo", "--ours")
    ben.sync("demo")
    with padre_git.open(lab / "ada", policy="manual") as ada:
        ada.sync("demo")
        for store, text in ((ada, "ada's"), (ben, "ben's own")):
            with store.start_run("demo/svm", id="r-20261121t101500-x3v9x2m7q4tz") as run:
                run.log_text("report.md", text)
        ada.sync("demo")
        with pytest.raises(padre_git.ConflictError):
            ben.sync("demo")
    shown = resolve(lab, "demo", "svm/x3v9", "artifacts/report.md").stdout.splitlines()[1]
    assert "9 bytes" in shown
    assert "5 bytes" in shown
    assert "artifacts.dvc" not in shown
    resolve(lab, "demo", "svm/x3v9", "artifacts/report.md", "--theirs")
    assert "artifacts/report.md" not in fields(lab)


def test_a_second_choice_replaces_the_first_until_all_is_merged(
    lab: Path, ben: padre_git.Store
) -> None:
    resolve(lab, "demo", "svm", "title", "--theirs")
    assert fields(lab) == ["parameters.C", None]
    said = resolve(lab, "demo").stderr
    assert "decided: demo/experiments/svm title: theirs" in said
    (decision,) = ben.decisions("demo")
    assert (decision.conflict.field, decision.choice) == ("title", padre_git.Choice.THEIRS)
    resolve(lab, "demo", "svm", "title", "--value", "both")
    assert fields(lab) == ["parameters.C", None]
    resolve(lab, "demo", "svm", "title", "--ours")
    resolve(lab, "demo", "--theirs")
    experiment = ben.experiments.get("demo/svm")
    assert (experiment.title, experiment.parameters["C"]) == ("ours", 3.0)
    assert ben.decisions("demo") == ()
