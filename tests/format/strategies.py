"""What hypothesis draws documents and entities from."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from hypothesis import strategies as st

from padre_git.format import identify
from padre_git.model import (
    Code,
    Column,
    Computation,
    Dataset,
    Environment,
    Execution,
    Experiment,
    Note,
    Project,
    Run,
)

#: What one YAML version or another reads as something else than text.
_WORDS = (
    "no Off y NULL ~ = << 1e3 1.0e3 012 0o14 0x1F 0b1 1_000 1:30 12:30:45 2026-11-21 .5 +1 - --- "
    "... a: # *x &x !t %a @a `a | > [a {a .inf -.INF .nan nan 2026-11-21T10:15:00Z \\ \" ' 'a'"
)
TRICKY = (
    *_WORDS.split(),
    *("", " ", "- a", "a: b", "a #b", "? a", "a\tb", "\x85", "a\u2028b", "\ufeff", "\x00", "\x7f"),
    *(
        "a\n",
        "\na",
        "a\n\n",
        "a\n b\n",
        " a\nb",
        "a\r\nb",
        "a \nb",
        "a\n\tb",
        "a\n#b\n",
        "a\n---\nb",
    ),
    *("\u202e", "é", "e\u0301", "🙂", "x" * 2000, "l\n" * 50),
)

_letters = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
_marks = st.text(
    alphabet=" \n\t\r:#-?'\"|>[]{},&*!%@`\\~=<ab10.eE+_xXoOnyN\x85\u2028\ufeff", max_size=25
)
texts = _letters | _marks | st.sampled_from(TRICKY)
numbers = st.integers(-(10**99), 10**99) | st.floats()
keys = texts.filter(lambda text: 0 < len(text) < 200) | st.sampled_from(["a", "b.c", "1", "yes"])


def _collections(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)


anything = st.recursive(st.none() | st.booleans() | numbers | texts, _collections, max_leaves=12)
documents = st.dictionaries(keys, anything, min_size=1, max_size=4)


# ------------------------------------------------------------------------------------- entities


def _label(text: str) -> str:
    """Returns a label that is like this text; filtering would draw in vain most of the time."""
    kept = "".join(c for c in unicodedata.normalize("NFC", text) if c.isprintable()).strip()
    return kept[:250].strip() or "a"


_NAMES = ("val/acc", "model.lr", "top 5", "C", "gamma", "layers", "größe", "損失", "a" * 250)
labels = st.sampled_from([*map(_label, TRICKY), *_NAMES]) | st.text(max_size=8).map(_label)
names = st.sampled_from(["iris", "svm-baseline", "a", "x" * 40, "d_2"])
_short = st.sampled_from(TRICKY) | st.text(max_size=6)
_finite = st.integers(-(10**99), 10**99) | st.floats(allow_nan=False, allow_infinity=False)


def _mappings(names: st.SearchStrategy) -> st.SearchStrategy:
    inner = st.recursive(
        st.none() | st.booleans() | _finite | _short,
        lambda deeper: st.lists(deeper, max_size=2) | st.dictionaries(names, deeper, max_size=2),
        max_leaves=4,
    )
    return st.dictionaries(names, inner, max_size=2)


attributes = _mappings(labels)
# without dots, so that no two names are the same when they are flattened
parameters = _mappings(labels.map(lambda text: text.replace(".", "_")))
metrics = st.dictionaries(labels, numbers, max_size=2)
tags = st.dictionaries(labels, st.just("") | labels, max_size=2)
lines = _short.map(lambda text: "".join(text.splitlines()))
times = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC)
)
_hashes = st.sampled_from(["0" * 40, "1e" * 20, "a" * 40, "0123456789" * 4, "b" * 64])
_digests = st.sampled_from(["1" * 64, "f0" * 32, "sha256:" + "0" * 64])
_versions = st.sampled_from(["md5:" + "0" * 32, "md5:" + "0f" * 16 + ".dir"])
_urls = st.sampled_from(
    ["https://example.org/lab/iris.git", "file:///srv/lab/iris.git#datasets/x", "host:lab/iris.git"]
)


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


projects = st.builds(
    Project,
    name=names,
    title=maybe(lines),
    description=maybe(_short),
    settings=st.fixed_dictionaries({}, optional={"inline": st.integers(0, 10**9)}),
    attributes=attributes,
    url=maybe(_urls),
)
_columns = st.builds(
    Column,
    name=labels,
    type=maybe(lines),
    unit=maybe(lines),
    level=maybe(st.sampled_from(["nominal", "ratio"])),
    target=st.booleans(),
)
datasets = st.builds(
    Dataset,
    project=names,
    name=names,
    title=maybe(lines),
    description=maybe(_short),
    source=maybe(_short),
    license=maybe(lines),
    columns=st.lists(_columns, max_size=3).map(tuple),
    attributes=attributes,
    version=maybe(_versions),
    url=maybe(_urls),
)
experiments = st.builds(
    Experiment,
    project=names,
    name=names,
    title=maybe(lines),
    description=maybe(_short),
    dataset=maybe(names),
    seed=maybe(st.integers(-(10**99), 10**99)),
    parameters=parameters,
    metrics=st.dictionaries(labels, st.sampled_from(["max", "min"]), max_size=3),
    tags=tags,
    attributes=attributes,
    url=maybe(_urls),
)
_code = (
    st.builds(Code, repository=_hashes, commit=_hashes, snapshot=maybe(_hashes))
    | st.builds(Code, package=labels, version=maybe(lines))
    | st.builds(Code, content=_digests)
)
executions = st.builds(
    Execution, experiment=st.just("iris/experiments/svm"), code=_code, entry_point=maybe(lines)
).map(identify)
environments = st.builds(
    Environment,
    project=st.just("iris"),
    python=lines,
    platform=lines,
    packages=st.dictionaries(labels, lines, max_size=4),
).map(identify)

RUN = "iris/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz"
_computations = st.lists(
    st.builds(
        Computation,
        run=st.just(RUN),
        name=labels,
        predecessor=maybe(labels),
        parameters=parameters,
        metrics=metrics,
        started=maybe(times),
        ended=maybe(times),
    ),
    max_size=2,
    unique_by=lambda computation: computation.name,
).map(tuple)
runs = st.builds(
    Run,
    execution=st.just("iris/experiments/svm/executions/x-0123456789ab"),
    id=st.just(RUN.rpartition("/")[2]),
    title=maybe(lines),
    status=st.sampled_from(["running", "finished", "failed", "aborted", "lost"]),
    started=maybe(times),
    ended=maybe(times),
    seed=maybe(st.integers()),
    defaults=parameters,
    parameters=parameters,
    metrics=metrics,
    argv=st.lists(_short, max_size=2).map(tuple),
    environment=maybe(st.just("e-0123456789ab")),
    datasets=st.lists(names, max_size=2).map(tuple),
    parent_run=maybe(st.just("r-20261121t101500-000000000000")),
    tags=tags,
    notes=st.just(()) | _short.map(lambda text: (Note(text=text, name="20261122t0911-f3k2.md"),)),
    computations=_computations,
    attributes=attributes,
)
KINDS = {
    "project": projects,
    "dataset": datasets,
    "experiment": experiments,
    "execution": executions,
    "environment": environments,
    "run": runs,
}
entities = st.sampled_from(list(KINDS)).flatmap(KINDS.__getitem__)
