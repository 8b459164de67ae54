"""The ``url`` of projects, datasets and experiments: set by publishing, and by nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from padre_git.backends.records import Records, Tree
from padre_git.errors import PadreGitError
from padre_git.format import decode, encode, part_path
from padre_git.model import DOCUMENTS, Change, ChangeSet, Found, Key, Kind, Record
from padre_git.vcs.remotes import RemoteLocation

__all__ = ["HAVE_URL", "keep_urls", "missing_urls", "stored_url", "with_url"]

#: The kinds whose document holds the record's url; every other kind's is derived.
HAVE_URL = (Kind.PROJECT, Kind.DATASET, Kind.EXPERIMENT)

_LINE = re.compile(rb"(?m)^url: *['\"]?([^'\"\n]*)['\"]?$")


def stored_url(record: Record) -> str | None:
    """Returns the url that a record's document holds; None if there is none."""
    found = _LINE.search(record.document) if record.key.kind in HAVE_URL else None
    return found.group(1).decode(errors="replace") if found else None


def with_url(record: Record, url: str | None) -> Mapping[str, bytes]:
    """Returns the files of a record with this url in its document; unreadable ones as they are."""
    if record.key.kind not in HAVE_URL or stored_url(record) == url:
        return record.files
    try:
        entity: Any = decode(record)
        return encode(entity.replace(url=url), previous=record)
    except PadreGitError:
        return record.files


def keep_urls(changes: ChangeSet, records: Records) -> ChangeSet:
    """Returns changes with the urls as they are stored in the records that they go on."""
    with_url = [c.key for c in changes if c.files is not None and c.key.kind in HAVE_URL]
    if not with_url:
        return changes
    current = records.find(with_url)
    return ChangeSet(changes=tuple(_own(change, current.get(change.key)) for change in changes))


def _own(change: Change, current: Found | None) -> Change:
    """Returns a change with the url as it is stored."""
    if change.files is None or change.key.kind not in HAVE_URL:
        return change
    url = stored_url(current) if isinstance(current, Record) else None
    files = with_url(Record(key=change.key, files=change.files), url)
    return change if files is change.files else replace(change, files=files)


def missing_urls(
    project: str, tree: Tree, location: RemoteLocation, paths: Iterable[str] | None = None
) -> dict[str, bytes]:
    """Returns the edits that give every document the url that it is published under.

    Args:
        project: its name.
        tree: what is to be published.
        location: where.
        paths: only documents among these paths; None for all.
    """
    records = Records(project, tree)
    wanted = _keys(project, records)
    if paths is not None:
        among = set(paths)
        wanted = [key for key in wanted if _path(key) in among]
    edits: dict[str, bytes] = {}
    for key, record in records.find(wanted).items():
        if isinstance(record, Record):
            document = DOCUMENTS[key.kind]
            files = with_url(record, location.record_url(key))
            if files[document] != record.files[document]:
                edits[_path(key)] = files[document]
    return edits


def _keys(project: str, records: Records) -> list[Key]:
    found = [key for kind in HAVE_URL[1:] for key in records.scan(None, kind)]
    return [Key.project_named(project), *found]


def _path(key: Key) -> str:
    return part_path(key, key.path, DOCUMENTS[key.kind])
