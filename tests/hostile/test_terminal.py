"""Terminals: nothing that a project or a server says drives one, whatever command shows it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from padre_git import Environment, Notice, RemoteUntrustedError, Skipped, UntrustedProjectError
from padre_git.cli.group import commands
from padre_git.format import identify, write_document
from padre_git.vcs.trust import check_clone, check_receiver
from tests.conftest import git
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.hostile.verbs import RUN, use

#: Red text, a title for the window, the same without an escape, backwards, and what hides a line.
EVIL = "x\x1b[31m\x1b]0;title\x07\x9b31m\x85\u202e\u2066\u2028\x7f\r\x08\u200b\U000e0041end"
LINE = "".join(EVIL.replace("\r", "").splitlines())
HELD = f"iris/svm/{RUN}"


def is_quiet(text: str) -> bool:
    return all(c.isprintable() or c in "\n\t" for c in text)


def found(victim: Victim, pattern: str) -> Path:
    return next(path for path in victim.clone.rglob(pattern) if ".git" not in path.parts)


def written(victim: Victim, pattern: str, **values: Any) -> None:
    """Gives a document these values, as somebody would who writes it by hand."""
    path = found(victim, pattern)
    schema = path.read_text().partition("schema: ")[2].partition("\n")[0]
    head = {"schema": schema} if schema else {}
    path.write_bytes(write_document({**head, **values}))


def project(victim: Victim) -> None:
    written(victim, "project.yaml", title=EVIL, description=f"{EVIL}\n{EVIL}", tags=[EVIL])


def experiment(victim: Victim) -> None:
    written(victim, "experiment.yaml", title=EVIL, parameters={EVIL: EVIL, "list": [EVIL]})


def run(victim: Victim) -> None:
    written(
        victim, "run.yaml", status="finished", title=EVIL, argv=[EVIL],
        execution=found(victim, "execution.yaml").parent.name,
        parameters={EVIL: 1.0, "C": EVIL, "more": {EVIL: [EVIL]}}, attributes={EVIL: EVIL},
    )  # fmt: skip


def metrics(victim: Victim) -> None:
    found(victim, "metrics.yaml").write_bytes(write_document({EVIL: 1.0, "plain": 0.5}))


def environment(victim: Victim) -> None:
    ran_in(victim, {"python": LINE, "platform": LINE, "packages": {"x": LINE, "y": "1"}})


def ran_in(victim: Victim, values: dict[str, Any]) -> None:
    """Gives the run an environment, under the name that its content has."""
    name = identify(Environment(project="iris", **values)).id
    document = write_document({"schema": "environment/1", **values})
    (victim.clone / "environments" / f"{name}.yaml").write_bytes(document)
    path = found(victim, "run.yaml")
    path.write_text(re.sub("environment: e-.*", f"environment: {name}", path.read_text()))


def no_schema(victim: Victim) -> None:
    written(victim, "experiment.yaml", **{EVIL: EVIL})


def broken(victim: Victim) -> None:
    found(victim, "run.yaml").write_text(f"schema: run/1\n{EVIL}: [\n")


def later(victim: Victim) -> None:
    (victim.clone / ".padre" / "format.yaml").write_bytes(
        write_document({"format": 99, "extensions": [EVIL]})
    )


def parts(victim: Victim) -> None:
    place = found(victim, "run.yaml").parent
    for name in ("notes", "tags"):
        (place / name).mkdir(exist_ok=True)
    (place / "notes" / "20261122t0347-5vhk.md").write_text(EVIL)
    (place / "notes" / f"{EVIL.replace('/', '')}.md").write_text(EVIL)
    (place / "tags" / "good").write_text(EVIL)
    (place / "tags" / EVIL).write_text(EVIL)
    (place / "error.txt").write_text(EVIL)


def names(victim: Victim) -> None:
    for name in (EVIL, "a\nb"):
        place = victim.clone / "experiments" / name / "runs" / "2026-11" / name
        place.mkdir(parents=True)
        (place / "run.yaml").write_text(EVIL)
        (victim.clone / "datasets" / name).mkdir(parents=True)
        (victim.clone / "datasets" / name / "dataset.yaml").write_text(EVIL)


def pointer(victim: Victim) -> None:
    path = found(victim, "artifacts.dvc")
    path.write_text(
        path.read_text().replace("path: artifacts", f'path: "{EVIL!r}"') + f"\n# {EVIL}"
    )


def settings(victim: Victim) -> None:
    (victim.clone / ".dvc" / "config").write_text(
        "[core]\n    remote = lab\n['remote \"lab\"']\n"
        f"    url = http://{EVIL}\n    {EVIL} = {EVIL}\n"
    )


def all_fields(victim: Victim) -> None:
    for change in (project, experiment, run, metrics, environment, parts):
        change(victim)


def nothing(victim: Victim) -> None:
    """Leaves the documents as they are: author and message are bad enough."""


SAID: list[list[str]] = [
    ["list"],
    ["list", "iris"],
    ["list", "iris/svm"],
    ["list", "iris", "--kind", "run", "--columns", "key,metrics,parameters,tags,title"],
    ["list", "iris/svm", "--json"],
    ["list", "iris", "--deleted"],
    ["show", "iris"],
    ["show", "iris", "--json"],
    ["show", "iris/svm"],
    ["show", HELD],
    ["show", HELD, "--json"],
    ["show", HELD, "--requirements"],
    ["log", "iris"],
    ["log", "iris", "--json"],
    ["diff", "iris/svm", HELD],
    ["diff", "iris", "HEAD~1", "HEAD"],
    ["status"],
    ["status", "--json"],
    ["remote"],
    ["resolve", "iris"],
    ["get", HELD],
    ["get", HELD, "notes.txt"],
    ["verify"],
    ["verify", "--json"],
    ["repair", "iris"],
    ["gc", "--dry-run"],
    ["sync", "iris"],
    ["tag", HELD, "more"],
    ["note", HELD, "hello"],
    ["rename", "iris/svm", "other"],
    ["delete", "iris/other", "--yes"],
    ["restore", "iris/other"],
]


@pytest.mark.parametrize(
    "change",
    [nothing, all_fields, metrics, environment, no_schema, broken, later, names, pointer, settings],
)  # fmt: skip
def test_no_command_passes_on_what_drives_a_terminal(
    victim: Victim, canary: Canary, change: Callable[[Victim], None]
) -> None:
    change(victim)
    git("add", "-A", "-f", ".", cwd=victim.clone)
    author = ("-c", f"user.name={EVIL}", "-c", f"user.email={EVIL}@example.org")
    git(*author, "commit", "-q", "--allow-empty", "-m", f"{EVIL}\n\n{EVIL}", cwd=victim.clone)
    git("branch", EVIL.encode().hex(), cwd=victim.clone)
    for words in SAID:
        ran = CliRunner().invoke(commands, ["--root", str(victim.root), *words])
        assert is_quiet(ran.output), (words, [c for c in ran.output if not is_quiet(c)], ran.output)
        assert ran.exception is None or isinstance(ran.exception, SystemExit), (
            words,
            ran.exception,
        )
        if "--json" in words and ran.stdout:
            json.loads(ran.stdout)


@pytest.mark.parametrize("change", [all_fields, no_schema, broken, later, names, settings])
def test_no_error_and_no_event_passes_it_on_either(
    victim: Victim, canary: Canary, change: Callable[[Victim], None]
) -> None:
    """Who uses the library prints errors and notices as they are."""
    change(victim)
    git("add", "-A", "-f", ".", cwd=victim.clone)
    git("commit", "-q", "--allow-empty", "-m", EVIL, cwd=victim.clone)
    said: list[str] = []
    with victim.store() as store:
        store.subscribe(Skipped, lambda event: said.append(str(event.error)))
        store.subscribe(Notice, lambda event: said.append(event.text))
        said += [str(error) for error in use(store, victim.scratch).values()]
    assert [text for text in said if not is_quiet(text)] == []


@pytest.mark.parametrize("place", ["hooks", "refs/heads", "config"])
def test_what_is_refused_is_named_without_it(victim: Victim, canary: Canary, place: str) -> None:
    git_dir, bare = victim.clone / ".git", victim.lab / "iris.git"
    if place == "config":
        with (git_dir / "config").open("a") as file:
            file.write(f'[filter "{EVIL}"]\n\tclean = x\n')
    else:
        (git_dir / place).mkdir(exist_ok=True)
        (git_dir / place / LINE).symlink_to(canary.program)
        (bare / place).mkdir(exist_ok=True)
        shutil.copy(canary.program, bare / place / LINE)
    for check in (check_clone, check_receiver):
        if check is check_clone or place == "hooks":
            with pytest.raises((UntrustedProjectError, RemoteUntrustedError)) as caught:
                check(victim.clone if check is check_clone else bare)
            assert is_quiet(str(caught.value))


def test_no_line_of_the_requirements_is_an_option(victim: Victim, canary: Canary) -> None:
    """pip would take packages from there."""
    options = {
        "--index-url http://127.0.0.1 #": "1",
        "-r x": "1",
        "x": "1 --global-option=y",
        "y": "2",
    }
    values = {"python": "3", "platform": "Linux", "packages": options}
    ran_in(victim, values)
    git("add", "-A", "-f", ".", cwd=victim.clone)
    git("commit", "-q", "-m", "packages", cwd=victim.clone)
    words = ["--root", str(victim.root), "show", HELD, "--requirements"]
    lines = CliRunner().invoke(commands, words).stdout.splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["y==2"]
    assert len(lines) == 5
