"""A small project and what people do to it, as files: what the table of merges is made of."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from padre_git.format import encode, encode_tag, identify, part_path, record_directories
from padre_git.format.graves import edit_mark, grave_files
from padre_git.format.layout import is_part
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

Files = dict[str, bytes]

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
    inside = {p.removeprefix(f"{directory}/"): d for p, d in before.items()
              if p.startswith(f"{directory}/")}  # fmt: skip
    parts = {name: data for name, data in inside.items() if is_part(entity.key.kind, name)}
    new = encode(entity.replace(**changes), previous=Record(key=entity.key, files=parts))
    return changed(before, entity.key, new)


def changed(before: Files, key: Key, parts: Files) -> Files:
    """Returns the files after some parts of a stored record were changed, as backends do it."""
    after = {part_path(key, home(key), part): data for part, data in parts.items()}
    stored = {
        part: before[path] for part in parts if (path := part_path(key, home(key), part)) in before
    }
    mark = edit_mark(stored, parts) if key.kind is Kind.RUN else None
    marks = {f"{home(key)}/{mark}": b""} if mark else {}
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


def import_branches(repository: Path, table: Mapping[int, tuple[Files, ...]]) -> None:
    """Commits the three sides of each entry to ``base-N``, ``ours-N`` and ``theirs-N``."""
    stream = b"".join(_stream(table))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repository, input=stream, check=True)


def _stream(table: Mapping[int, tuple[Files, ...]]) -> Iterator[bytes]:
    for number, sides in table.items():
        for branch, content in zip(("base", "ours", "theirs"), sides, strict=True):
            yield b"commit refs/heads/%s-%d\n" % (branch.encode(), number)
            yield b"committer A <a@b.c> 1795000000 +0000\ndata 1\nx\n"
            yield b"" if branch == "base" else b"from refs/heads/base-%d\n" % number
            yield b"deleteall\n"
            for name, data in content.items():
                yield b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data)
            yield b"\n"
