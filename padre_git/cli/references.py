"""What commands share: which collection a reference belongs to, and common options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from padre_git.model import Key, Kind

if TYPE_CHECKING:
    from padre_git.api.store import Store

__all__ = ["as_json", "at_option", "collection_of", "kind_option", "kind_shown", "project_argument"]

_KINDS = [Kind.PROJECT, Kind.DATASET, Kind.EXPERIMENT, Kind.EXECUTION, Kind.RUN]


def collection_of(store: Store, kind: Kind) -> Any:
    """Returns the store's collection of records of this kind."""
    return getattr(store, kind.directory)


def clones(store: Store) -> list[str]:
    """Returns the projects that have a clone here, also those that were deleted.

    A list of projects would not do: it reads their documents, which clones what is only at the
    remote, and leaves out those whose deletion is still to be published.
    """
    root = store.root
    found = () if root is None else root.glob("[!.]*/.git/padre")
    return sorted(place.parent.parent.name for place in found)


def kind_shown(parent: Key | None) -> Kind:
    """Returns what a list below ``parent`` is about unless somebody says otherwise."""
    if parent is None:
        return Kind.PROJECT
    return Kind.EXPERIMENT if parent.kind is Kind.PROJECT else Kind.RUN


def _kind(_: click.Context, __: click.Parameter, value: str | None) -> Kind | None:
    return None if value is None else Kind(value)


kind_option = click.option(
    "--kind", type=click.Choice([k.value for k in _KINDS]), callback=_kind, help="What to list."
)
at_option = click.option("--at", metavar="STATE", help="A commit, tag, branch or date.")
as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")
project_argument = click.argument("project", required=False)
