"""Urls of records: set by publishing alone, also while others write at the same moment."""

from __future__ import annotations

from typing import Any

from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.backends.policy import Policy
from padre_git.messages import Message, Op
from padre_git.model import Change, ChangeSet, Key
from padre_git.testing.documents import EXPERIMENT, IRIS, files_of, put, run_key, store
from padre_git.vcs.remotes import RemoteLocation
from tests.backends.dual_stores import Lab, documents
from tests.conftest import git


class Late(GitBackend):
    """Is a clone that another process publishes just before a put of ours gets its turn."""

    late: DualLayer | None = None

    def apply_each(self, writes: Any, **options: Any) -> list[dict[Key, str | None]]:
        if self.late is not None:
            self.late.push("iris")
            self.late = None
        return super().apply_each(writes, **options)


def test_a_url_that_comes_while_a_put_waits_for_its_turn_is_kept(lab: Lab) -> None:
    other = lab.store("ada", policy=Policy.MANUAL)
    store(other, IRIS, EXPERIMENT)
    local = Late(lab.directory / "ada")
    location = RemoteLocation.parse(lab.remote)
    with DualLayer(local, location, policy=Policy.MANUAL) as ada:
        local.late = other
        put(ada, EXPERIMENT, title="new")
        text = documents(ada, EXPERIMENT)["experiment.yaml"]
        assert b"title: new" in text
        assert b"url: " in text


def test_after_a_sync_whatever_was_published_has_its_url(lab: Lab) -> None:
    ada = lab.store("ada", policy=Policy.MANUAL)
    store(ada, IRIS, EXPERIMENT, IRIS.dataset("flowers"), run_key(1))
    ada.push("iris")
    put(ada, IRIS.experiment("forest"))
    git("push", "-q", "origin", "main", cwd=lab.clone("ada"))
    ben = lab.store("ben", policy=Policy.MANUAL)
    ben.pull("iris")
    assert b"url" not in documents(ben, IRIS.experiment("forest"))["experiment.yaml"]
    ben.sync("iris")
    for key in (IRIS, EXPERIMENT, IRIS.dataset("flowers"), IRIS.experiment("forest")):
        (name,) = (n for n in documents(ben, key) if n.endswith(".yaml"))
        assert b"url: " in documents(ben, key)[name], key
    head = lab.head()
    ben.sync("iris")
    ada.sync("iris")
    assert lab.head() == head, "and the next sync finds nothing to do"


def test_a_sync_with_nothing_to_do_reads_no_runs(lab: Lab) -> None:
    ada = lab.store("ada", policy=Policy.MANUAL)
    store(ada, IRIS, EXPERIMENT)
    changes = tuple(Change(key=run_key(n), files=files_of(run_key(n))) for n in range(200))
    ada.apply(ChangeSet(changes=changes), Message(op=Op.PUT, subject="many"))
    ada.sync("iris")
    fresh = lab.store("ada", policy=Policy.MANUAL)
    fresh.sync("iris")
    repository = fresh.local.repository("iris")
    assert repository is not None
    trees = repository._reader._trees
    assert len(trees) < 50, "a directory of runs was read to find what has a url"
