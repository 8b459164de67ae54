"""Measures engines: python -m tests.benchmarks.engines [--runs 1000] [--rounds 50] [--only ours].

Every engine commits the same ended runs to a repository of its own that already holds ``--runs``
of them in a full checkout. The engines take turns, one commit each, so that what else the machine
does falls on all of them alike. Durable means what the last columns say; ``git status`` is looked
at afterwards. Times of a shared machine are worth less than their ratios.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

from padre_git.vcs import NewCommit, Repository

_DAY = "experiments/svm/runs/2026-11"
_SYNC = ["-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync"]


def run_files(number: int) -> dict[str, bytes]:
    """Returns one ended run: 0.9 KB document, 0.5 KB metrics, 3.3 KB series, a tag, a note."""
    rng = random.Random(number)
    place = f"{_DAY}/{number // 100:02}/r-20261121t101500-{number:012}"
    document = "schema: run/1\n" + "".join(f"\nparameter_{k}: {rng.random()}\n" for k in range(30))
    metrics = "".join(f"metric_{k}: {rng.random()}\n" for k in range(20))
    points = (f"{k},{rng.random():.9f},{rng.random():.9f}\n" for k in range(130))
    return {
        f"{place}/run.yaml": document.encode()[:900],
        f"{place}/metrics.yaml": metrics.encode()[:500],
        f"{place}/series.csv": ("step,loss,accuracy\n" + "".join(points)).encode()[:3300],
        f"{place}/tags/t{number % 7}": b"",
        f"{place}/notes/20261121t1015-{number % 9999:04}.md": b"looked good\n",
    }


class Engine(ABC):
    """Is one way to commit a run."""

    name = ""
    durable = "yes"
    follows = "yes"

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def commit(self, number: int) -> None:
        """Commits one run."""

    def git(self, *words: str, given: bytes = b"", index: str | None = None) -> bytes:
        env = {**os.environ, **({"GIT_INDEX_FILE": index} if index else {})}
        done = subprocess.run(
            ["git", *_SYNC, *words], cwd=self.path, input=given, capture_output=True, env=env
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        return done.stdout

    def write_files(self, number: int) -> Mapping[str, bytes]:
        files = run_files(number)
        for path, content in files.items():
            place = self.path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return files

    def close(self) -> None:  # noqa: B027 - most engines hold nothing
        """Releases what the engine holds."""


class Ours(Engine):
    name = "padre_git"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.repository = Repository.open(path, branch="main")

    def commit(self, number: int) -> None:
        edits = run_files(number)
        self.repository.advance(lambda _: [NewCommit(edits=edits, text=f"run {number}")])

    def close(self) -> None:
        self.repository.close()


class OursDetached(Ours):
    name = "padre_git, branch not checked out"
    follows = "no need"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.git("checkout", "-q", "--detach")


class GitPython(Engine):
    name = "GitPython index.add + index.commit"
    durable = "no"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        import git

        self.repo = git.Repo(path)

    def commit(self, number: int) -> None:
        self.repo.index.add(list(self.write_files(number)))
        self.repo.index.commit(f"run {number}")

    def close(self) -> None:
        self.repo.close()


class CommandLine(Engine):
    name = "git add + git commit"
    durable = "core.fsync=all"

    def commit(self, number: int) -> None:
        files = self.write_files(number)
        self.git("add", "--", *files)
        self.git("commit", "-q", "-m", f"run {number}")


class Plumbing(Engine):
    name = "git plumbing, private index"
    durable = "core.fsync=all"
    follows = "no"

    def commit(self, number: int) -> None:
        files = run_files(number)
        index = str(self.path / ".git/private-index")
        head = self.git("rev-parse", "refs/heads/main").decode().strip()
        self.git("read-tree", head, index=index)
        lines = []
        for path, content in files.items():
            oid = self.git("hash-object", "-w", "--stdin", given=content).decode().strip()
            lines.append(f"100644 {oid}\t{path}\n")
        self.git("update-index", "--index-info", given="".join(lines).encode(), index=index)
        tree = self.git("write-tree", index=index).decode().strip()
        new = self.git("commit-tree", tree, "-p", head, "-m", f"run {number}").decode().strip()
        self.git("update-ref", "refs/heads/main", new, head)


class FastImport(Engine):
    name = "git fast-import, kept running"
    durable = "core.fsync=all"
    follows = "no"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        words = [
            "git",
            *_SYNC,
            "-c",
            "fastimport.unpackLimit=1",
            "fast-import",
            "--quiet",
            "--done",
        ]
        self.process = subprocess.Popen(
            words, cwd=path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.last = self.git("rev-parse", "refs/heads/main").decode().strip()

    def commit(self, number: int) -> None:
        text = f"run {number}".encode()
        parts = [
            b"commit refs/heads/main\nmark :%d\ncommitter A <a@b> %d +0000\ndata %d\n%s\nfrom %s\n"
            % (number + 1, time.time(), len(text), text, self.last.encode())
        ]
        for path, content in run_files(number).items():
            parts.append(b"M 100644 inline %s\ndata %d\n" % (path.encode(), len(content)) + content)
            parts.append(b"\n")
        parts.append(b"checkpoint\nget-mark :%d\nprogress done\n" % (number + 1))
        self.process.stdin.write(b"".join(parts))
        self.process.stdin.flush()
        for line in self.process.stdout:
            if len(line) == 41:
                self.last = line.decode().strip()
            if line == b"progress done\n":
                break

    def close(self) -> None:
        self.process.stdin.write(b"done\n")
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Pygit2(Engine):
    name = "pygit2 TreeBuilder"
    follows = "no"
    durable = "objects and ref, one by one"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        import pygit2

        pygit2.settings.enable_fsync_gitdir(True)
        self.pygit2 = pygit2
        self.repo = pygit2.Repository(str(path))

    def commit(self, number: int) -> None:
        pygit2, repo = self.pygit2, self.repo
        nested: dict[str, object] = {}
        for path, content in run_files(number).items():
            *above, name = path.split("/")
            level = nested
            for part in above:
                level = level.setdefault(part, {})
            level[name] = repo.create_blob(content)
        head = repo.references["refs/heads/main"].target
        tree = self._insert(repo[head].tree, nested)
        who = pygit2.Signature("A", "a@b")
        repo.create_commit("refs/heads/main", who, who, f"run {number}", tree, [head])

    def _insert(self, tree: object, nested: Mapping[str, object]) -> object:
        builder = self.repo.TreeBuilder(tree) if tree is not None else self.repo.TreeBuilder()
        for name, value in nested.items():
            if isinstance(value, dict):
                inner = tree[name] if tree is not None and name in tree else None
                builder.insert(name, self._insert(inner, value), 0o040000)
            else:
                builder.insert(name, value, 0o100644)
        return self.repo[builder.write()].id


class Dulwich(Engine):
    name = "dulwich objects"
    durable = "no"
    follows = "no"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        from dulwich import objects, repo

        self.objects = objects
        self.repo = repo.Repo(str(path))

    def commit(self, number: int) -> None:
        objects, store = self.objects, self.repo.object_store
        made = []
        nested: dict[bytes, object] = {}
        for path, content in run_files(number).items():
            *above, name = path.encode().split(b"/")
            level = nested
            for part in above:
                level = level.setdefault(part, {})
            level[name] = objects.Blob.from_string(content)
            made.append((level[name], None))
        head = self.repo.refs[b"refs/heads/main"]
        tree = self._insert(self.repo[head].tree, nested, made)
        commit = objects.Commit()
        commit.tree, commit.parents, commit.encoding = tree, [head], b"UTF-8"
        commit.author = commit.committer = b"A <a@b>"
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = b"run %d\n" % number
        for made_object, _ in [*made, (commit, None)]:
            store.add_object(made_object)
        self.repo.refs.set_if_equals(b"refs/heads/main", head, commit.id)

    def _insert(self, tree: bytes | None, nested: Mapping[bytes, object], made: list) -> bytes:
        found = self.objects.Tree()
        if tree is not None:
            for entry in self.repo[tree].items():
                found.add(entry.path, entry.mode, entry.sha)
        for name, value in nested.items():
            if isinstance(value, dict):
                inner = found[name][1] if name in found else None
                found[name] = (0o040000, self._insert(inner, value, made))
            else:
                found[name] = (0o100644, value.id)
        made.append((found, None))
        return found.id

    def close(self) -> None:
        self.repo.close()


ENGINES: list[Callable[[Path], Engine]] = [
    GitPython, CommandLine, Plumbing, FastImport, Pygit2, Dulwich, Ours, OursDetached,
]  # fmt: skip


def prepare(path: Path, runs: int) -> float:
    """Makes a project with that many runs in one advance; returns milliseconds a run."""
    with Repository.create(path, branch="main", files={"project.yaml": b"x\n"}, text="new") as made:
        plans = [NewCommit(edits=run_files(n), text=f"run {n}") for n in range(runs)]
        start = time.perf_counter()
        made.advance(lambda _: plans)
        return (time.perf_counter() - start) * 1000 / runs


def fsync_cost(place: Path, number: int) -> float:
    """Returns milliseconds for one new file of 5 KB, synced: what the disk does at this moment."""
    start = time.perf_counter()
    with (place / f"probe-{number}").open("wb") as file:
        file.write(b"x" * 5000)
        file.flush()
        os.fsync(file.fileno())
    return (time.perf_counter() - start) * 1000


def measure(base: Path, *, runs: int, rounds: int, only: str) -> None:
    """Prints one table row for each engine."""
    engines = []
    for made in ENGINES:
        if only not in made.name:
            continue
        each = prepare(base / made.__name__, runs)
        print(f"{runs} runs in one advance: {each:.2f} ms a run", flush=True)
        engines.append(made(base / made.__name__))
    times: dict[str, list[float]] = {engine.name: [] for engine in engines}
    cpu: dict[str, list[float]] = {engine.name: [] for engine in engines}
    probes = []
    for number in range(runs, runs + rounds + 2):  # the first two warm up
        probes.append(fsync_cost(base, number))
        for engine in engines:
            start, busy = time.perf_counter(), _busy()
            engine.commit(number)
            times[engine.name].append((time.perf_counter() - start) * 1000)
            cpu[engine.name].append((_busy() - busy) * 1000)
    print(f"a new file of 5 KB, fsynced: median {statistics.median(probes):.2f} ms")
    print("engine | median ms | p10 | p90 | cpu ms | durable | index and files follow | status")
    for engine in engines:
        engine.close()
        row = sorted(times[engine.name][2:])
        words = ["git", "status", "--porcelain", "--untracked-files=no"]
        found = subprocess.run(words, cwd=engine.path, capture_output=True, check=True).stdout
        print(
            f"{engine.name} | {statistics.median(row):.1f} | {row[len(row) // 10]:.1f} | "
            f"{row[-len(row) // 10]:.1f} | {statistics.median(cpu[engine.name][2:]):.1f} | "
            f"{engine.durable} | {engine.follows} | {len(found.splitlines())} lines"
        )
        subprocess.run(["git", "fsck", "--full"], cwd=engine.path, capture_output=True, check=True)


def _busy() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--only", default="", help="engines whose name holds this")
    parser.add_argument("--directory", type=Path, default=None, help="where to work")
    given = parser.parse_args()
    base = Path(tempfile.mkdtemp(dir=given.directory))
    os.environ.update(
        GIT_CONFIG_GLOBAL=str(base / "gitconfig"), GIT_CONFIG_NOSYSTEM="1", GIT_TERMINAL_PROMPT="0"
    )
    (base / "gitconfig").write_text("[user]\nname = A\nemail = a@b\n[gc]\nauto = 0\n")
    try:
        measure(base, runs=given.runs, rounds=given.rounds, only=given.only)
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
