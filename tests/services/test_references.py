"""What people type, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padre_git.errors import AmbiguousReferenceError, InvalidInputError, NotFoundError
from padre_git.messages import Message, Op, Prepare, Rename, Resolve
from padre_git.model import Change, ChangeSet, Dataset, Execution, Experiment, Kind, Project, Run
from padre_git.services.spelling import parse_url, short_names
from tests.services.conftest import CODE, IRIS, SVM, Desk

A = SVM.run("r-20261121t101500-aaaaaaaaaaaa")


def resolved(desk: Desk, kind: Kind, reference: object) -> str:
    return str(desk.send(Resolve(subject=kind, reference=reference)))  # type: ignore[arg-type]


@pytest.fixture
def crowded(stocked: Desk) -> Desk:
    """Two more projects, one of them with the same names as the first."""
    stocked.put(Project(name="digits"))
    stocked.put(Project(name="iris2"))
    stocked.put(Dataset(project="iris2", name="iris-data"))
    stocked.put(Dataset(project="digits", name="digits-data"))
    stocked.put(Experiment(project="digits", name="cnn"))
    execution = stocked.put(Execution(experiment="digits/experiments/cnn", code=CODE))
    for tail in ("abcabcabcabc", "k3v9x2m7q4tz"):
        stocked.put(Run(execution=execution.key, id=f"r-20261122t101500-{tail}"))
    return stocked


@pytest.mark.parametrize(
    ("kind", "reference", "key"),
    [
        (Kind.PROJECT, "iris", "iris"),
        (Kind.PROJECT, IRIS, "iris"),
        (Kind.PROJECT, Project(name="iris"), "iris"),
        (Kind.EXPERIMENT, "iris/svm", str(SVM)),
        (Kind.EXPERIMENT, "svm", str(SVM)),
        (Kind.EXPERIMENT, "iris/experiments/svm", str(SVM)),
        (Kind.DATASET, "digits-data", "digits/datasets/digits-data"),
        (Kind.DATASET, "iris/iris-data", "iris/datasets/iris-data"),
        (Kind.RUN, A.name, str(A)),
        (Kind.RUN, "aaaa", str(A)),
        (Kind.RUN, "r-20261121t101500", str(A)),
        (Kind.RUN, "iris/svm/aa", str(A)),
        (Kind.RUN, "svm/aa", str(A)),
        (Kind.RUN, "iris/aa", str(A)),
        (Kind.RUN, str(A), str(A)),
        (Kind.RUN, "k3v9x2", "digits/experiments/cnn/runs/r-20261122t101500-k3v9x2m7q4tz"),
    ],
)
def test_it_means(crowded: Desk, kind: Kind, reference: object, key: str) -> None:
    assert resolved(crowded, kind, reference) == key


def test_executions_are_meant_by_ids_and_their_beginnings(stocked: Desk) -> None:
    execution = stocked.put(Execution(experiment=SVM, code=CODE))
    for reference in (
        execution.id,
        execution.id[:6],
        execution.id[2:6],
        f"iris/svm/{execution.id}",
    ):
        assert resolved(stocked, Kind.EXECUTION, reference) == str(execution.key)


@pytest.mark.parametrize(
    ("kind", "reference", "candidates"),
    [
        (Kind.DATASET, "iris-data", ["iris/iris-data", "iris2/iris-data"]),
        (Kind.RUN, "a", ["iris/svm/r-20261121t101500-aaaaaaaaaaaa", "digits/cnn/r-2026"]),
        (Kind.RUN, "r-2026", ["iris/svm/r-20261121t101500-aaaaaaaaaaaa"]),
        (Kind.EXECUTION, "x-", ["iris/svm/x-", "digits/cnn/x-"]),
    ],
)
def test_it_may_mean_several(
    crowded: Desk, kind: Kind, reference: str, candidates: list[str]
) -> None:
    with pytest.raises(AmbiguousReferenceError, match=f"{reference}' may be any of") as caught:
        resolved(crowded, kind, reference)
    assert all(candidate in str(caught.value.hint) for candidate in candidates)


def test_a_whole_name_goes_before_beginnings(stocked: Desk) -> None:
    execution = stocked.put(Execution(experiment=SVM, code=CODE))
    stocked.put(Run(execution=execution.key, id="r-20261121t101500-abbbbbbbbbbb"))
    assert resolved(stocked, Kind.RUN, "bbbbbbbbbbbb").endswith("-bbbbbbbbbbbb")


@pytest.mark.parametrize(
    ("kind", "reference", "advice"),
    [
        (Kind.PROJECT, "iriz", "'iris'"),
        (Kind.PROJECT, "Iris", "'iris'"),
        (Kind.EXPERIMENT, "iris/svn", "'iris/svm'"),
        (Kind.EXPERIMENT, "Iris/svm", "'iris'"),
        (Kind.EXPERIMENT, "swm", "'iris/svm'"),
        (Kind.EXPERIMENT, "nowhere/svm", "there are 3 projects"),
        (Kind.RUN, "iris/svm/zzz", "there are 3 runs, such as 'iris/svm/r-20261121t101500-"),
        (Kind.RUN, "aaaaaaaaaaab", "'iris/svm/r-20261121t101500-aaaaaaaaaaaa'"),
        (Kind.DATASET, "iris/nothing-like-it", "the only dataset is 'iris/iris-data'"),
    ],
)
def test_it_means_nothing(crowded: Desk, kind: Kind, reference: str, advice: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        resolved(crowded, kind, reference)
    assert advice in str(caught.value.hint)


@pytest.mark.parametrize(
    "reference",
    ["", "..", "a//b", "/iris", "iris/", "../iris", "a b", "-", "x\n", "é\0", "a" * 5000],
)
def test_it_is_no_reference(stocked: Desk, reference: str) -> None:
    with pytest.raises((InvalidInputError, NotFoundError)):
        resolved(stocked, Kind.EXPERIMENT, reference)


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        (Kind.PROJECT, "iris/svm"),
        (Kind.EXPERIMENT, "iris/svm/aa"),
        (Kind.RUN, "a/b/c/d"),
        (Kind.RUN, SVM),
        (Kind.RUN, "iris/experiments/svm"),
        (Kind.RUN, 3),
        (Kind.RUN, None),
    ],
)
def test_its_depth_says_the_kind(stocked: Desk, kind: Kind, reference: object) -> None:
    with pytest.raises(InvalidInputError):
        resolved(stocked, kind, reference)


def test_old_names_lead_to_new_ones(stocked: Desk) -> None:
    stocked.send(Rename(subject=Kind.EXPERIMENT, key=SVM, new="svc"))
    new = IRIS.experiment("svc")
    assert resolved(stocked, Kind.EXPERIMENT, "iris/svm") == str(new)
    assert resolved(stocked, Kind.RUN, "iris/svm/aaa") == str(new.run(A.name))
    assert resolved(stocked, Kind.RUN, A) == str(new.run(A.name))


@pytest.mark.parametrize(
    ("url", "typed"),
    [
        ("https://host/lab/iris.git", "https://host/lab/iris.git"),
        ("https://host/lab/iris.git", "https://somebody@host/lab/iris.git"),
        ("ssh://host/lab/iris.git", "ssh://git@host/lab/iris.git"),
        ("host:lab/iris.git", "git@host:lab/iris.git"),
        ("file:///srv/lab/iris.git", "/srv/lab/iris.git"),
    ],
)
def test_urls_mean_what_is_published_there(stocked: Desk, url: str, typed: str) -> None:
    change = stocked.send(Prepare(subject=Kind.PROJECT, entity=Project(name="iris")))
    document = change.files["project.yaml"] + f"\nurl: {url}\n".encode()
    published = Change(key=IRIS, files={"project.yaml": document})
    stocked.backend.apply(ChangeSet(changes=(published,)), Message(op=Op.PUBLISH, subject="p"))
    assert resolved(stocked, Kind.PROJECT, typed) == "iris"
    assert resolved(stocked, Kind.EXPERIMENT, f"{typed}#experiments/svm") == str(SVM)
    assert resolved(stocked, Kind.RUN, f"{typed}#experiments/svm/runs/{A.name}") == str(A)
    with pytest.raises(NotFoundError, match="no run"):
        resolved(stocked, Kind.RUN, f"{typed}#experiments/svm/runs/{A.name[:-1]}b")
    with pytest.raises(NotFoundError, match="no project of this store is published at"):
        resolved(stocked, Kind.EXPERIMENT, "https://elsewhere/lab/iris.git#experiments/svm")


@pytest.mark.parametrize("text", ["iris", "iris/svm", "iris/svm/k3", "a:b", "#x", "a#b"])
def test_these_are_no_urls(text: str) -> None:
    assert parse_url(text) is None


@given(st.sets(st.text("0a", min_size=12, max_size=12), min_size=1, max_size=30))
def test_a_short_name_means_one_record_only(tails: set[str]) -> None:
    keys = [SVM.run(f"r-20261121t101500-{tail}") for tail in tails]
    names = short_names(keys, keys)
    for key, name in names.items():
        assert 6 <= len(name) <= 12
        assert [k for k in keys if k.name[-12:].startswith(name)] == [key]
        shorter = name[:-1]
        others = [k for k in keys if k.name[-12:].startswith(shorter)]
        assert len(name) == 6 or len(others) > 1, "no shorter one would do"


def test_a_url_knows_its_parts() -> None:
    target = parse_url("https://host:8443/lab/iris.git#experiments/svm/")
    assert target is not None
    assert (target.remote, target.project, target.path, target.reference) == (
        "https://host:8443/lab/iris.git",
        "iris",
        "experiments/svm",
        "iris/experiments/svm",
    )
