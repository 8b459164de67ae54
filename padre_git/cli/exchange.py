"""Exchanging with the remote: ``clone``, ``push``, ``pull``, ``sync``, ``status``, ``get``."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from padre_git.cli.group import Session, note, show_events
from padre_git.cli.output import plain, print_json, print_table
from padre_git.cli.references import as_json, clones, collection_of, project_argument
from padre_git.errors import AlreadyExistsError, NotFoundError
from padre_git.model import Kind, Project

if TYPE_CHECKING:
    from padre_git.backends.states import ProjectStatus

__all__ = ["COMMANDS"]


@click.command()
@click.argument("remote")
@click.argument("project", required=False)
@click.option("--artifacts", metavar="URL", help="The DVC remote, if it is not beside the other.")
@click.pass_obj
def clone(session: Session, remote: str, project: str | None, artifacts: str | None) -> None:
    """Clone one project of REMOTE, or all. REMOTE is remembered if it is there.

    REMOTE is where the repositories are: a directory, ssh or https location of a base, or of one
    project if it ends in .git. If it is a clone that somebody handed over, its history and data
    are copied, without its settings and hooks, and it is not remembered.

    \b
    Examples:
      padre-git --root ~/research clone /srv/lab demo
      padre-git --root ~/research clone git@host:lab
      padre-git --root ~/research clone ~/Downloads/iris
    """
    import padre_git
    from padre_git.api.copying import copy_project, is_clone

    if is_clone(remote):
        click.echo(copy_project(remote, project, root=session.root))
        return
    session.check_online()
    _check_root(session.root, remote)
    with padre_git.open(session.root, remote=remote, artifacts=artifacts) as store:
        show_events(store)
        names = [project] if project else [p.name for p in store.projects.list()]
        if not names:
            raise NotFoundError(
                f"no projects at '{remote}', or none that can be listed",
                hint="name one: padre-git clone REMOTE PROJECT; or make one: padre-git --remote"
                " REMOTE init PROJECT",
            )
        for name in names:
            store.pull(name)  # not get: that would answer from here if the remote cannot be reached
            click.echo(store.project_path(name))


def _check_root(root: str | None, remote: str) -> None:
    """Makes sure that a root's clones do not meet elsewhere already."""
    from padre_git.api.settings import find_root, read_settings
    from padre_git.vcs.remotes import RemoteLocation

    place = find_root(root)
    known = read_settings(place).remote
    if known in (None, str(RemoteLocation.parse(remote))) or not any(place.glob("*/.git")):
        return
    raise AlreadyExistsError(
        f"the clones in '{place}' meet at '{known}'",
        hint="clone into another root (padre-git --root DIR clone …), or, if the remote has moved,"
        f" run: padre-git remote move {shlex.quote(remote)}",
    )


def _names(session: Session, project: str | None) -> list[str]:
    """Returns the named project, or every one that has a clone here."""
    if project:
        return [project]
    with session.store.session.locally():
        living = [project.name for project in session.store.projects.list()]
    return sorted({*living, *clones(session.store)})


def _each(session: Session, project: str | None) -> Iterator[str]:
    """Yields the named project, or every one that is here; then says what is not here."""
    yield from _names(session, project)
    away = [] if project else [one.name for one in session.store.remote_only()]
    if away:
        note(f"only at the remote: {', '.join(away)}; to have one here: padre-git get {away[0]}")


@click.command()
@project_argument
@click.pass_obj
def push(session: Session, project: str | None) -> None:
    """Publish what one clone, or every clone, has.

    Data goes first, then commits.

    \b
    Examples:
      padre-git push demo
    """
    for name in _each(session, project):
        session.store.push(name)


@click.command()
@project_argument
@click.pass_obj
def pull(session: Session, project: str | None) -> None:
    """Bring in what the remote has of one project, or of all here.

    \b
    Examples:
      padre-git pull demo
    """
    for name in _each(session, project):
        session.store.pull(name)


@click.command()
@project_argument
@click.pass_obj
def sync(session: Session, project: str | None) -> None:
    """Pull, merge and push this project, or every one that is here.

    Both sides have everything afterwards. Projects that are only at the remote are named.

    \b
    Examples:
      padre-git sync
      padre-git sync demo
    """
    for name in _each(session, project):
        session.store.sync(name)
        click.echo(f"{name}: in step with the remote", err=True)


def _records(status: ProjectStatus) -> list[list[object]]:
    """Returns what is not simply published, the project as a whole first."""
    below: list[list[object]] = [
        [k, state] for k, state in status.records.items() if k.kind is not Kind.PROJECT
    ]
    if status.state == "published":
        return below
    return [[status.project, status.state], *below]


@click.command()
@click.argument("ref", required=False)
@click.option("--records", is_flag=True, help="Name every record that is not simply published.")
@as_json
@click.pass_obj
def status(session: Session, ref: str | None, records: bool, json_: bool) -> None:
    """Say how clones and remote stand to each other.

    REF is a project, or a record, whose state is printed: published, local only, ahead, behind,
    diverged, remote only, evicted, kept or pending. The remote is asked; nothing is taken over.
    Of a project's runs it is said how many there are of each status, those that are running on this
    machine or were lost among them.

    \b
    Examples:
      padre-git status
      padre-git status demo --records
      padre-git status demo/svm
    """
    if ref is not None and ("/" in ref or "#" in ref):
        state = session.store.state(ref)
        if json_:
            print_json({"ref": ref, "state": state})
        else:
            click.echo(state)
        return
    found = [session.store.status(name) for name in _names(session, ref)]
    found += [] if ref else [_away(project) for project in session.store.remote_only()]
    found.sort(key=lambda one: one.project)
    for one in found:
        if one.problem is not None:
            note(f"'{one.project}' is as it was seen last: {one.problem}")
    if records and not json_:
        rows = [row for one in found for row in _records(one)]
        if rows:
            print_table(rows, ["record", "state"])
        else:
            note("every record is published")
        return
    _print_status(session, found, json_)


def _away(project: Project) -> ProjectStatus:
    from padre_git.backends.states import ProjectStatus, State

    return ProjectStatus(project=project.name, state=State.REMOTE_ONLY, url=project.url)


def _print_status(session: Session, found: list[ProjectStatus], json_: bool) -> None:
    counts = {one.project: _runs(session, one.project) for one in found}
    if json_:
        print_json([{**plain(one), "runs": counts[one.project]} for one in found])
        return
    rows = [
        [s.project, s.state, s.ahead, s.behind, s.pending, _counted(counts[s.project]), s.url]
        for s in found
    ]
    print_table(rows, ["project", "state", "ahead", "behind", "pending", "runs", "url"])
    if any("lost" in count for count in counts.values()):
        note("lost runs are recorded by: padre-git reconcile")


def _runs(session: Session, project: str) -> dict[str, int]:
    """Returns how many runs are here of each status; nothing is asked of the remote for it."""
    store = session.store
    with store.session.locally(), suppress(NotFoundError):
        return {str(status): count for status, count in store.runs.count(project).items()}
    return {}


def _counted(runs: dict[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in runs.items())


@click.command()
@click.argument("ref")
@click.argument("name", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Copy it here.")
@click.pass_obj
def get(session: Session, ref: str, name: str | None, output: Path | None) -> None:
    """Fetch a record, or a file or the data that belongs to it.

    NAME is an artifact of a run or dataset; where it is now is printed. Without NAME it is the
    data of a dataset, or the record itself, of which the key is printed.

    \b
    Examples:
      padre-git get demo/svm/k3v9
      padre-git get demo/svm/k3v9 model.joblib -o model.joblib
    """
    store = session.store
    key = store.key(ref)
    if name is None and key.kind is not Kind.DATASET:
        collection_of(store, key.kind).get(key)
        click.echo(key.text)
        return
    path = store.artifacts.get(key, name or "data")
    if output is not None:
        if output.exists():
            raise AlreadyExistsError(f"'{output}' exists", hint="nothing was overwritten")
        copy = shutil.copytree if path.is_dir() else shutil.copyfile
        copy(path, output)
        path = output
    click.echo(path)


COMMANDS = [clone, get, push, pull, sync, status]
