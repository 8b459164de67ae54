"""The table of merges: two people change a project at the same time, row by row.

Each row is what both begin with and what each of them has then. ``docs/format/merging.rst`` says
what becomes of it under plain git and under our own merge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from padre_git.format import encode, encode_tag, identify, part_path, record_directories
from padre_git.format.graves import edit_mark, grave_files
from padre_git.format.layout import LIMIT, children_directory, is_part, place_run
from padre_git.model import (
    Code,
    Dataset,
    Entity,
    Environment,
    Execution,
    Experiment,
    Key,
    Kind,
    Project,
    Record,
    Run,
)

__all__ = ["PROJECT", "ROWS", "Files", "Row"]

Files = dict[str, bytes]
MERGES, CONFLICTS = "merges", "conflicts"


@dataclass(frozen=True, kw_only=True)
class Row:
    """Is one line of the table.

    Attributes:
        title: as the page has it.
        sides: gives the files in the common ancestor, on our side and on the other.
        plain: what plain git makes of it.
        padre: what our own merge makes of it.
    """

    title: str
    sides: Callable[[], tuple[Files, Files, Files]]
    plain: str
    padre: str


ROWS: list[Row] = []


def row(title: str, *, plain: str, padre: str) -> Callable[[Callable[[], object]], None]:
    def add(sides: Callable[[], object]) -> None:
        ROWS.append(Row(title=title, sides=sides, plain=plain, padre=padre))  # type: ignore[arg-type]

    return add


# -- what the rows are made of ---------------------------------------------------------------

PROJECT = "iris"
IRIS = Project(name=PROJECT, title="Iris")
DATA = Dataset(project=PROJECT, name="iris-data", title="Iris", version="md5:" + "1" * 32)
SVM = Experiment(
    project=PROJECT,
    name="svm",
    title="Support vector machines",
    description="How far do kernels take us?",
    dataset="iris-data",
    seed=7,
    parameters={"C": 1.0, "gamma": "scale", "kernel": "rbf"},
)
EXECUTION = identify(
    Execution(
        experiment=SVM.key,
        code=Code(repository="a" * 40, commit="b" * 40),
        entry_point="train.py",
    )
)
ENVIRONMENT = identify(
    Environment(project=PROJECT, python="CPython 3.11.7", platform="Linux x86_64",
                packages={"numpy": "2.3.1", "scikit-learn": "1.7.0"})
)  # fmt: skip


def a_run(number: int, experiment: Experiment = SVM, **changes: object) -> Run:
    execution = identify(Execution(experiment=experiment.key, code=EXECUTION.code)).key
    return Run(
        execution=execution,
        id=f"r-20261121t1015{number:02}-k3v9x2m7q4t{number % 10}",
        environment=ENVIRONMENT.id,
        datasets=(f"iris-data@{DATA.version}",),
        argv=("train.py", "--kernel", "rbf", "--gamma", "scale", "-C", str(number)),
        seed=7,
        defaults={"C": 1.0, "gamma": "scale", "kernel": "rbf", "tolerance": 0.001},
        parameters={"C": number},
        metrics={"accuracy": 0.9 + number / 1000, "loss": 0.1},
    ).replace(**changes)


RUN = a_run(1)
TWIN = a_run(2)


def home(key: Key) -> str:
    return record_directories(key)[0]


def files(*entities: Entity) -> Files:
    return {
        part_path(entity.key, home(entity.key), part): data
        for entity in entities
        for part, data in encode(entity).items()
    }


def edited(before: Files, entity: Entity, **changes: object) -> Files:
    """Returns the files after an entity was changed, as putting it does."""
    directory = home(entity.key)
    parts = {
        p.removeprefix(f"{directory}/"): d for p, d in before.items() if p.startswith(directory)
    }
    new = encode(entity.replace(**changes), previous=Record(key=entity.key, files=parts))
    return changed(before, entity.key, new)


def changed(before: Files, key: Key, parts: Files) -> Files:
    """Returns the files after some parts of a stored record were changed, as backends do it."""
    after = {part_path(key, home(key), part): data for part, data in parts.items()}
    other = {path: data for path, data in after.items() if before.get(path, data) != data}
    marks = {f"{home(key)}/{edit_mark(other)}": b""} if key.kind is Kind.RUN and other else {}
    return before | after | marks


def tagged(before: Files, run: Run, name: str, value: str = "") -> Files:
    part, data = encode_tag(name, value)
    return before | {f"{home(run.key)}/{part}": data}


def noted(before: Files, run: Run, name: str, text: str) -> Files:
    return before | {f"{home(run.key)}/notes/{name}.md": text.encode()}


def deleted(before: Files, key: Key, moved_to: Key | None = None) -> Files:
    """Returns the files after a record was deleted, as backends do it."""
    directory = home(key)
    inside = [path for path in before if path.startswith(f"{directory}/")]
    names = [path.removeprefix(f"{directory}/") for path in inside]
    parts = [name for name in names if is_part(key.kind, name)]
    kept = {path: data for path, data in before.items() if path not in inside}
    return kept | grave_files(key, directory, parts=parts, moved_to=moved_to)


def renamed(before: Files, key: Key, name: str) -> Files:
    """Returns the files after an experiment got a new name: a copy and a tombstone."""
    assert key.parent is not None
    target = key.parent.child(key.kind, name)
    copy = {
        home(target) + path.removeprefix(home(key)): data
        for path, data in before.items()
        if path.startswith(f"{home(key)}/")
    }
    return deleted(before, key, moved_to=target) | copy


def pointer(path: str, md5: str, size: int = 12345) -> bytes:
    return f"outs:\n- md5: {md5}\n  size: {size}\n  hash: md5\n  path: {path}\n".encode()


BASE = files(IRIS, DATA, SVM, EXECUTION, ENVIRONMENT, RUN)
BASE |= {f"{home(DATA.key)}/data.dvc": pointer("data", "1" * 32)}
ADDRESS = "https://git.example.org/lab/iris.git#experiments/svm"

# -- the table -------------------------------------------------------------------------------


@row("different runs of one experiment", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, BASE | files(a_run(3)), BASE | files(a_run(4))


@row("the same month filled by both beyond one directory", plain=MERGES, padre=MERGES)
def _() -> object:
    def filled(seed: str) -> Files:
        counts: dict[str, int] = {}
        found = dict(BASE)
        for n in range(LIMIT + 30):
            run = a_run(1, id=f"r-20261121t10{n // 60:02}{n % 60:02}-{seed * 11}{n % 10}")
            shard = place_run(str(run.id), lambda s: counts.get(s, 0)).rpartition("/")[0]
            counts[shard] = counts.get(shard, 0) + 1
            directory = f"{children_directory(SVM.key, Kind.RUN)}/{shard}/{run.id}"
            found |= {f"{directory}/{part}": data for part, data in encode(run).items()}
        return found

    return BASE, filled("a"), filled("z")


@row("two new experiments that look alike", plain=MERGES, padre=MERGES)
def _() -> object:
    return (
        BASE,
        BASE | files(SVM.replace(name="svm-linear", title="Linear")),
        BASE | files(SVM.replace(name="svm-poly", title="Polynomial")),
    )


@row("two new experiments of one name", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    new = SVM.replace(name="mlp")
    return BASE, BASE | files(new.replace(title="Layers")), BASE | files(new.replace(title="Deep"))


@row("different fields of one document", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, edited(BASE, SVM, title="Margins"), edited(BASE, SVM, description="Wider ones?")


@row("the same field", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, edited(BASE, SVM, title="Margins"), edited(BASE, SVM, title="Kernels")


@row("the same field, to the same value", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, edited(BASE, SVM, title="Margins"), edited(BASE, SVM, title="Margins")


@row("two parameters in neighbouring lines", plain=CONFLICTS, padre=MERGES)
def _() -> object:
    parameters = dict(SVM.parameters)
    return (
        BASE,
        edited(BASE, SVM, parameters=parameters | {"C": 2.0}),
        edited(BASE, SVM, parameters=parameters | {"gamma": "auto"}),
    )


@row("first tags of a run by two people", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, tagged(BASE, RUN, "candidate"), tagged(BASE, RUN, "table", "2")


@row("the same tag by two people", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, tagged(BASE, RUN, "candidate"), tagged(BASE, RUN, "candidate")


@row("one tag with two values: both are kept and shown", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, tagged(BASE, RUN, "table", "1"), tagged(BASE, RUN, "table", "2")


@row("a note against a tag", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, noted(BASE, RUN, "20261122t0911-f3k2", "odd\n"), tagged(BASE, RUN, "candidate")


@row("two notes in the same minute", plain=MERGES, padre=MERGES)
def _() -> object:
    return (
        BASE,
        noted(BASE, RUN, "20261122t0911-f3k2", "odd\n"),
        noted(BASE, RUN, "20261122t0911-a0a0", "odd\n"),
    )


@row("one execution from two clones", plain=MERGES, padre=MERGES)
def _() -> object:
    again = identify(Execution(experiment=SVM.key, code=Code(package="lab", version="1.2")))
    return BASE, BASE | files(again, a_run(3)), BASE | files(again, a_run(4))


@row("one environment from two clones", plain=MERGES, padre=MERGES)
def _() -> object:
    again = identify(ENVIRONMENT.replace(python="CPython 3.12.1"))
    return BASE, BASE | files(again, a_run(3)), BASE | files(again, a_run(4))


@row("publishing against an edit", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, edited(BASE, SVM, url=ADDRESS), edited(BASE, SVM, title="Margins")


@row("publishing by two clones", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, edited(BASE, SVM, url=ADDRESS), edited(BASE, SVM, url=ADDRESS)


@row("deleting a run against an edit of it, while a similar run is added",
     plain=CONFLICTS, padre=CONFLICTS)  # fmt: skip
def _() -> object:
    return (
        BASE,
        deleted(BASE, RUN.key) | files(TWIN),
        edited(BASE, RUN, title="the best one so far"),
    )


@row("deleting an experiment against an edit of it, while a similar one is added",
     plain=CONFLICTS, padre=CONFLICTS)  # fmt: skip
def _() -> object:
    ours = deleted(BASE, SVM.key) | files(SVM.replace(name="svm-2", title="Once more"))
    return BASE, ours, edited(BASE, SVM, description="Now with a better question.")


@row("deleting a dataset against an edit of it, while a similar one is added",
     plain=CONFLICTS, padre=CONFLICTS)  # fmt: skip
def _() -> object:
    ours = deleted(BASE, DATA.key) | files(DATA.replace(name="iris-2"))
    return BASE, ours, edited(BASE, DATA, description="Fisher's")


@row("deleting a dataset against new data, while one with the same data is added",
     plain=CONFLICTS, padre=CONFLICTS)  # fmt: skip
def _() -> object:
    ours = deleted(BASE, DATA.key) | files(DATA.replace(name="iris-2"))
    ours |= {"datasets/iris-2/data.dvc": pointer("data", "1" * 32)}
    return BASE, ours, BASE | {f"{home(DATA.key)}/data.dvc": pointer("data", "2" * 32)}


@row("deleting a run against an artifact added to it, while a run with the same artifacts is added",
     plain=CONFLICTS, padre=CONFLICTS)  # fmt: skip
def _() -> object:
    base = BASE | {f"{home(RUN.key)}/artifacts.dvc": pointer("artifacts", "3" * 32)}
    ours = deleted(base, RUN.key) | files(TWIN)
    ours |= {f"{home(TWIN.key)}/artifacts.dvc": pointer("artifacts", "3" * 32)}
    return base, ours, changed(base, RUN.key, {"artifacts.dvc": pointer("artifacts", "4" * 32)})


@row("deleting an experiment against an artifact added to its run, while a run with the same"
     " artifacts is added elsewhere", plain=CONFLICTS, padre=CONFLICTS)  # fmt: skip
def _() -> object:
    base = BASE | {f"{home(RUN.key)}/artifacts.dvc": pointer("artifacts", "3" * 32)}
    other = SVM.replace(name="svm-2")
    new = a_run(5, other)
    ours = deleted(base, SVM.key) | files(other, new)
    ours |= {f"{home(new.key)}/artifacts.dvc": pointer("artifacts", "3" * 32)}
    return base, ours, changed(base, RUN.key, {"artifacts.dvc": pointer("artifacts", "4" * 32)})


@row("deleting an experiment against an edit of its run, while a similar run is added elsewhere",
     plain=CONFLICTS, padre=CONFLICTS)  # fmt: skip
def _() -> object:
    other = SVM.replace(name="svm-2")
    ours = deleted(BASE, SVM.key) | files(other, a_run(5, other))
    return BASE, ours, edited(BASE, RUN, title="the best one so far")


@row("deleting a run against a tag for it", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, deleted(BASE, RUN.key), tagged(BASE, RUN, "candidate")


@row("deleting a run against a note on it, while a similar run with a note is added",
     plain=CONFLICTS, padre=CONFLICTS)  # fmt: skip
def _() -> object:
    base = noted(BASE, RUN, "20261122t0911-f3k2", "The loss looks odd from step 40 on.\n")
    ours = deleted(base, RUN.key) | files(TWIN)
    ours = noted(ours, TWIN, "20261122t0930-b1b1", "The loss looks odd from step 40 on.\n")
    return base, ours, noted(base, RUN, "20261123t1000-c2c2", "Keep this one.\n")


@row("deleting an experiment against a new run in it", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, deleted(BASE, SVM.key), BASE | files(TWIN)


@row("deleting an experiment against a new run in it, while a similar run is added elsewhere",
     plain=CONFLICTS, padre=CONFLICTS)  # fmt: skip
def _() -> object:
    other = SVM.replace(name="svm-2")
    ours = deleted(BASE, SVM.key) | files(other, a_run(5, other))
    return BASE, ours, BASE | files(TWIN)


@row("deleting an experiment against a new execution in it", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    new = identify(Execution(experiment=SVM.key, code=Code(package="lab", version="1.3")))
    return BASE, deleted(BASE, SVM.key), BASE | files(new)


@row("deleting an experiment against a tag for one of its runs", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, deleted(BASE, SVM.key), tagged(BASE, RUN, "candidate")


@row("deleting an experiment against deleting one of its runs", plain=CONFLICTS, padre=MERGES)
def _() -> object:
    return BASE, deleted(BASE, SVM.key), deleted(BASE, RUN.key)


@row("deleting an experiment against publishing it", plain=CONFLICTS, padre=MERGES)
def _() -> object:
    return BASE, deleted(BASE, SVM.key), edited(BASE, SVM, url=ADDRESS)


@row("deleting by two people", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, deleted(BASE, SVM.key), deleted(BASE, SVM.key)


@row("deleting what the other side left alone", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, deleted(BASE, RUN.key), BASE | files(a_run(3))


@row("deleting a project against a new experiment in it", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    ours = {path: data for path, data in BASE.items() if path.count("/") == 0}
    ours |= grave_files(IRIS.key, "")
    return BASE, ours, BASE | files(SVM.replace(name="mlp"))


@row("deleting a project against a new dataset in it", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    ours = {path: data for path, data in BASE.items() if path.count("/") == 0}
    ours |= grave_files(IRIS.key, "")
    return BASE, ours, BASE | files(DATA.replace(name="digits"))


@row("renaming an experiment against an edit of it", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, renamed(BASE, SVM.key, "kernels"), edited(BASE, SVM, title="Margins")


@row("renaming an experiment against a new run in it", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, renamed(BASE, SVM.key, "kernels"), BASE | files(TWIN)


@row("renaming an experiment against a tag for one of its runs", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, renamed(BASE, SVM.key, "kernels"), tagged(BASE, RUN, "candidate")


@row("renaming an experiment against an edit of one of its runs", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, renamed(BASE, SVM.key, "kernels"), edited(BASE, RUN, title="the best one so far")


@row("renaming an experiment to two names", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, renamed(BASE, SVM.key, "kernels"), renamed(BASE, SVM.key, "margins")


@row("renaming an experiment against deleting it", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    return BASE, renamed(BASE, SVM.key, "kernels"), deleted(BASE, SVM.key)


@row("renaming by two people to one name", plain=MERGES, padre=MERGES)
def _() -> object:
    return BASE, renamed(BASE, SVM.key, "kernels"), renamed(BASE, SVM.key, "kernels")


@row("putting a deleted experiment back against an edit elsewhere", plain=MERGES, padre=MERGES)
def _() -> object:
    base = deleted(BASE, SVM.key)
    graves = grave_files(SVM.key, home(SVM.key))
    left = {path: data for path, data in base.items() if path not in graves}
    return base, left | files(SVM, RUN), edited(base, DATA, title="Flowers")
