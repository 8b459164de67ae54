"""Planned commits and the trees they make: only what changes is rewritten, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from padre_git.errors import InvalidInputError
from padre_git.messages import Author
from padre_git.vcs.identity import Identity
from padre_git.vcs.objects import (
    DIRECTORY,
    EMPTY_TREE,
    EXECUTABLE,
    FILE,
    Entry,
    build_commit,
    build_tree,
    check_path,
    object_id,
    parse_commit,
    sort_tree,
)
from padre_git.vcs.packs import PackWriter
from padre_git.vcs.reader import Reader
from padre_git.vcs.snapshot import Snapshot

__all__ = ["Difference", "Edit", "NewCommit", "build_plan", "differences", "edit_tree"]

#: What becomes of a path: new content, an object that exists already, or nothing.
Edit = bytes | Entry | None


@dataclass(frozen=True, kw_only=True)
class NewCommit:
    """Is a commit to make.

    Attributes:
        edits: what becomes of each path, relative to the commit before it in the plan. None
            deletes (a directory with everything in it), an
            :class:`~padre_git.vcs.objects.Entry` puts an existing object there, so renaming a
            directory copies no file. Deletions come first.
        text: the message.
        author: by whom; None for the clone's own identity.
        time: when the author did it, with a time zone; None for now.
        parents: further parents, which make it a merge; it is then kept even without a change.
    """

    edits: Mapping[str, Edit]
    text: str
    author: Author | None = None
    time: datetime | None = None
    parents: tuple[str, ...] = ()


class Difference(NamedTuple):
    """Is one file that differs between two trees."""

    path: str
    old: Entry | None
    new: Entry | None


def build_plan(
    base: Snapshot, plan: Sequence[NewCommit], *, reader: Reader, writer: PackWriter, who: Identity
) -> str | None:
    """Builds the commits of a plan on top of a base and returns the last one's id.

    A commit that changes nothing and merges nothing is left out.

    Args:
        base: where the first commit goes.
        plan: the commits, in order.
        reader: gives the trees of the base and remembers new ones.
        writer: takes the new objects; nothing is durable before it is flushed.
        who: the clone's identity.

    Returns:
        The id of the last commit, which is the base's own if nothing changes.

    Raises:
        InvalidNameError: for a path that cannot stand in a tree.
        InvalidInputError: for edits below a file, or a time without time zone.
    """
    tip, tree = base.commit, base.tree
    now = datetime.now().astimezone()
    for commit in plan:
        new = edit_tree(tree, commit.edits, reader=reader, writer=writer)
        if new == tree and not commit.parents and tip is not None:
            continue
        if new == EMPTY_TREE:
            writer.add("tree", b"")
        content = build_commit(
            tree=new,
            parents=[*([tip] if tip else []), *commit.parents],
            author=commit.author or who.author,
            time=commit.time or now,
            committer=who.committer,
            committed=now,
            text=commit.text,
        )
        tip, tree = writer.add("commit", content), new
        reader.remember_commit(parse_commit(content))
    return tip


def edit_tree(tree: str, edits: Mapping[str, Edit], *, reader: Reader, writer: PackWriter) -> str:
    """Returns the id of a tree with these edits made; see :class:`NewCommit`."""
    nested: _Nested = {}
    for path, edit in edits.items():
        *above, name = check_path(path)
        level = nested
        for part in above:
            level = level.setdefault(part, _Level({})).below
        known = level.get(name)
        if isinstance(known, _Level):
            level[name] = _Level(known.below, edit, replaced=True)
        else:
            level[name] = _Level({}, edit, replaced=True)
    return _edit(tree, nested, path="", reader=reader, writer=writer) or EMPTY_TREE


class _Level(NamedTuple):
    """Is what happens at one name: its own edit if there is one, then those below it."""

    below: _Nested
    edit: Edit = None
    replaced: bool = False


_Nested = dict[str, _Level]


def _edit(
    tree: str, nested: _Nested, *, path: str, reader: Reader, writer: PackWriter
) -> str | None:
    old = reader.tree(tree)
    entries = dict(old)
    for name, level in nested.items():
        if level.replaced:
            _replace(entries, name, level.edit, writer=writer)
        if level.below and not _is_covered(entries.get(name), level):
            _edit_below(entries, name, level.below, path=path, reader=reader, writer=writer)
    if not entries:
        return None
    if entries == old:
        return tree
    if not _is_in_order(entries, old, nested):
        entries = sort_tree(entries)
    oid = writer.add("tree", build_tree(entries))
    reader.remember(oid, entries)
    return oid


def _is_in_order(
    entries: Mapping[str, Entry], old: Mapping[str, Entry], edited: Iterable[str]
) -> bool:
    """Tells whether entries are certainly in git's order, being those of a tree after edits."""
    # a directory stands where its name with a slash would
    return [*entries] == [*old] and all(
        name in old and old[name].is_tree == entries[name].is_tree for name in edited
    )


def _is_covered(at: Entry | None, level: _Level) -> bool:
    """Tells whether a file takes the place of a directory whose content goes."""
    return level.replaced and at is not None and not at.is_tree and _only_deletes(level.below)


def _only_deletes(nested: _Nested) -> bool:
    return all(level.edit is None and _only_deletes(level.below) for level in nested.values())


def _edit_below(
    entries: dict[str, Entry],
    name: str,
    nested: _Nested,
    *,
    path: str,
    reader: Reader,
    writer: PackWriter,
) -> None:
    at = entries.get(name)
    if at is not None and not at.is_tree:
        raise InvalidInputError(f"'{path}{name}' is a file; nothing can be stored below it")
    inner = at.id if at is not None else EMPTY_TREE
    new = _edit(inner, nested, path=f"{path}{name}/", reader=reader, writer=writer)
    if new is None:
        entries.pop(name, None)
    else:
        entries[name] = Entry(DIRECTORY, new)


def _replace(entries: dict[str, Entry], name: str, edit: Edit, *, writer: PackWriter) -> None:
    old = entries.get(name)
    if edit is None:
        entries.pop(name, None)
    elif isinstance(edit, Entry):
        entries[name] = edit
    else:
        mode = EXECUTABLE if old is not None and old.mode == EXECUTABLE else FILE
        oid = object_id("blob", edit)
        if old != Entry(mode, oid):
            entries[name] = Entry(mode, writer.add("blob", edit))


def differences(reader: Reader, old: str, new: str, prefix: str = "") -> Iterator[Difference]:
    """Yields every file that differs between two trees, with its path.

    Args:
        reader: gives the trees.
        old: id of the first tree.
        new: id of the second tree.
        prefix: what the paths begin with.
    """
    if old == new:
        return
    before, after = reader.tree(old), reader.tree(new)
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        path = prefix + name
        inner = [e.id if e is not None and e.is_tree else EMPTY_TREE for e in (was, now)]
        yield from differences(reader, inner[0], inner[1], path + "/")
        files = [None if e is None or e.is_tree else e for e in (was, now)]
        if files[0] != files[1]:
            yield Difference(path, files[0], files[1])
