"""Names, ids and keys: what may be a place, and how places relate."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, datetime

import pytest

from padre_git.errors import InvalidInputError, InvalidNameError
from padre_git.model import Change, ChangeSet, Experiment, Key, Kind, Project
from padre_git.model.ids import content_id, new_run_id, run_month, short_id

RUN = "r-20261121t101500-k3v9x2m7q4tz"
HOSTILE = [
    "",
    ".",
    "..",
    "/",
    "a/b",
    ".git",
    ".GIT",
    "git~1",
    "-rf",
    "--all",
    "con",
    "nul",
    "com1",
    "lpt0",
    "Iris",
    "\u0131ris",
    "iri\u0301s",
    "iris\n",
    "iris\x00",
    " iris",
    "iris ",
    "1ris",
    "a" * 41,
    "a" * 5000,
    "i ris",
    "iris.",
    "iris:x",
    "a\\b",
    "~",
    "$HOME",
    "\u202eiris",
    "\uff1ciris\uff1e",
    None,
    7,
    b"iris",
]


@pytest.mark.parametrize(
    "name", HOSTILE, ids=lambda n: f"{str(n)[:15]!a}-{type(n).__name__}{len(str(n))}"
)
def test_a_hostile_name_is_refused_with_advice(name: object) -> None:
    with pytest.raises(InvalidNameError) as caught:
        Project(name=name)  # type: ignore[arg-type]
    assert caught.value.code == "invalid-name"
    assert caught.value.hint is not None
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 160


@pytest.mark.parametrize("name", ["a", "iris", "svm-baseline", "x_1", "a" * 40, "console"])
def test_an_ordinary_name_is_kept(name: str) -> None:
    assert Experiment(project=name, name=name).key.text == f"{name}/experiments/{name}"


def test_a_key_is_its_text() -> None:
    key = Key.parse(f"iris/experiments/svm/runs/{RUN}")
    assert key == Key.project_named("iris").experiment("svm").run(RUN)
    assert (key.kind, key.name, key.project) == (Kind.RUN, RUN, "iris")
    assert key.path == f"experiments/svm/runs/{RUN}"
    assert [str(a) for a in key.ancestors()] == ["iris/experiments/svm", "iris"]
    assert pickle.loads(pickle.dumps(key)) == key
    assert Key.parse("iris").contains(key)
    assert not Key.parse("iri").contains(key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "iris/",
        "/iris",
        "iris/experiments",
        "iris/runs/" + RUN,
        "iris/experiments/a/datasets/b",
        "iris/experiments/a/runs/r-1",
        "iris/experiments/../x",
        "iris/projects/x",
        "iris//a",
        f"iris/experiments/a/runs/{RUN}/runs/{RUN}",
        "iris/experiments/a/runs/r-20261321t101500-k3v9x2m7q4tz",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidNameError):
        Key.parse(text)


def test_a_key_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Key.parse("iris").name = "other"


def test_run_ids_carry_their_time_and_never_repeat() -> None:
    at = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
    ids = {new_run_id(at) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"r-20261121t101500-[0-9a-z]{12}", i) for i in ids)
    assert run_month(RUN) == ("2026-11", "21", "k3v9x2m7q4tz")
    assert short_id(RUN) == "k3v9x2m7q4tz"


def test_content_ids_depend_on_every_byte() -> None:
    assert content_id("x", b"a") == content_id("x", b"a")
    assert content_id("x", b"a") != content_id("x", b"b")
    assert re.fullmatch(r"e-[0-9a-f]{12}", content_id("e", b""))


def test_a_change_set_is_about_one_project_and_each_record_once() -> None:
    one, other = Key.parse("iris"), Key.parse("digits")
    put = Change(key=one, files={"project.yaml": b""})
    with pytest.raises(InvalidInputError, match="two projects"):
        ChangeSet(changes=(put, Change(key=other, files=None)))
    with pytest.raises(InvalidInputError, match="two changes"):
        ChangeSet(changes=(put, put))
    with pytest.raises(InvalidInputError, match="without changes"):
        ChangeSet(changes=())
    with pytest.raises(InvalidInputError, match=r"without its project\.yaml"):
        Change(key=one, files={"x": b""})
