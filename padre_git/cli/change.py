"""Changing the store: ``init``, ``put``, ``tag``, ``note``, ``rename``."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from padre_git.cli.group import Session, note
from padre_git.cli.output import print_json
from padre_git.cli.references import as_json, collection_of
from padre_git.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    RemoteUnavailableError,
)
from padre_git.model import Dataset, Entity, Experiment, Key, Kind, Project

__all__ = ["COMMANDS", "pairs"]


def pairs(texts: tuple[str, ...], what: str) -> dict[str, Any]:
    """Returns ``name=value`` options as a mapping; values are read as JSON where they are JSON.

    Raises:
        InvalidInputError: for a text without ``=``.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInputError(f"not a {what}: '{text}'", hint=f"write {what}s as name=value")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


@click.command()
@click.argument("project", metavar="PROJECT|DIRECTORY")
@click.option("--title", help="One line for people.")
@click.option("--description", help="Text for people.")
@click.option("--bare", is_flag=True, help="Make a directory for a remote, with no project yet.")
@click.option("--shared", type=click.Choice(["private", "group"]), default="private",
              help="With --bare: whose the repositories in it are.")  # fmt: skip
@click.option("--group", metavar="NAME", help="With --shared=group: which, if not your own.")
@click.pass_obj
def init(session: Session, project: str, title: str | None, description: str | None, bare: bool,
         shared: str, group: str | None) -> None:  # fmt: skip
    """Create a project: a git repository in the store's root.

    With --bare, make DIRECTORY the base of a remote: the first push of every project makes its
    repository there. With --shared=group everybody of the group can read and push.

    \b
    Examples:
      padre-git init demo --title "Support vectors on real data"
      padre-git --root ~/research init iris
      padre-git init --bare --shared=group --group lab /srv/lab
    """
    if bare:
        _make_base(project, shared, group)
        return
    if shared != "private" or group is not None:
        raise click.UsageError("--shared and --group say what --bare makes")
    store = session.store
    entity = Project(name=project, title=title, description=description)
    with suppress(RemoteUnavailableError):  # what is begun offline is united with what is there
        if store.projects.exists(entity.key):
            raise AlreadyExistsError(f"project '{project}' exists", key=project)
    stored = store.projects.put(entity)
    click.echo(store.project_path(stored.name))


def _make_base(directory: str, shared: str, group: str | None) -> None:
    from padre_git.vcs.sharing import Sharing, make_base

    path = Path(directory).expanduser().absolute()
    sharing = Sharing(shared)
    owner = make_base(path, sharing, group=group)
    click.echo(path)
    if sharing is Sharing.GROUP:
        note(f"everybody in the group '{owner}' can push there: padre-git clone {path}")


@click.command()
@click.argument("ref")
@click.option("--title", help="One line for people.")
@click.option("--description", help="Text for people.")
@click.option("--dataset", help="The dataset an experiment uses.")
@click.option("--seed", type=int, help="Default seed of an experiment's runs.")
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE",
              help="A default parameter of an experiment.")  # fmt: skip
@click.option("--metric", "metrics", multiple=True, metavar="NAME=max|min",
              help="Which values of a metric are better.")  # fmt: skip
@click.option("--source", help="Where a dataset came from.")
@click.option("--license", "license_", help="Under which terms a dataset may be used.")
@click.option("--kind", type=click.Choice(["project", "dataset", "experiment"]),
              help="What REF is, when it is new.")  # fmt: skip
@click.option("-m", "--message", help="Subject of the commit.")
@as_json
@click.pass_obj
def put(session: Session, /, ref: str, kind: str | None, message: str | None, json_: bool,
        parameters: tuple[str, ...], metrics: tuple[str, ...], license_: str | None,
        **fields: Any) -> None:  # fmt: skip
    """Create or change a project, dataset or experiment. Fields that are not named stay.

    \b
    Examples:
      padre-git put demo/svm --title "RBF kernel" -p C=1.0 --metric accuracy=max
      padre-git put demo/iris --kind dataset --license CC-BY-4.0
    """
    store = session.store
    changes = {name: value for name, value in fields.items() if value is not None}
    if license_ is not None:
        changes["license"] = license_
    if parameters:
        changes["parameters"] = pairs(parameters, "parameter")
    if metrics:
        changes["metrics"] = pairs(metrics, "metric")
    entity = _existing(session, ref, kind) or _new(ref, Kind(kind) if kind else None)
    for name in ("parameters", "metrics"):
        if name in changes:
            changes[name] = {**getattr(entity, name, {}), **changes[name]}
    unknown = [name for name in changes if not hasattr(entity, name)]
    if unknown:
        raise InvalidInputError(f"{entity.key.kind.noun} has no '{unknown[0]}'", key=entity.key)
    stored = collection_of(store, entity.key.kind).put(entity.replace(**changes), message=message)
    if json_:
        print_json(stored)
    else:
        click.echo(stored.key.text)


def _existing(session: Session, ref: str, kind: str | None) -> Entity | None:
    try:
        key = session.store.key(ref)
    except NotFoundError:
        return None
    if kind is not None and key.kind != kind:
        return None
    found: Entity = collection_of(session.store, key.kind).get(key)
    return found


def _new(ref: str, kind: Kind | None) -> Entity:
    names = ref.split("/")
    if len(names) == 1:
        return Project(name=names[0])
    if len(names) == 2:
        type_ = Dataset if kind is Kind.DATASET else Experiment
        return type_(project=names[0], name=names[1])
    key = Key.parse(ref)
    if key.kind is Kind.DATASET:
        return Dataset(project=key.project, name=key.name)
    if key.kind is Kind.EXPERIMENT:
        return Experiment(project=key.project, name=key.name)
    raise InvalidInputError(f"{key.kind.noun} is not made by hand", key=key, hint="see 'record'")


@click.command()
@click.argument("ref")
@click.argument("tags", nargs=-1, required=True, metavar="NAME[=VALUE]...")
@click.option("-d", "--delete", "remove", is_flag=True, help="Take the tags away.")
@click.pass_obj
def tag(session: Session, ref: str, tags: tuple[str, ...], remove: bool) -> None:
    """Label a run that has ended.

    \b
    Examples:
      padre-git tag demo/svm/k3v9 candidate table=2
      padre-git tag -d demo/svm/k3v9 candidate
    """
    runs = session.store.runs
    if remove:
        runs.untag(ref, *(name.partition("=")[0] for name in tags))
    else:
        runs.tag(ref, {name: value for name, _, value in (text.partition("=") for text in tags)})


@click.command("note")
@click.argument("ref")
@click.argument("text", required=False)
@click.pass_obj
def note_(session: Session, ref: str, text: str | None) -> None:
    """Add a remark to a run. Without TEXT it is read from standard input.

    \b
    Examples:
      padre-git note demo/svm/k3v9 "diverged after the learning rate dropped"
    """
    session.store.runs.note(ref, sys.stdin.read() if text is None else text)


@click.command()
@click.argument("ref")
@click.argument("new")
@click.pass_obj
def rename(session: Session, ref: str, new: str) -> None:
    """Rename a dataset or experiment; the old name leads to it.

    \b
    Examples:
      padre-git rename demo/svm svm-rbf
    """
    key = session.store.key(ref)
    renamed = collection_of(session.store, key.kind).rename(key, new)
    click.echo(renamed.key.text)


COMMANDS = [init, put, tag, note_, rename]
