"""Pointers: DVC's own text out, and nothing but the harmless in."""

from __future__ import annotations

import io

import pytest
import ruamel.yaml
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from padre_git.artifacts import Pointer, read_pointer, write_pointer
from padre_git.errors import DocumentError

MD5 = "764efa883dda1e11db47671c4a3bbd9e"
FILE = Pointer(md5=MD5, path="model.bin", size=3)
DIRECTORY = Pointer(md5=f"{MD5}.dir", path="artifacts", size=6, nfiles=4)

names = st.one_of(
    st.sampled_from(
        ["123", "1e5", "yes", "null", "0x10", "~", "ab: c", "it's", "größe", "x #y", "-"]
    ),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=30)
    .filter(lambda t: not set(t) & set("/\\") and t not in (".", "..") and t.isprintable())
    .filter(lambda t: t[1:2] != ":"),
)
hashes = st.one_of(
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.text("0123456789", min_size=32, max_size=32),
    st.text("0123456789", min_size=31, max_size=31).map(lambda t: t[:9] + "e" + t[9:]),
)


def test_a_file_is_written_as_dvc_writes_it():
    assert write_pointer(FILE) == (
        b"outs:\n- md5: 764efa883dda1e11db47671c4a3bbd9e\n  size: 3\n"
        b"  hash: md5\n  path: model.bin\n"
    )


def test_a_directory_is_written_as_dvc_writes_it():
    assert write_pointer(DIRECTORY) == (
        b"outs:\n- md5: 764efa883dda1e11db47671c4a3bbd9e.dir\n  size: 6\n  nfiles: 4\n"
        b"  hash: md5\n  path: artifacts\n"
    )


def test_an_executable_is_written_as_dvc_writes_it():
    pointer = Pointer(md5=MD5, path="run.sh", size=2, executable=True)
    assert b"  size: 2\n  isexec: true\n  hash: md5\n" in write_pointer(pointer)


@settings(max_examples=200, deadline=None)
@given(md5=hashes, path=names, size=st.integers(0, 10**15), isexec=st.booleans())
def test_pointers_come_back_and_two_parsers_agree(md5: str, path: str, size: int, isexec: bool):
    import unicodedata

    path = unicodedata.normalize("NFC", path)
    size = 0 if md5 == "d41d8cd98f00b204e9800998ecf8427e" else size
    pointer = Pointer(md5=md5, path=path, size=size, executable=isexec)
    text = write_pointer(pointer)
    for values in (yaml.safe_load(text), ruamel.yaml.YAML(typ="safe").load(text)):
        out = values["outs"][0]
        assert (out["md5"], out["path"], out["size"]) == (md5, path, size)
    if path.casefold().partition(":")[0].rstrip(". ") not in (".git", "git~1"):
        assert read_pointer(text) == pointer


@pytest.mark.parametrize("md5", ["1" * 32, "12345678e" + "9" * 23, MD5, "0" * 32])
def test_hashes_that_look_like_numbers_are_written_as_dvc_writes_them(md5: str):
    stream = io.StringIO()
    writer = ruamel.yaml.YAML()
    writer.default_flow_style = False
    writer.dump({"outs": [{"md5": md5, "size": 1, "hash": "md5", "path": "x"}]}, stream)
    assert write_pointer(Pointer(md5=md5, path="x", size=1)).decode() == stream.getvalue()


def test_what_dvc_and_people_write_is_read():
    text = (
        "# our data\nouts:\n  - path: 'a file.csv'\n    hash: md5\n    size: 3\n"
        f"    md5: {MD5}\n    desc: from the lab\nmeta:\n  who: ada\n"
    )
    assert read_pointer(text.encode()) == Pointer(md5=MD5, path="a file.csv", size=3)


def test_a_size_may_be_unknown():
    text = write_pointer(Pointer(md5=MD5, path="x", size=None))
    assert b"size" not in text
    assert read_pointer(text).size is None


OUT = f"outs:\n- md5: {MD5}\n  size: 3\n  hash: md5\n  path: "


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "outs: []\n",
        "outs:\n- a\n",
        OUT + "../x\n",
        OUT + "/etc/passwd\n",
        OUT + ".git\n",
        OUT + "a/b\n",
        OUT + "..\n",
        OUT + "hooks\\x\n",
        OUT + "x\nwdir: ../..\n",
        OUT + "x\ncmd: rm -rf /\n",
        OUT + "x\ndeps:\n- path: y\n",
        OUT + "x\n  remote: elsewhere\n",
        OUT + "x\n  cache: false\n",
        OUT + "x\n  files: []\n",
        OUT + "x\n- md5: " + MD5 + "\n  hash: md5\n  path: y\n",
        OUT.replace("size: 3", "size: -3") + "x\n",
        OUT.replace("size: 3", "size: many") + "x\n",
        OUT.replace("size: 3", "size: true") + "x\n",
        OUT.replace("size: 3", "nfiles: 3") + "x\n",
        OUT.replace(MD5, "../../../etc/passwd") + "x\n",
        OUT.replace(MD5, MD5.upper()) + "x\n",
        OUT.replace(MD5, "7") + "x\n",
        OUT.replace(MD5, "d41d8cd98f00b204e9800998ecf8427e") + "x\n",
        OUT.replace("  hash: md5\n", "") + "x\n",
        OUT.replace("hash: md5", "hash: sha256") + "x\n",
        "outs: &a\n- *a\n",
        OUT + "x\nouts: []\n",
        "outs:\n" + "- " * 5000,
        "x" * 200_000,
        "<<<<<<< ours\n" + OUT + "x\n",
        "\xff",
    ],
)
def test_hostile_pointers_are_refused(text: str):
    with pytest.raises(DocumentError) as caught:
        read_pointer(text.encode("latin-1"), file="runs/r-1/artifacts.dvc")
    assert caught.value.file == "runs/r-1/artifacts.dvc"


def test_a_pointer_of_dvc_2_is_refused_with_the_way_out():
    with pytest.raises(DocumentError) as caught:
        read_pointer(f"outs:\n- md5: {MD5}\n  size: 3\n  path: x\n".encode())
    assert "migrate" in (caught.value.hint or "")
