"""The state machine of three clones: what people do, and what goes wrong between the steps."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import padre_git
from padre_git import Run, errors
from padre_git.errors import ConflictError, LockedError, RemoteError
from padre_git.messages.settling import Choice
from padre_git.model.ids import new_run_id
from tests.conftest import git
from tests.random.clones import NAMES, PROJECT, Clones, Danger, Deed, new_experiment
from tests.random.comparing import agree, check, settle

__all__ = ["ClonesMachine"]

#: Experiments that everybody changes; the others have one owner each, who is in their name.
_SHARED = ("svm", "mlp")
_FIELDS = ("title", "description")
_WHO = st.sampled_from(NAMES)
_NUMBER = st.integers(0, 11)
_DANGER = st.one_of(
    st.none(),
    st.none(),
    st.none(),
    st.builds(Danger, change=st.integers(1, 60)),
    st.builds(Danger, room=st.sampled_from((0, 100, 1000, 10_000))),
)
#: What can be thrown away in ``.git/padre``: answers that are asked for again.
_CACHES = ("asked", "recent", "mark")


class ClonesMachine(RuleBasedStateMachine):
    """Lets three people do what they like."""

    def __init__(self) -> None:
        super().__init__()
        fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = Path(tempfile.mkdtemp(prefix="padre-git-clones-", dir=fast))
        self.clones = Clones(self.directory)
        self.count = 0

    @initialize(lean=st.sampled_from(("", *NAMES)))
    def begin(self, lean: str) -> None:
        self.clones.found(_SHARED)
        if lean:
            self.clones.stores[lean].leave_out(PROJECT)

    def teardown(self) -> None:
        try:
            if self.clones.facts.writes:
                settle(self.clones)
                agree(self.clones)
        finally:
            self.clones.close()
            shutil.rmtree(self.directory, ignore_errors=True)

    # ------------------------------------------------------------------------------- writing

    def _token(self) -> str:
        self.count += 1
        return f"w{self.count}"

    def _do(self, name: str, deed: Deed, danger: Danger | None) -> bool:
        done = self.clones.do(name, deed, danger)
        check(self.clones, name)
        return done

    def _runs(self, name: str) -> list[Run]:
        """Returns the runs that a person sees and may change."""
        runs = self.clones.stores[name].runs.list(PROJECT)
        return [r for r in runs if self._may(name, str(self.clones.facts.below(str(r.id))))]

    def _may(self, name: str, experiment: str) -> bool:
        return experiment in _SHARED or experiment.startswith(f"of-{name}")

    def _experiments(self, name: str) -> list[padre_git.Experiment]:
        found = self.clones.stores[name].experiments.list(PROJECT)
        return [e for e in found if self._may(name, str(e.attributes["origin"]))]

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def put_run(self, name: str, number: int, danger: Danger | None) -> None:
        deed = self._new_run(name, number)
        if deed is not None:
            self._do(name, deed, danger)

    def _new_run(self, name: str, number: int) -> Deed | None:
        experiments = self._experiments(name)
        chosen = experiments[number % len(experiments)]
        executions = self.clones.stores[name].executions.list(chosen.key)
        if not executions:
            return None
        token = self._token()
        run = Run(execution=executions[0].key, id=new_run_id(datetime.now(UTC)), title=token)
        return Deed(
            work=lambda store: store.runs.put(run, message=token), thing=str(run.id),
            values={"exists": True, "title": token}, token=token,
            below=str(chosen.attributes["origin"]),
        )  # fmt: skip

    def _about(self, name: str, number: int) -> Run | None:
        runs = self._runs(name)
        return runs[number % len(runs)] if runs else None

    def _on_run(
        self, name: str, run: Run, danger: Danger | None, *, values: dict[str, object],
        **facts: object,
    ) -> bool:  # fmt: skip
        below = self.clones.facts.below(str(run.id))
        # what is written to is there again, if it was withdrawn and kept here
        values = {"exists": True, **values}
        deed = Deed(thing=str(run.id), below=below, values=values, **facts)  # type: ignore[arg-type]
        return self._do(name, deed, danger)

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def change_run(self, name: str, number: int, danger: Danger | None) -> None:
        if run := self._about(name, number):
            token = self._token()
            changed = run.replace(title=token)
            self._on_run(
                name, run, danger, token=token, values={"title": token},
                work=lambda store: store.runs.put(changed, message=token),
            )  # fmt: skip

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def tag(self, name: str, number: int, danger: Danger | None) -> None:
        if run := self._about(name, number):
            token = self._token()
            self._on_run(
                name, run, danger, token=token, values={f"tag {token}": True},
                work=lambda store: store.runs.tag(run.key, token),
            )  # fmt: skip

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def note(self, name: str, number: int, danger: Danger | None) -> None:
        if run := self._about(name, number):
            token = self._token()
            self._on_run(
                name, run, danger, key=run.key.text, token="note", values={f"note {token}": True},
                work=lambda store: store.runs.note(run.key, token),
            )  # fmt: skip

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def delete_run(self, name: str, number: int, danger: Danger | None) -> None:
        if run := self._about(name, number):
            token = self._token()

            def work(store: padre_git.Store) -> None:
                with store.transaction(PROJECT, token):
                    store.runs.delete(run.key)

            self._on_run(name, run, danger, token=token, values={"exists": False}, work=work)

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def withdraw_run(self, name: str, number: int, danger: Danger | None) -> None:
        if run := self._about(name, number):
            self.clones.kept[name].add(str(run.id))
            self._on_run(
                name, run, danger, key=run.key.text, token="withdraw", values={"exists": False},
                work=lambda store: store.runs.delete(run.key, mode="remote"),
            )  # fmt: skip

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def evict_run(self, name: str, number: int, danger: Danger | None) -> None:
        if run := self._about(name, number):
            self.clones.attempt(
                name, lambda store: store.runs.delete(run.key, mode="local"), danger
            )
            check(self.clones, name)

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def restore_run(self, name: str, number: int, danger: Danger | None) -> None:
        deleted = [
            d.key
            for d in self.clones.stores[name].deleted(PROJECT)
            if self._may(name, str(self.clones.facts.below(d.key.name)))
        ]
        if deleted:
            key, token = deleted[number % len(deleted)], self._token()
            deed = Deed(
                work=lambda store: store.runs.restore(key, message=token), thing=key.name,
                values={"exists": True}, token=token, below=self.clones.facts.below(key.name),
            )  # fmt: skip
            self._do(name, deed, danger)

    @rule(name=_WHO, number=_NUMBER, field=st.sampled_from(_FIELDS), danger=_DANGER)
    def change_experiment(self, name: str, number: int, field: str, danger: Danger | None) -> None:
        chosen, token = self._chosen(name, number), self._token()
        changed = chosen.replace(**{field: token})
        deed = Deed(
            work=lambda store: store.experiments.put(changed, message=token), token=token,
            thing=str(chosen.attributes["origin"]), values={field: token},
        )  # fmt: skip
        self._do(name, deed, danger)

    def _chosen(self, name: str, number: int) -> padre_git.Experiment:
        found = self._experiments(name)
        return found[number % len(found)]

    @rule(name=_WHO, danger=_DANGER)
    def put_experiment(self, name: str, danger: Danger | None) -> None:
        token = self._token()
        self._do(name, new_experiment(f"of-{name}-{token}", token, title=token), danger)

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def rename_experiment(self, name: str, number: int, danger: Danger | None) -> None:
        chosen, token = self._chosen(name, number), self._token()
        if (origin := str(chosen.attributes["origin"])) not in _SHARED:
            deed = Deed(
                work=lambda store: store.experiments.rename(chosen.key, token, message=token),
                thing=origin, values={"name": token}, token=token,
            )  # fmt: skip
            self._do(name, deed, danger)

    @rule(name=_WHO, number=_NUMBER, danger=_DANGER)
    def delete_experiment(self, name: str, number: int, danger: Danger | None) -> None:
        chosen, token = self._chosen(name, number), self._token()
        if (origin := str(chosen.attributes["origin"])) not in _SHARED:

            def work(store: padre_git.Store) -> None:
                with store.transaction(PROJECT, token):
                    store.experiments.delete(chosen.key)

            self._do(name, Deed(work=work, thing=origin, values={"exists": False}, token=token),
                     danger)  # fmt: skip

    # ------------------------------------------------------------------------------- meeting

    def _meet(self, name: str, work: object, danger: Danger | None) -> str:
        outcome = self.clones.attempt(name, work, danger)  # type: ignore[arg-type]
        kind = outcome.partition(":")[0]
        if danger is None:
            allowed = (
                ConflictError,
                *((RemoteError,) if self.clones.away else ()),
                *((LockedError,) if self.clones.is_held(name) else ()),
            )
            assert kind == "done" or issubclass(getattr(errors, kind), allowed), outcome
        check(self.clones, name)
        return kind

    @rule(name=_WHO, danger=_DANGER)
    def sync(self, name: str, danger: Danger | None) -> None:
        self._meet(name, lambda store: store.sync(PROJECT), danger)

    @rule(name=_WHO, danger=_DANGER)
    def pull(self, name: str, danger: Danger | None) -> None:
        self._meet(name, lambda store: store.pull(PROJECT), danger)

    @rule(name=_WHO, danger=_DANGER)
    def push(self, name: str, danger: Danger | None) -> None:
        self._meet(name, lambda store: store.push(PROJECT), danger)

    @rule(name=_WHO, side=st.sampled_from((Choice.OURS, Choice.THEIRS)), danger=_DANGER)
    def decide(self, name: str, side: Choice, danger: Danger | None) -> None:
        self._meet(name, lambda store: store.settle(PROJECT, rest=side), danger)

    @rule(name=_WHO, number=_NUMBER, danger=st.builds(Danger, change=st.integers(0, 60)))
    def two_at_once(self, name: str, number: int, danger: Danger) -> None:
        if deed := self._new_run(name, number):
            self.clones.do_beside(name, deed, danger, lambda store: store.sync(PROJECT))
            check(self.clones, name)

    @rule(name=_WHO)
    def reopen(self, name: str) -> None:
        self.clones.reopen(name)
        check(self.clones, name)

    # --------------------------------------------------------------------- the user's own git

    @rule(name=_WHO)
    def user_commits(self, name: str) -> None:
        token, file = self._token(), self.clones.clone(name) / f"notes-{name}.md"
        before = file.read_bytes() if file.exists() else None

        def work(_: object) -> None:
            # never twice of the same length: git itself does not see that when a clock has jumped
            file.write_text(token + "\n" * self.count)
            who = ("-c", f"user.name={name}")
            if not (
                self.clones.user(name, "add", file.name)
                and self.clones.user(name, *who, "commit", "-qm", token, "--", file.name)
            ):
                raise padre_git.ConflictError("git did not")

        deed = Deed(work=work, thing=file.name, values={"exists": True, "content": token},
                    token=token)  # fmt: skip
        if not self._do(name, deed, None):
            self.clones.user(name, "reset", "-q", "--", file.name)
            file.unlink() if before is None else file.write_bytes(before)

    @rule(name=_WHO)
    def user_pulls_and_pushes(self, name: str) -> None:
        self.clones.user(name, "pull", "-q", "--no-rebase", "--no-edit")
        self.clones.give_up_merge(name)
        self.clones.user(name, "push", "-q")
        check(self.clones, name)

    @rule(name=st.sampled_from((*NAMES, "")), how=st.sampled_from(
        (("gc", "-q", "--prune=now"), ("repack", "-adq"), ("pack-refs", "--all"), ("prune",))
    ))  # fmt: skip
    def user_tidies_up(self, name: str, how: tuple[str, ...]) -> None:
        where = self.clones.clone(name) if name else self.clones.bare
        git(*how, cwd=where)
        check(self.clones, name or NAMES[0])

    # ------------------------------------------------------------------------ what goes wrong

    @rule()
    def the_remote_goes_or_comes(self) -> None:
        self.clones.unplug()

    @rule(name=_WHO)
    def an_editor_holds_the_index(self, name: str) -> None:
        self.clones.hold_index(name)
        check(self.clones, name)

    @rule()
    def editors_are_closed(self) -> None:
        self.clones.let_go_of_indexes()

    @rule(name=_WHO, cache=st.sampled_from(_CACHES), share=st.sampled_from((0, 0.5, 0.9)))
    def a_cache_is_cut_off(self, name: str, cache: str, share: float) -> None:
        path = self.clones.clone(name) / ".git/padre" / cache
        if path.is_file():
            os.truncate(path, int(path.stat().st_size * share))
        check(self.clones, name)

    @rule(name=_WHO, days=st.sampled_from((-400, -1, 1, 400)))
    def the_clock_jumps(self, name: str, days: int) -> None:
        git_dir = self.clones.clone(name) / ".git"
        for path in (git_dir / "index", git_dir / "HEAD", *git_dir.glob("padre/*"),
                     *git_dir.glob("refs/*/*")):  # fmt: skip
            if path.is_file():
                seen = path.stat()
                os.utime(path, (seen.st_atime + days * 86400, seen.st_mtime + days * 86400))
        check(self.clones, name)
