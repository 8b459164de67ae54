"""Git: clones, snapshots and commits; the only place that starts git or imports its libraries.

:class:`Repository` is one clone. Reading goes through a :class:`Snapshot` of a commit, writing
through :meth:`Repository.advance`, which builds trees in memory, writes one pack and lets work
tree, index and branch follow, in that order, around whatever the user is doing.
"""

from padre_git.vcs.identity import Identity
from padre_git.vcs.objects import Commit, Entry
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.process import run_git, try_git
from padre_git.vcs.refs import StaleRefError
from padre_git.vcs.repository import Repository
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.userstate import UserState

__all__ = [
    "Commit",
    "Entry",
    "Identity",
    "NewCommit",
    "Repository",
    "Snapshot",
    "StaleRefError",
    "UserState",
    "run_git",
    "try_git",
]
