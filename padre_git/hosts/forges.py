"""Forges: where the APIs of GitHub, GitLab, Gitea and Forgejo have what we need of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from padre_git.hosts.sites import Software

__all__ = ["FORGES", "Forge", "Place"]

_RAW = {"Accept": "application/vnd.github.raw+json"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Is where a repository is, or shall be.

    Attributes:
        owner: the account or group, with the groups above it.
        name: the repository's, without ``.git``.
        branch: the one that projects are on.
    """

    owner: str
    name: str
    branch: str

    def fields(self) -> dict[str, str]:
        """Returns what the pages of an API are filled with."""
        return {
            "owner": quote(self.owner, safe=""),
            "name": quote(self.name, safe=""),
            "whole": quote(f"{self.owner}/{self.name}", safe=""),
            "branch": quote(self.branch, safe=""),
        }


@dataclass(frozen=True, kw_only=True)
class Forge:
    """Is the pages of one API, below its beginning.

    Attributes:
        own: makes a repository of the account that asks.
        group: makes one of a group.
        lists: pages that list repositories of an owner, the first that is there counts.
        page_of: one repository.
        raw: one file of it, ``{path}`` of the branch.
        body: returns what a new repository is described by.
        name: the field with a repository's name in its address.
        changed: the field that says when it was changed last; None if none says that in time.
        most: how many a page of a list has at most, as a query.
        namespace: what tells the number of an owner; None where its name is enough.
        raw_headers: what a raw file is asked for with.
    """

    own: str
    group: str
    lists: tuple[str, ...]
    page_of: str
    raw: str
    body: Callable[[Place], dict[str, Any]]
    name: str
    changed: str | None
    most: tuple[str, int]
    namespace: str | None = None
    raw_headers: Mapping[str, str] = field(default_factory=dict)


FORGES = {
    Software.GITHUB: Forge(
        own="user/repos",
        group="orgs/{owner}/repos",
        lists=("orgs/{owner}/repos", "user/repos?affiliation=owner", "users/{owner}/repos"),
        page_of="repos/{owner}/{name}",
        raw="repos/{owner}/{name}/contents/{path}?ref={branch}",
        body=lambda place: {"name": place.name, "private": True, "auto_init": False},
        name="name",
        changed="pushed_at",
        most=("per_page", 100),
        raw_headers=_RAW,
    ),
    Software.GITLAB: Forge(
        own="projects",
        group="projects",
        lists=("groups/{owner}/projects?simple=true", "users/{owner}/projects?simple=true"),
        page_of="projects/{whole}",
        raw="projects/{whole}/repository/files/{path}/raw?ref={branch}",
        body=lambda place: {"name": place.name, "path": place.name, "visibility": "private"},
        name="path",
        changed=None,  # last_activity_at may be an hour late
        most=("per_page", 100),
        namespace="namespaces/{owner}",
    ),
    Software.GITEA: Forge(
        own="user/repos",
        group="orgs/{owner}/repos",
        lists=("orgs/{owner}/repos", "users/{owner}/repos"),
        page_of="repos/{owner}/{name}",
        raw="repos/{owner}/{name}/raw/{path}?ref={branch}",
        body=lambda place: {
            "name": place.name,
            "private": True,
            "auto_init": False,
            "default_branch": place.branch,
        },
        name="name",
        changed="updated_at",
        most=("limit", 50),
    ),
}
