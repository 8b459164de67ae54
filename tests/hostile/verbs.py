"""Every verb that somebody would use on a project that was handed to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from padre_git import Dataset, PadreGitError, Store

__all__ = ["VERBS", "use"]

VERBS: dict[str, Callable[[Store, Path], Any]] = {
    "list": lambda store, _: store.projects.list(),
    "list runs": lambda store, _: store.runs.list("iris/svm"),
    "get": lambda store, _: store.projects.get("iris"),
    "get run": lambda store, _: store.runs.get(f"iris/svm/{RUN}"),
    "find": lambda store, _: store.runs.find("iris/svm", {"C": 1.0}),
    "count": lambda store, _: store.runs.count("iris"),
    "reconcile": lambda store, _: store.reconcile("iris"),
    "verify": lambda store, _: store.verify("iris"),
    "repair": lambda store, _: store.repair("iris"),
    "maintain": lambda store, _: store.maintain("iris"),
    "checkout": lambda store, _: store.checkout("iris/svm"),
    "leave_out": lambda store, _: store.leave_out("iris"),
    "key": lambda store, _: store.key(f"iris/svm/{RUN}"),
    "log": lambda store, _: store.log("iris"),
    "history": lambda store, _: store.history("iris/svm"),
    "changes": lambda store, _: store.changes("iris"),
    "status": lambda store, _: store.status("iris"),
    "conflicts": lambda store, _: store.conflicts("iris"),
    "artifacts.list": lambda store, _: store.artifacts.list(f"iris/svm/{RUN}"),
    "artifacts.get": lambda store, _: store.artifacts.get(f"iris/svm/{RUN}", "notes.txt"),
    "datasets.load": lambda store, _: store.datasets.data("iris/iris-data"),
    "models.load": lambda store, _: store.models.load(f"iris/svm/{RUN}"),
    "artifacts.verify": lambda store, _: store.artifacts.verify("iris"),
    "artifacts.repair": lambda store, _: store.artifacts.repair("iris"),
    "unneeded": lambda store, _: store.artifacts.unneeded("iris"),
    "gc": lambda store, _: store.artifacts.gc("iris"),
    "put": lambda store, _: store.projects.put(store.projects.get("iris").replace(title="mine")),
    "start_run": lambda store, _: _ran(store),
    "attach": lambda store, file: store.artifacts.put(f"iris/svm/{RUN}", file),
    "datasets.put": lambda store, file: store.datasets.put(
        Dataset(project="iris", name="more"), data=file
    ),
    "tag": lambda store, _: store.runs.tag(f"iris/svm/{RUN}", "good"),
    "delete": lambda store, _: store.experiments.delete("iris/svm"),
    "restore": lambda store, _: store.experiments.restore("iris/svm"),
    "rename": lambda store, _: store.experiments.rename("iris/svm", "other"),
    "pull": lambda store, _: store.pull("iris"),
    "push": lambda store, _: store.push("iris"),
    "sync": lambda store, _: store.sync("iris"),
    "delete here": lambda store, _: store.projects.delete("iris", mode="local"),
}

#: The run that the project has.
RUN = "r-20261121t101500-k3v9x2m7q4tz"


def _ran(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.log_metric("loss", 1.0)


def use(store: Store, scratch: Path) -> dict[str, PadreGitError]:
    """Uses every verb; returns the errors of those that were refused."""
    file = scratch / "file"
    file.write_text("file\n")
    refused = {}
    for name, verb in VERBS.items():
        try:
            verb(store, file)
        except PadreGitError as error:
            refused[name] = error
    return refused
