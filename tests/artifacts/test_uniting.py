"""What two clones made of the files behind one pointer comes together, file by file."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padre_git.artifacts import (
    Pointer,
    ProjectData,
    add_member,
    pointer_to,
    remove_member,
    unite_items,
    unite_pointers,
    write_pointer,
)
from padre_git.artifacts.hashes import Item
from padre_git.artifacts.uniting import Union
from padre_git.errors import ArtifactError, ArtifactMissingError, InvalidInputError
from padre_git.messages.settling import Choice


def put(data: ProjectData, before: Pointer | None, name: str, content: bytes) -> Pointer:
    item = data.cache.add_bytes(content)
    return add_member(data.cache, before, "artifacts", name, {"": item})


def united(
    data: ProjectData,
    base: Pointer | None,
    ours: Pointer,
    theirs: Pointer,
    /,
    **choices: Choice,
) -> Union:
    before = None if base is None else write_pointer(base)
    return unite_pointers(data, before, write_pointer(ours), write_pointer(theirs), choices)


def contents(data: ProjectData, union: Union) -> dict[str, bytes]:
    assert union.pointer is not None
    return {name: data.cache.read(md5) for name, md5 in data.names(union.pointer).items()}


def test_what_two_clones_added_is_united(data: ProjectData) -> None:
    base = put(data, None, "a", b"1")
    ours, theirs = put(data, base, "b", b"22"), put(data, base, "c", b"333")
    union = united(data, base, ours, theirs)
    assert contents(data, union) == {"a": b"1", "b": b"22", "c": b"333"}
    assert union.pointer is not None
    assert union.pointer.size == 6
    assert united(data, base, theirs, ours) == union


def test_what_two_clones_made_of_one_name_is_described_and_settled(data: ProjectData) -> None:
    base = put(data, None, "a", b"1")
    ours, theirs = put(data, base, "a", b"22"), put(data, base, "a", b"333")
    ours, theirs = put(data, ours, "b", b"b"), put(data, theirs, "c", b"c")
    union = united(data, base, ours, theirs)
    assert union.content is None
    versions = [{"md5": data.cache.add_bytes(b).md5, "size": len(b)} for b in (b"1", b"22", b"333")]
    assert union.disputed == {"a": tuple(versions)}
    here = united(data, base, ours, theirs, a=Choice.OURS)
    assert contents(data, here) == {"a": b"22", "b": b"b", "c": b"c"}
    there = united(data, base, ours, theirs, a=Choice.THEIRS)
    assert contents(data, there) == {"a": b"333", "b": b"b", "c": b"c"}


def test_a_file_that_one_side_removed_and_one_changed_can_go(data: ProjectData) -> None:
    base = put(data, put(data, None, "a", b"1"), "b", b"2")
    ours, theirs = remove_member(data.cache, base, "a"), put(data, base, "a", b"333")
    assert ours is not None
    union = united(data, base, ours, theirs)
    assert union.disputed["a"][1] is None
    assert contents(data, united(data, base, ours, theirs, a=Choice.OURS)) == {"b": b"2"}


def test_single_files_are_one_or_the_other(data: ProjectData) -> None:
    files = [
        Pointer(md5=data.cache.add_bytes(content).md5, path="data", size=len(content))
        for content in (b"1", b"22", b"333")
    ]
    assert list(united(data, *files).disputed) == ["data"]
    assert united(data, *files, data=Choice.THEIRS).pointer == files[2]
    assert united(data, *files, data=Choice.OURS).pointer == files[1]
    with pytest.raises(InvalidInputError):
        united(data, None, files[0], put(data, None, "a", b"1"))


def test_what_is_not_known_here_is_not_guessed(data: ProjectData) -> None:
    base = put(data, None, "a", b"1")
    ours, theirs = put(data, base, "b", b"22"), put(data, base, "c", b"333")
    data.cache.discard(theirs.md5)
    with pytest.raises(ArtifactMissingError):
        united(data, base, ours, theirs)


def test_of_very_many_files_nobody_decides_one_by_one(data: ProjectData) -> None:
    sides = []
    for side in (b"ours", b"theirs"):
        items = {f"{n:04}": data.cache.add_bytes(side) for n in range(1001)}
        sides.append(add_member(data.cache, None, "artifacts", "tree", items))
    with pytest.raises(ArtifactError, match="1001 files"):
        united(data, None, *sides)


def test_what_a_writer_did_not_touch_is_as_others_have_it(data: ProjectData) -> None:
    def items(**texts: bytes) -> dict[str, Item]:
        return {name: data.cache.add_bytes(text) for name, text in texts.items()}

    def after(stored: dict[str, Item], **texts: bytes) -> dict[str, bytes] | None:
        pointer = pointer_to(data.cache, "artifacts", stored) if stored else None
        before = items(a=b"1", b=b"2", log=b"3")
        own = frozenset(["log"])
        made = unite_items(data, "artifacts", before, items(**texts), pointer, own=own)
        return None if made is None else contents(data, Union(made))

    assert after(items(a=b"new", c=b"4", log=b"5"), a=b"1", b=b"2", log=b"3") == {
        "a": b"new", "c": b"4", "log": b"3",
    }  # fmt: skip
    assert after(items(a=b"new", b=b"2"), a=b"1", b=b"anew") == {"a": b"new", "b": b"anew"}
    assert after(items(a=b"1", b=b"2"), a=b"1") == {"a": b"1"}, "it has put something else there"
    assert after({}, a=b"1", b=b"2") is None
    with pytest.raises(ArtifactError):
        after({"x/y": data.cache.add_bytes(b"6")}, x=b"7")


_TREES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([b"1", b"22", b"333"]))


@given(
    base=_TREES, ours=_TREES, theirs=_TREES, choice=st.sampled_from([Choice.OURS, Choice.THEIRS])
)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_it_is_the_union_that_a_dictionary_would_have(
    data: ProjectData,
    base: dict[str, bytes],
    ours: dict[str, bytes],
    theirs: dict[str, bytes],
    choice: Choice,
) -> None:
    trees = [{**tree, "same": b"always"} for tree in (base, ours, theirs)]
    was, here, there = trees
    wanted, disputed = {}, set()
    for name in {*was, *here, *there}:
        versions = was.get(name), here.get(name), there.get(name)
        if versions[1] == versions[2] or versions[2] == versions[0]:
            wanted[name] = versions[1]
        elif versions[1] == versions[0]:
            wanted[name] = versions[2]
        else:
            disputed.add(name)
            wanted[name] = versions[1 if choice is Choice.OURS else 2]
    pointers = []
    for tree in trees:
        items = {name: data.cache.add_bytes(content) for name, content in tree.items()}
        pointers.append(pointer_to(data.cache, "artifacts", items))
    first = united(data, *pointers)
    assert set(first.disputed) == disputed
    assert (first.content is None) is bool(disputed)
    settled = united(data, *pointers, **dict.fromkeys(disputed, choice))
    assert contents(data, settled) == {n: c for n, c in wanted.items() if c is not None}
    turned = united(data, pointers[0], pointers[2], pointers[1])
    assert set(turned.disputed) == disputed, "which side is which does not matter"
