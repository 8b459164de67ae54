"""The index: git reads what we write, and what is not ours in it survives."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padre_git.errors import ConflictError, DamagedError
from padre_git.vcs.index import Index, UnknownIndexError
from padre_git.vcs.objects import FILE, Entry
from padre_git.vcs.plan import NewCommit
from tests.conftest import git
from tests.vcs.clones import create, one, record, write

EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git("init", "-q", "-b", "main", ".", cwd=tmp_path)
    for name in ("b", "a/x", "a-b", "a.b", "ä"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    git("add", "-A", cwd=tmp_path)
    return tmp_path


def load(root: Path) -> Index:
    path = root / ".git/index"
    return Index(path.read_bytes(), written=path.stat().st_mtime_ns)


def store(root: Path, index: Index) -> None:
    (root / ".git/index").write_bytes(index.build())


def listing(root: Path) -> str:
    return git("ls-files", "-z", "--stage", cwd=root)


def test_an_unchanged_index_says_the_same_to_git(repository: Path) -> None:
    before = listing(repository)
    store(repository, load(repository))
    assert listing(repository) == before
    assert git("status", "--porcelain", cwd=repository).count("A ") == 5
    git("fsck", "--strict", cwd=repository)


def test_entries_are_put_in_replaced_and_taken_out(repository: Path) -> None:
    index = load(repository)
    index.set("a/y", Entry(FILE, EMPTY), None)
    index.set("b", Entry(FILE, EMPTY), None)
    index.remove("a-b")
    index.remove("nothing")
    store(repository, index)
    names = git("ls-files", "-z", cwd=repository).split("\0")[:-1]
    assert names == ["a.b", "a/x", "a/y", "b", "ä"]
    assert git("rev-parse", ":b", cwd=repository).strip() == EMPTY
    assert index.below("a") == ["a/x", "a/y"]
    assert index.below("") == names
    assert len(index) == 5


def test_what_stands_at_a_path_is_found(repository: Path) -> None:
    index = load(repository)
    found = index.get("a/x")
    assert found is not None
    assert found.entry.id == git("rev-parse", ":a/x", cwd=repository).strip()
    assert index.get("a") is None
    assert not found.skipped


def test_a_skipped_file_needs_version_three_and_git_knows_it(repository: Path) -> None:
    index = load(repository)
    entry = index.get("b")
    assert entry is not None
    index.set("b", entry.entry, None, skip=True)
    store(repository, index)
    assert "S b\n" in git("ls-files", "-t", cwd=repository)
    again = load(repository)
    assert again.get("b") is not None
    assert again.get("b").skipped
    again.set("b", entry.entry, None)
    assert again.build()[4:8] == b"\0\0\0\2"


def test_conflicts_are_seen_and_can_be_taken_out(repository: Path) -> None:
    blob = git("rev-parse", ":b", cwd=repository).strip()
    lines = "".join(f"100644 {blob} {stage}\tb\n" for stage in (1, 2, 3))
    git("rm", "-q", "--cached", "b", cwd=repository)
    git("update-index", "--index-info", cwd=repository, input=lines)
    index = load(repository)
    assert index.is_unmerged("b")
    assert not index.is_unmerged("a")
    assert index.get("b") is None
    assert index.below("").count("b") == 1
    index.remove("b")
    assert not index.is_unmerged("b")


def test_an_entry_that_may_have_changed_within_its_second_is_looked_at_again(
    repository: Path,
) -> None:
    path = repository / ".git/index"
    second = (repository / "b").stat().st_mtime_ns // 10**9 * 10**9

    def look(name: str) -> os.stat_result:
        return (repository / name).stat()

    index = Index(path.read_bytes(), written=second)
    index.settle(second, look)
    assert index.get("b").stat[-1] == 1, "git compares by content as long as the second lasts"
    (repository / "b").write_text("c")
    index.settle(second + 10**9, look)
    assert index.get("b").stat[-1] == 0
    assert index.get("a.b").stat[-1] == 3
    old = Index(path.read_bytes(), written=second + 10**9)
    old.settle(second + 2 * 10**9, look)
    assert old.get("b").stat[-1] == 1, "an entry older than its index is as it says"


def test_a_file_is_certainly_clean_only_when_its_status_says_so_and_is_old(
    repository: Path,
) -> None:
    seen = (repository / "b").stat()
    content = (repository / ".git/index").read_bytes()
    old = Index(content, written=seen.st_mtime_ns + 10**9)
    young = Index(content, written=seen.st_mtime_ns)
    assert old.is_clean(old.get("b"), seen)
    assert not young.is_clean(young.get("b"), seen)
    assert not old.is_clean(old.get("b"), (repository / "a.b").stat())


@pytest.mark.parametrize(
    "words",
    [
        ["update-index", "--index-version", "4"],
        ["update-index", "--split-index"],
    ],
)
def test_a_form_that_only_git_knows_is_not_touched(repository: Path, words: list[str]) -> None:
    git(*words, cwd=repository)
    with pytest.raises(UnknownIndexError):
        load(repository)


def test_extensions_that_git_can_rebuild_do_not_matter(repository: Path) -> None:
    git("update-index", "--untracked-cache", "--force-untracked-cache", cwd=repository)
    git("status", cwd=repository)
    git("write-tree", cwd=repository)
    assert b"TREE" in (repository / ".git/index").read_bytes()
    store(repository, load(repository))
    assert b"UNTR" not in (repository / ".git/index").read_bytes()
    git("status", cwd=repository)


@pytest.mark.parametrize("change", [b"", b"GARBAGE" * 10, None])
def test_a_damaged_index_is_damage(repository: Path, change: bytes | None) -> None:
    content = bytearray((repository / ".git/index").read_bytes())
    content[20] ^= 1
    if change == b"":
        assert len(Index(b"")) == 0
        return
    with pytest.raises(DamagedError):
        Index(bytes(content) if change is None else change)


@settings(max_examples=30)
@given(st.lists(st.text("ab/.-ä", min_size=1, max_size=6), unique=True))
def test_entries_are_in_gits_order(names: list[str]) -> None:
    index = Index()
    for name in names:
        index.set(name, Entry(FILE, EMPTY), None)
    assert index.below("") == sorted(names, key=str.encode)
    again = Index(index.build())
    assert again.below("") == index.below("")
    for name in names:
        index.remove(name)
    assert len(index) == 0


def test_long_names_survive(tmp_path: Path) -> None:
    git("init", "-q", ".", cwd=tmp_path)
    index = Index()
    for length in [*range(1, 20), 4094, 4095, 4096, 5000]:
        index.set("x" * length, Entry(FILE, EMPTY), os.stat(tmp_path))  # noqa: PTH116
    store(tmp_path, index)
    assert len(git("ls-files", "-z", cwd=tmp_path).split("\0")) == 24
    assert load(tmp_path).get("x" * 5000) is not None


def written_tree(root: Path) -> str:
    """Returns the tree of the index as git makes it without any cache of trees."""
    lines = git("ls-files", "--stage", "-z", cwd=root)
    env = {**os.environ, "GIT_INDEX_FILE": str(root / ".git/fresh-index")}
    git("read-tree", "--empty", cwd=root, env=env)
    git("update-index", "-z", "--index-info", cwd=root, env=env, input=lines)
    return git("write-tree", cwd=root, env=env)


def test_the_cache_of_trees_is_right_whatever_we_and_the_user_do(tmp_path: Path) -> None:
    chance = random.Random(7)
    places = ["a", "a/b", "a/b/c", "d", "d/e", "f-g", "f"]
    with create(tmp_path / "iris") as clone:
        for step in range(80):
            path = f"{chance.choice(places)}/{chance.randrange(4)}.txt"
            user = f"{chance.choice(places)}/mine-{chance.randrange(3)}"
            what = chance.randrange(8)
            stale = (clone.git_dir / "index").read_bytes()
            with suppress(ConflictError):  # the user's stages are in the way now and then
                if what < 3:
                    clone.advance(one({path: b"%d" % step, f"d/{step}": b""}))
                elif what == 3:
                    clone.advance(one({chance.choice([path, chance.choice(places)]): None}))
                elif what > 5:  # a git command beside us puts back what it had read
                    clone.advance(one({f"a/{step}": b"", path: b"%d" % step}))
                    (clone.git_dir / "index").write_bytes(stale)
                    write(clone.git_dir / "COMMIT_EDITMSG", "stale\n")
            if what == 4:
                write(clone.path / user, str(step))
                git("add", user, cwd=clone.path)
            elif what in {5, 7}:
                git("commit", "-qm", "mine", "--allow-empty", cwd=clone.path)
            assert git("write-tree", cwd=clone.path) == written_tree(clone.path), step
            git("fsck", "--strict", "--full", "--no-dangling", cwd=clone.path)


def test_after_our_commit_git_knows_every_tree_of_the_index(tmp_path: Path) -> None:
    with create(tmp_path / "iris") as clone:
        for number in range(5):
            record(clone, f"r-{number}")
            index = Index((clone.git_dir / "index").read_bytes())
            root = index._trees._root
            assert root.tree == git("rev-parse", "HEAD^{tree}", cwd=clone.path).strip()
            assert root.count == len(index)


def test_trees_and_fresh_entries_are_the_same_whatever_is_known_of_the_index(
    tmp_path: Path,
) -> None:
    known, file = Index(), tmp_path / "iris" / ".git" / "index"
    with create(tmp_path / "iris") as clone:
        for number in range(12):
            if number % 4 == 3:
                gone = NewCommit(edits={f"r-{number - 2}": None}, text="-")
                clone.advance(lambda _, gone=gone: [gone])  # type: ignore[misc]
            else:
                record(clone, f"r-{number}")
            content, written = file.read_bytes(), file.stat().st_mtime_ns
            alone = Index(content, written=written)
            known = Index(content, written=written, like=known)
            assert known._trees._root == alone._trees._root
            assert known._trees._root.inside.keys() == alone._trees._root.inside.keys()
            assert known.build() == alone.build() == content
            for second, keys in alone._fresh.items():
                assert keys <= known._fresh[second]
            git("status", cwd=clone.path)


@settings(deadline=None)
@given(before=st.sets(st.integers(0, 400)), after=st.sets(st.integers(0, 400)), edit=st.integers())
def test_an_index_is_read_the_same_whatever_is_known_of_it(
    before: set[int], after: set[int], edit: int
) -> None:
    old, new = Index(), Index()
    for number in before:
        old.set(f"runs/{number:03d}", Entry(FILE, EMPTY), None, skip=number % 7 == 0)
    for number in after:
        id_ = f"{edit & 0xFF:040x}" if number % 50 == 0 else EMPTY
        new.set(f"runs/{number:03d}", Entry(FILE, id_), None, skip=number % 5 == 0)
    content = new.build()
    read = Index(content, written=1, like=Index(old.build()))
    assert read.build() == content
    assert read.below("") == [f"runs/{number:03d}" for number in sorted(after)]
    for change in (content[:-1], content[:40] + b"?" + content[41:]):
        with pytest.raises(DamagedError):
            Index(change, like=read)
