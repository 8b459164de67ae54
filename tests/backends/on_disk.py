"""What holds for every backend that keeps a project in the layout of docs/format."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from padre_git.backends import Backend
from padre_git.errors import (
    ConflictError,
    InvalidNameError,
    RepositoryError,
    UnsupportedFormatError,
)
from padre_git.format import LIMIT, grave_files, scaffold
from padre_git.messages import Event, Skipped
from padre_git.model import Change, ChangeSet, Key, Tombstone
from padre_git.testing.deleting import NEW, rename
from padre_git.testing.documents import (
    ENVIRONMENT,
    EXECUTION,
    EXPERIMENT,
    IRIS,
    files_of,
    message,
    put,
    remove,
    run_key,
    store,
)
from padre_git.testing.stores import Stores
from padre_git.testing.storing import ONE_OF_EACH, RUN, found

RUN_DIRECTORY = f"experiments/svm/runs/2026-11/{RUN.name}"
LAYOUT = {
    "project.yaml",
    "datasets/flowers/dataset.yaml",
    f"environments/{ENVIRONMENT.name}.yaml",
    "experiments/svm/experiment.yaml",
    f"experiments/svm/executions/{EXECUTION.name}/execution.yaml",
    f"{RUN_DIRECTORY}/run.yaml",
}
DOCUMENT = b"schema: run/1\n"


def write(path: Path, content: bytes = b"by hand\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def grave(key: Key) -> set[str]:
    """Returns the paths of what is left of a deleted record."""
    return set(grave_files(key, key.path))


def strays(project: Path) -> None:
    """Puts next to the records what people put there, and what would be records elsewhere."""
    runs = project / "experiments/svm/runs"
    write(project / "README.md")
    write(project / "datasets/README.md")
    write(project / "datasets/Bad Name/dataset.yaml")
    write(project / "datasets/con/dataset.yaml")
    write(project / "datasets/file")
    write(project / "experiments/no-document/notes.txt")
    write(project / "experiments/no-document/runs/2026-11/run.yaml")
    write(project / "experiments/svm/notes.txt")
    write(project / "experiments/svm/executions/x-nothex/execution.yaml")
    write(runs / "2026-11/r-20261121t101500-short/run.yaml", DOCUMENT)
    write(runs / "2026-12" / run_key(7).name / "run.yaml", DOCUMENT)
    write(runs / run_key(8).name / "run.yaml", DOCUMENT)
    write(runs / "2026-11/21/z/z/z" / run_key(9).name / "run.yaml", DOCUMENT)
    write(runs / "2026-11" / run_key(10).name / "metrics.yaml")
    write(runs / "2026-11" / run_key(11).name / "run.yaml/inside")
    write(project / RUN_DIRECTORY / "scratch.txt")
    write(project / RUN_DIRECTORY / "tags/not a tag")
    write(project / RUN_DIRECTORY / "tags/deep/er")
    write(project / "environments/notes.yaml")
    write(project / "environments/e-41c09be2d7f3/environment.yaml")
    (project / "experiments/linked").symlink_to("svm", target_is_directory=True)
    (project / "datasets/flowers/data.dvc").symlink_to("../../README.md")
    (runs / "2026-11" / run_key(12).name).symlink_to(RUN.name, target_is_directory=True)


class OnDisk(Stores):
    """Needs :meth:`by_hand` beside what :class:`Stores` needs."""

    def by_hand(self, backend: Backend, edit: Callable[[Path], None]) -> None:
        """Changes the project ``iris`` as its user would, so that it counts."""
        raise NotImplementedError

    @pytest.fixture
    def project(self, backend: Backend) -> Path:
        """The directory of a project with one record of each kind."""
        store(backend, *ONE_OF_EACH)
        return backend.root / "iris"

    def files(self, project: Path) -> set[str]:
        everything = {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}
        return {path for path in everything if not path.startswith(".git/")}

    def test_a_project_has_the_layout_of_the_format(self, project: Path) -> None:
        assert self.files(project) == LAYOUT | set(scaffold())
        assert (project / "experiments/svm/experiment.yaml").read_bytes() == files_of(EXPERIMENT)[
            "experiment.yaml"
        ]

    def test_what_is_not_ours_is_passed_over(self, backend: Backend, project: Path) -> None:
        self.by_hand(backend, strays)
        assert list(backend.scan()) == sorted(ONE_OF_EACH)
        for key in ONE_OF_EACH:
            assert found(backend, key) == files_of(key)
        hidden = [run_key(n) for n in range(7, 13)]
        assert backend.read([*hidden, IRIS.experiment("linked")]) == {}

    def test_writing_leaves_the_users_files_alone(self, backend: Backend, project: Path) -> None:
        self.by_hand(backend, strays)
        before = self.files(project)
        put(backend, RUN, {"tags/best": b""})
        put(backend, EXPERIMENT, title="new")
        put(backend, IRIS, title="new")
        assert self.files(project) == before | {f"{RUN_DIRECTORY}/tags/best"}

    def test_changing_a_stored_run_leaves_a_mark_and_adding_to_it_does_not(
        self, backend: Backend, project: Path
    ) -> None:
        before = self.files(project)
        put(backend, RUN, {"tags/best": b""})
        assert self.files(project) == before | {f"{RUN_DIRECTORY}/tags/best"}
        put(backend, RUN, {"tags/best": b""}, seed=9)
        (mark,) = self.files(project) - before - {f"{RUN_DIRECTORY}/tags/best"}
        assert mark.startswith(f"{RUN_DIRECTORY}/edits/")
        assert (project / mark).read_bytes() == b""
        put(backend, EXPERIMENT, title="new")
        assert self.files(project) == before | {f"{RUN_DIRECTORY}/tags/best", mark}
        put(backend, RUN, {"tags/best": b""}, seed=10)
        (other,) = self.files(project) - before - {f"{RUN_DIRECTORY}/tags/best"}
        assert other != mark

    def test_deleting_an_experiment_takes_its_directory(
        self, backend: Backend, project: Path
    ) -> None:
        self.by_hand(backend, lambda p: write(p / "experiments/svm/plots/one.svg"))
        remove(backend, EXPERIMENT)
        left = {path for path in self.files(project) if path.startswith("experiments/")}
        assert left == grave(EXPERIMENT)
        document = (project / "experiments/svm/experiment.yaml").read_bytes()
        assert document == b"schema: deleted/1\n"

    def test_deleting_a_project_leaves_what_belongs_to_no_record(
        self, backend: Backend, project: Path
    ) -> None:
        def mine(p: Path) -> None:
            write(p / "README.md")
            write(p / "experiments/README.md")
            write(p / "experiments/Plots/one.svg")
            write(p / "experiments/notes")
            write(p / "environments/conda.yml")
            write(p / "src/train.py")

        self.by_hand(backend, mine)
        remove(backend, IRIS)
        assert self.files(project) == set(scaffold()) | {
            "project.yaml",
            "datasets",  # a seal; there is none where something of the user's is
            "README.md",
            "experiments/README.md",
            "experiments/Plots/one.svg",
            "experiments/notes",
            "environments/conda.yml",
            "src/train.py",
        }

    @pytest.mark.parametrize(
        "path",
        [
            "experiments/notes",
            "experiments/README.md",
            "datasets/Plots/one.svg",
            "environments/e-0123456789ab.yaml/mine",
        ],
    )
    def test_deleting_a_project_leaves_a_single_file_of_the_users(
        self, backend: Backend, project: Path, path: str
    ) -> None:
        self.by_hand(backend, lambda p: write(p / path))
        remove(backend, IRIS)
        seals = {"datasets", "experiments"} - {path.partition("/")[0]}
        assert self.files(project) == {*scaffold(), "project.yaml", path, *seals}

    def test_a_renamed_experiment_takes_the_users_files_along(
        self, backend: Backend, project: Path
    ) -> None:
        self.by_hand(backend, lambda p: write(p / "experiments/svm/plots/one.svg"))
        rename(backend, EXPERIMENT, NEW)
        assert (project / NEW.path / "plots/one.svg").read_bytes() == b"by hand\n"
        left = {path for path in self.files(project) if path.startswith("experiments/svm/")}
        assert left == grave(EXPERIMENT)

    def test_a_renamed_experiment_overwrites_no_file_of_the_users(
        self, backend: Backend, project: Path
    ) -> None:
        rename(backend, EXPERIMENT, NEW)
        self.by_hand(backend, lambda p: write(p / EXPERIMENT.path / "notes.txt", b"old\n"))
        self.by_hand(backend, lambda p: write(p / NEW.path / "notes.txt", b"new\n"))
        with pytest.raises(ConflictError, match="in the way"):
            rename(backend, NEW, EXPERIMENT)
        assert (project / EXPERIMENT.path / "notes.txt").read_bytes() == b"old\n"
        assert found(backend, NEW) == files_of(EXPERIMENT)

    def test_what_people_write_by_hand_is_part_of_the_store(
        self, backend: Backend, project: Path
    ) -> None:
        def edit(p: Path) -> None:
            write(p / "experiments/own/experiment.yaml", b"schema: experiment/1\ntitle: own\n")
            write(p / RUN_DIRECTORY / "tags/best", b"")
            shutil.rmtree(p / "datasets/flowers")

        self.by_hand(backend, edit)
        own = IRIS.experiment("own")
        flowers = IRIS.dataset("flowers")
        assert set(backend.scan()) == {*ONE_OF_EACH, own} - {flowers}
        assert found(backend, RUN) == files_of(RUN, {"tags/best": b""})
        assert backend.read([flowers]) == {}
        put(backend, run_key(2, own))
        assert list(backend.scan(own)) == [run_key(2, own)]

    def test_a_document_removed_by_hand_hides_nothing_that_lies_below(
        self, backend: Backend, project: Path
    ) -> None:
        self.by_hand(backend, lambda p: (p / "experiments/svm/experiment.yaml").unlink())
        assert set(backend.scan()) == set(ONE_OF_EACH) - {EXPERIMENT}
        assert set(backend.scan(EXPERIMENT)) == {RUN, EXECUTION}
        assert set(backend.read([RUN, EXECUTION, EXPERIMENT])) == {RUN, EXECUTION}
        assert found(backend, RUN) == files_of(RUN)
        put(backend, EXPERIMENT)
        assert list(backend.scan()) == sorted(ONE_OF_EACH)

    def test_documents_that_cannot_be_read_hide_nothing_else(
        self, backend: Backend, project: Path
    ) -> None:
        def spoil(p: Path) -> None:
            for path in LAYOUT:
                if not path.startswith("experiments/svm/runs"):
                    write(p / path, b"\xff<<<<<<< HEAD\n\t{deleted/1")

        self.by_hand(backend, spoil)
        assert list(backend.scan()) == sorted(ONE_OF_EACH)
        assert found(backend, RUN) == files_of(RUN)

    def test_a_run_moved_into_a_deeper_shard_is_found_there(
        self, backend: Backend, project: Path
    ) -> None:
        deeper = project / f"experiments/svm/runs/2026-11/21/{RUN.name}"
        deeper.parent.mkdir()
        self.by_hand(backend, lambda p: (p / RUN_DIRECTORY).rename(deeper) and None)
        assert found(backend, RUN) == files_of(RUN)
        assert list(backend.scan(EXPERIMENT)) == sorted([EXECUTION, RUN])
        put(backend, RUN, seed=3)
        assert not (project / RUN_DIRECTORY).exists()
        assert (deeper / "run.yaml").read_bytes() == files_of(RUN, seed=3)["run.yaml"]

    def test_of_two_places_of_one_run_the_shallower_counts(
        self, backend: Backend, project: Path
    ) -> None:
        def twice(p: Path) -> None:
            write(p / f"experiments/svm/runs/2026-11/21/{RUN.name}/run.yaml", b"other\n")

        self.by_hand(backend, twice)
        assert found(backend, RUN) == files_of(RUN)
        assert list(backend.scan(EXPERIMENT)) == sorted([EXECUTION, RUN])
        remove(backend, RUN)
        assert backend.read([RUN]) == {RUN: Tombstone(key=RUN)}
        assert list(backend.scan(EXPERIMENT)) == [EXECUTION]
        assert not (project / f"experiments/svm/runs/2026-11/21/{RUN.name}").exists()

    def test_a_run_below_a_tombstone_is_hidden_until_its_experiment_is_back(
        self, backend: Backend, project: Path
    ) -> None:
        """As after a merge: one person deleted the experiment, another added a run to it."""
        late = run_key(5)

        def merge(p: Path) -> None:
            write(p / "experiments/svm/experiment.yaml", b"schema: deleted/1\n")

        put(backend, late)
        self.by_hand(backend, merge)
        assert backend.read([late]) == {}
        assert late not in set(backend.scan())
        put(backend, EXPERIMENT)
        assert found(backend, late) == files_of(late)

    @pytest.mark.parametrize(
        "path", ["experiments", "experiments/svm-2", "experiments/svm-2/experiment.yaml/x"]
    )
    def test_a_file_in_the_way_is_never_overwritten(
        self, backend: Backend, iris: Key, path: str
    ) -> None:
        self.by_hand(backend, lambda p: write(p / path))
        with pytest.raises(ConflictError, match="in the way"):
            put(backend, IRIS.experiment("svm-2"))
        assert (backend.root / "iris" / path).read_bytes() == b"by hand\n"

    def test_a_link_in_the_way_is_never_followed(self, backend: Backend, svm: Key) -> None:
        def link(p: Path) -> None:
            (p / "experiments/linked").symlink_to("svm", target_is_directory=True)

        self.by_hand(backend, link)
        with pytest.raises(ConflictError, match="in the way"):
            put(backend, IRIS.experiment("linked"), title="through the link")
        assert found(backend, svm) == files_of(svm)

    def test_a_later_format_is_neither_read_nor_written(
        self, backend: Backend, project: Path
    ) -> None:
        self.by_hand(backend, lambda p: write(p / ".padre/format.yaml", b"format: 2\n"))
        with pytest.raises(UnsupportedFormatError):
            backend.read([RUN])
        with pytest.raises(UnsupportedFormatError):
            list(backend.scan(IRIS))
        with pytest.raises(UnsupportedFormatError):
            put(backend, IRIS, title="new")

    def test_a_project_that_cannot_be_read_hides_no_other(
        self, backend: Backend, project: Path
    ) -> None:
        lab = Key.project_named("lab")
        store(backend, lab)
        self.by_hand(backend, lambda p: write(p / ".padre/format.yaml", b"format: 2\n"))
        events: list[Event] = []
        with type(backend)(backend.root, notify=events.append) as other:
            assert list(other.scan()) == [lab]
        (event,) = events
        assert isinstance(event, Skipped)
        assert (event.key, event.error.code) == (IRIS, "unsupported-format")

    def test_shards_split_when_they_are_full(self, backend: Backend, svm: Key) -> None:
        keys = [run_key(n) for n in range(400)]
        changes = tuple(Change(key=key, files=files_of(key)) for key in keys)
        backend.apply(ChangeSet(changes=changes), message())
        runs = backend.root / "iris/experiments/svm/runs"
        for directory in [runs, *(p for p in runs.rglob("*") if p.is_dir())]:
            assert len(list(directory.iterdir())) <= 300
        assert len(list(runs.glob("2026-11/r-*"))) == LIMIT
        assert len(list(runs.glob("2026-11/21/r-*"))) == LIMIT
        assert list(backend.scan(svm)) == sorted(keys)

    def test_a_shard_is_full_of_runs_not_of_the_shards_below_it(
        self, backend: Backend, svm: Key
    ) -> None:
        store(backend, *(run_key(n) for n in range(LIMIT - 1)))
        runs = backend.root / "iris/experiments/svm/runs/2026-11"

        def move_down(project: Path) -> None:
            (runs / "21").mkdir()
            (runs / run_key(0).name).rename(runs / "21" / run_key(0).name)

        self.by_hand(backend, move_down)
        store(backend, run_key(1000), run_key(1001))
        assert len(list(runs.glob("r-*"))) == LIMIT
        assert len(list(runs.glob("21/*"))) == 1

    def test_reading_creates_nothing(self, backend: Backend) -> None:
        assert backend.read([RUN]) == {}
        assert list(backend.scan()) == []
        assert not backend.root.exists() or not list(backend.root.iterdir())

    def test_a_directory_that_is_no_project_is_refused(self, backend: Backend) -> None:
        write(backend.root / "iris/thesis.tex")
        with pytest.raises(RepositoryError, match="not a project"):
            store(backend, IRIS)
        with pytest.raises(RepositoryError, match="not a project"):
            backend.read([IRIS])
        assert self.files(backend.root) == {"iris/thesis.tex"} | {
            path for path in self.files(backend.root) if path.startswith(".padre")
        }
        assert list(backend.scan()) == []

    def test_a_project_may_begin_in_an_empty_directory(self, backend: Backend) -> None:
        (backend.root / "iris").mkdir(parents=True)
        store(backend, IRIS)
        assert list(backend.scan()) == [IRIS]

    def test_a_project_that_is_a_link_is_refused(
        self, backend: Backend, project: Path, tmp_path: Path
    ) -> None:
        project.rename(tmp_path / "elsewhere")
        project.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        with pytest.raises(RepositoryError, match="symbolic link"):
            put(backend, IRIS, title="new")
        with pytest.raises(RepositoryError, match="symbolic link"):
            backend.read([IRIS])
        assert list(backend.scan()) == []

    def test_a_file_in_place_of_a_project_is_refused(self, backend: Backend) -> None:
        write(backend.root / "iris")
        with pytest.raises(RepositoryError, match="is a file"):
            store(backend, IRIS)
        assert list(backend.scan()) == []

    @pytest.mark.parametrize("name", ["..", "a/b", ".git", "Iris", "con", "-rf", "x" * 41, ""])
    def test_a_name_that_is_none_is_refused(self, backend: Backend, name: str) -> None:
        with pytest.raises(InvalidNameError):
            backend.changes(name)

    def test_directories_with_other_names_are_no_projects(
        self, backend: Backend, project: Path
    ) -> None:
        shutil.copytree(project, backend.root / "Iris Copy", symlinks=True)
        shutil.copytree(project, backend.root / ".iris", symlinks=True)
        assert list(backend.scan()) == sorted(ONE_OF_EACH)
