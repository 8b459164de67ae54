"""padre_git: versioned storage for machine-learning experiments on plain git.

Each project is one git repository; its datasets, experiments, executions and runs are directories
with YAML documents, and anything large is kept by DVC. :func:`open` gives a store::

    import padre_git

    store = padre_git.open("~/research")
    with store.start_run("iris/svm-baseline", {"C": 1.0}, seed=7) as run:
        run.log_metric("accuracy", 0.95)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padre_git.api.http import HttpBackend, HttpClient
    from padre_git.api.opening import open_store as open
    from padre_git.api.relocating import move_remote
    from padre_git.api.seeds import DualBackend
    from padre_git.api.store import Store
    from padre_git.backends.states import ProjectStatus, State
    from padre_git.errors import (
        AlreadyExistsError,
        AmbiguousReferenceError,
        ArtifactCorruptError,
        ArtifactError,
        ArtifactMissingError,
        AuthenticationError,
        BranchMissingError,
        Conflict,
        ConflictError,
        DamagedError,
        DocumentError,
        FormatError,
        InvalidInputError,
        InvalidNameError,
        InvalidValueError,
        LockedError,
        NotFetchedError,
        NotFoundError,
        OfflineError,
        PadreGitError,
        RejectedError,
        RemoteError,
        RemoteMissingError,
        RemoteRewrittenError,
        RemoteUnavailableError,
        RemoteUntrustedError,
        RepositoryError,
        UnpublishedError,
        UnsupportedError,
        UnsupportedFormatError,
        UntrustedProjectError,
    )
    from padre_git.messages import (
        Author,
        Choice,
        ConflictFound,
        Damage,
        Decision,
        Deleted,
        Deletion,
        Event,
        Maintained,
        Notice,
        Piece,
        Progress,
        Pulled,
        Pushed,
        Restored,
        Skipped,
        Source,
        Stored,
        Version,
    )
    from padre_git.model import (
        Array,
        Code,
        Column,
        Computation,
        Dataset,
        Direction,
        Entity,
        Environment,
        Execution,
        Experiment,
        Key,
        Kind,
        Note,
        Point,
        Project,
        Results,
        Run,
        Split,
        Status,
    )

__version__ = "0.1.0"

__all__ = [
    "AlreadyExistsError",
    "AmbiguousReferenceError",
    "Array",
    "ArtifactCorruptError",
    "ArtifactError",
    "ArtifactMissingError",
    "AuthenticationError",
    "Author",
    "BranchMissingError",
    "Choice",
    "Code",
    "Column",
    "Computation",
    "Conflict",
    "ConflictError",
    "ConflictFound",
    "Damage",
    "DamagedError",
    "Dataset",
    "Decision",
    "Deleted",
    "Deletion",
    "Direction",
    "DocumentError",
    "DualBackend",
    "Entity",
    "Environment",
    "Event",
    "Execution",
    "Experiment",
    "FormatError",
    "HttpBackend",
    "HttpClient",
    "InvalidInputError",
    "InvalidNameError",
    "InvalidValueError",
    "Key",
    "Kind",
    "LockedError",
    "Maintained",
    "NotFetchedError",
    "NotFoundError",
    "Note",
    "Notice",
    "OfflineError",
    "PadreGitError",
    "Piece",
    "Point",
    "Progress",
    "Project",
    "ProjectStatus",
    "Pulled",
    "Pushed",
    "RejectedError",
    "RemoteError",
    "RemoteMissingError",
    "RemoteRewrittenError",
    "RemoteUnavailableError",
    "RemoteUntrustedError",
    "RepositoryError",
    "Restored",
    "Results",
    "Run",
    "Skipped",
    "Source",
    "Split",
    "State",
    "Status",
    "Store",
    "Stored",
    "UnpublishedError",
    "UnsupportedError",
    "UnsupportedFormatError",
    "UntrustedProjectError",
    "Version",
    "move_remote",
    "open",
]

#: The names of the API; a module is imported when one of its names is asked for.
_API = {
    "DualBackend": "DualBackend",
    "HttpBackend": "HttpBackend",
    "HttpClient": "HttpClient",
    "Store": "Store",
    "move_remote": "move_remote",
    "open": "open_store",
}
_STATES = "padre_git.backends.states"
_VOCABULARY = ("padre_git.errors", "padre_git.model", "padre_git.messages", _STATES)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'padre_git' has no attribute '{name}'")
    from importlib import import_module

    if name in _API:
        value = getattr(import_module("padre_git.api"), _API[name])
    else:
        modules = map(import_module, _VOCABULARY)
        value = next(getattr(module, name) for module in modules if name in module.__all__)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
