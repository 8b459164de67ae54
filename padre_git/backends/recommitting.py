"""Recommitting: what a lost commit held, as far as index and work tree have it, stored again.

The newest commits of a clone are the ones that no remote has. When one of them is lost, the branch
goes back to the last that can be read, and the files of its records are committed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from padre_git.format import commit_text, locate
from padre_git.messages import Author, Damage, Message, Op
from padre_git.messages.damage import Piece
from padre_git.model import Key
from padre_git.vcs.advance import PENDING
from padre_git.vcs.examining import Examination
from padre_git.vcs.mending import put_ref
from padre_git.vcs.objects import Entry
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.repository import Repository
from padre_git.vcs.setaside import SetAside
from padre_git.vcs.snapshot import Snapshot

__all__ = ["Recommit"]

_TOP = frozenset(["project.yaml", "datasets", "environments", "experiments"])
_Edits = dict[str, bytes | Entry | None]


@dataclass(kw_only=True)
class Recommit:
    """Brings the branch of one clone back to a commit that can be read.

    Attributes:
        project: its name.
        repository: the clone, locked.
        author: by whom commits are; None for git's own identity.
        aside: takes what is replaced.
        lost: what could not be brought back, as damage of records.
    """

    project: str
    repository: Repository
    author: Author | None
    aside: SetAside
    lost: list[Damage] = field(default_factory=list)

    def run(self, found: Examination) -> bool:
        """Does it if the branch, or what waits for it, names a lost commit; tells whether."""
        ref, common = found.patient.ref, found.patient.common
        pending, tip = found.refs.values.get(PENDING), found.refs.values.get(ref)
        if pending is not None and found.commit(pending) is None and (common / PENDING).exists():
            self.aside.move(common / PENDING)
            self._lose(PENDING, f"commits that waited are lost: {pending}", None)
            return True
        good = found.last_good(ref)
        if tip is None or good is None or found.commit(tip) is not None:
            return False
        edits = self._edits(found, good)
        keys = sorted({key for path in edits if (key := self._key(path)) is not None})
        subject = f"store again from the work tree what commit {tip[:10]} held"
        text = commit_text(Message(op=Op.RESTORE, subject=subject), keys)
        again = NewCommit(edits=edits, text=text, author=self.author)
        new = self.repository.build(good, [again]) if edits else good
        put_ref(common, ref, new, self.aside)
        return True

    def _edits(self, found: Examination, good: str) -> _Edits:
        snapshot = Snapshot(found.reader, good)
        before = dict(snapshot.walk())
        listed = {path: one.entry for path, one in found.remains.listed.items() if _is_ours(path)}
        edits: _Edits = {path: None for path in before if _is_ours(path) and path not in listed}
        for path, entry in listed.items():
            if before.get(path) == entry:
                continue
            if found.has(entry.id):
                edits[path] = entry
                continue
            content = found.remains.content(entry.id, [path])
            if content is None:
                self._lose(path, "lost, with no other copy", self._key(path))
            else:
                edits[path] = content[1]
        return edits

    def _lose(self, name: str, problem: str, key: Key | None) -> None:
        keys = (Key.project_named(self.project) if key is None else key,)
        self.lost.append(
            Damage(
                project=self.project, piece=Piece.OBJECT, name=name, problem=problem, records=keys
            )
        )

    def _key(self, path: str) -> Key | None:
        record = locate(path, self.project)
        return None if record is None else record[0]


def _is_ours(path: str) -> bool:
    return path.partition("/")[0] in _TOP
