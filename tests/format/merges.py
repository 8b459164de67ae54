"""The table of merges: two people change a project at the same time, row by row.

Each row is what both begin with and what each of them has then. ``docs/format/merging.rst`` says
what becomes of it under plain git and under our own merge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from padre_git.format import encode, identify
from padre_git.format.graves import grave_files
from padre_git.format.layout import LIMIT, children_directory, place_run
from padre_git.model import Code, Execution, Kind
from tests.format.sides import (
    ADDRESS,
    BASE,
    DATA,
    ENVIRONMENT,
    IRIS,
    PROJECT,
    RUN,
    SVM,
    TWIN,
    Files,
    a_run,
    changed,
    deleted,
    edited,
    files,
    home,
    import_branches,
    noted,
    pointer,
    renamed,
    tagged,
)

__all__ = ["CONFLICTS", "MERGES", "PROJECT", "ROWS", "Files", "Row", "import_rows"]

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


@row("two notes at the same time", plain=MERGES, padre=MERGES)
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


@row("deleting a run against its first artifact", plain=CONFLICTS, padre=CONFLICTS)
def _() -> object:
    first = {"artifacts.dvc": pointer("artifacts", "4" * 32)}
    return BASE, deleted(BASE, RUN.key), changed(BASE, RUN.key, first)


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


@row(
    "putting a deleted experiment back by two people, each with a new run",
    plain=MERGES,
    padre=MERGES,
)
def _() -> object:
    base = deleted(BASE, SVM.key)
    graves = grave_files(SVM.key, home(SVM.key))
    left = {path: data for path, data in base.items() if path not in graves}
    return base, left | files(SVM, a_run(3)), left | files(SVM, a_run(4))


# -- as branches -----------------------------------------------------------------------------


def import_rows(repository: Path) -> None:
    """Gives a repository branches ``base-N``, ``ours-N`` and ``theirs-N`` for each row.

    Those of N plus 1,000 are the same with deletions by a tombstone alone: without seals, emptied
    pointers and edit marks.
    """
    table = {number: row.sides() for number, row in enumerate(ROWS)}
    bare = {number + 1000: tuple(map(_without, sides)) for number, sides in table.items()}
    import_branches(repository, table | bare)


def _without(files_: Files) -> Files:
    return {path: data for path, data in files_.items() if data or "/tags/" in path}
