"""Which deeds there are, how often each is done, and how it all begins and ends."""

from __future__ import annotations

from collections.abc import Callable

from padre_git import Execution, Experiment, Project
from padre_git.errors import PadreGitError
from padre_git.model import Code
from tests.random import sharing, storing
from tests.random.journal import Outcome, Trace
from tests.random.person import PROJECT, SHARED, Person

__all__ = ["draw", "found", "settle"]

_OFTEN: dict[Callable[[Person], None], int] = {
    storing.put_experiment: 4,
    storing.replace_experiment: 4,
    storing.change_shared: 4,
    storing.rename_experiment: 2,
    storing.delete_experiment: 1,
    storing.put_run: 7,
    storing.replace_run: 3,
    storing.record_run: 6,
    storing.put_many: 3,
    storing.tag_run: 5,
    storing.note_run: 4,
    storing.delete_run: 5,
    sharing.look: 4,
    sharing.status: 3,
    sharing.sync: 7,
    sharing.push: 4,
    sharing.pull: 4,
    sharing.flush: 2,
    sharing.plug: 4,
    sharing.reopen: 3,
    sharing.remove_clone: 2,
    sharing.user_commits: 3,
    sharing.user_leaves_work: 2,
    sharing.user_pulls_and_pushes: 3,
}


def draw(person: Person) -> None:
    """Does the deed that the step's luck chooses."""
    (deed,) = person.chance.choices(list(_OFTEN), list(_OFTEN.values()))
    try:
        deed(person)
    except PadreGitError as error:
        # reading what the deed should be about has failed; only some failures may
        with person.deed(f"prepare {deed.__name__}", name=f"{person.token()}-prepare"):
            raise error  # noqa: TRY201 - it is not the one that is being handled there


def found(person: Person) -> None:
    """Makes the project and what everybody changes."""
    shared = Experiment(
        project=PROJECT, name=SHARED, title="nobody", attributes={"origin": SHARED},
        parameters=dict.fromkeys(storing.FIELDS, "nobody"),
    )  # fmt: skip
    with (
        person.deed("found", trace=Trace.SUBJECT, writes=storing.experiment_writes(shared)),
        person.store.transaction(PROJECT, person.token()),
    ):
        person.store.projects.put(Project(name=PROJECT))
        person.store.experiments.put(shared)
        person.store.executions.put(Execution(experiment=shared.key, code=Code(content="cd" * 32)))


def settle(person: Person) -> None:
    """Brings a clone and the remote to rest: everything here is there, and the other way round."""
    person.store.close()
    person.store = person.open("manual")
    sharing.give_up_merge(person)  # it was begun by somebody who was killed in the middle of it
    sharing.pull(person)
    sharing.commit_what_was_left(person)
    for _ in range(10):
        person.step += 1
        with person.deed("last sync", name=f"{person.token()}-last") as deed:
            person.store.sync(PROJECT)
        if deed.outcome is Outcome.DONE:
            return
        sharing.sync(person)
    raise AssertionError(f"{person.name} does not come to rest: {deed.error}")
