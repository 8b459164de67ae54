"""Messages: what crosses layers as data.

Commands go from collections to the one service that handles them, events from anywhere to whoever
listens, and a :class:`Message` says in the log what a commit does.
"""

from padre_git.messages.commands import (
    Annotate,
    Command,
    Commit,
    CommitEach,
    Delete,
    Ensure,
    Exists,
    Get,
    History,
    List,
    Part,
    Prepare,
    Put,
    Read,
    Rename,
    Resolve,
    Shorten,
    Subject,
    Where,
)
from padre_git.messages.commit import Author, DeleteMode, Message, Op, Version
from padre_git.messages.events import (
    ConflictFound,
    Deleted,
    Event,
    Notice,
    Pulled,
    Pushed,
    Skipped,
    Stored,
)

__all__ = [
    "Annotate",
    "Author",
    "Command",
    "Commit",
    "CommitEach",
    "ConflictFound",
    "Delete",
    "DeleteMode",
    "Deleted",
    "Ensure",
    "Event",
    "Exists",
    "Get",
    "History",
    "List",
    "Message",
    "Notice",
    "Op",
    "Part",
    "Prepare",
    "Pulled",
    "Pushed",
    "Put",
    "Read",
    "Rename",
    "Resolve",
    "Shorten",
    "Skipped",
    "Stored",
    "Subject",
    "Version",
    "Where",
]
