"""Provenance: which code runs in this process, how it was started, and in which environment.

Everything here is found out once per process and kept. Where it cannot be found out exactly, the
next best answer is given together with a remark that says so: a run is never lost for it. See
docs/decisions/0007.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING

from padre_git.api.owners import Job
from padre_git.errors import RepositoryError
from padre_git.format import identify
from padre_git.model import Code, Environment

if TYPE_CHECKING:
    from padre_git.vcs.code import Capture

__all__ = [
    "CodeVersion",
    "arguments",
    "code_version",
    "command_version",
    "environment",
    "forced",
    "has_git",
    "job",
    "run_id",
]

_FORCED = "PADRE_EXECUTION"
#: The search paths on which git was found.
_with_git: set[str] = set()


@dataclass(frozen=True, kw_only=True)
class CodeVersion:
    """Is the code that runs.

    Attributes:
        code: its identity.
        entry_point: what was started, relative to the repository; None if nothing was.
        patch: what is kept of it beside the identity; None for nothing.
        root: the work tree it was taken from; None outside any repository.
        remarks: what a person should know about how exact this is.
    """

    code: Code
    entry_point: str | None = None
    patch: bytes | None = None
    root: Path | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Start:
    """Is what was started: a file, and how people call it (None: by its path)."""

    file: Path | None
    text: str | None = None


def forced() -> str | None:
    """Returns the execution that PADRE_EXECUTION names for this process, if it names one."""
    return os.environ.get(_FORCED, "").strip() or None


def run_id() -> str | None:
    """Returns the id that PADRE_RUN_ID has for the run of this process, if it has one."""
    return os.environ.get("PADRE_RUN_ID", "").strip() or None


def job() -> Job | None:
    """Returns the batch job that this process belongs to, as its scheduler says; None without.

    The tasks of an array and the processes of a parallel job are told apart.
    """
    said = os.environ.get
    if number := said("SLURM_ARRAY_JOB_ID") or said("SLURM_JOB_ID"):
        task, rank = said("SLURM_ARRAY_TASK_ID", ""), said("SLURM_PROCID", "0")
        attempt = said("SLURM_RESTART_COUNT", "0")
        name = " ".join(
            filter(None, ["slurm", said("SLURM_CLUSTER_NAME"), f"{number}_{task}", rank])
        )
        return Job(name=name, attempt=int(attempt) if attempt.isdigit() else None)
    for scheduler, number, task in (
        ("pbs", "PBS_JOBID", "PBS_ARRAY_INDEX"),
        ("lsf", "LSB_JOBID", "LSB_JOBINDEX"),
    ):
        if said(number):
            return Job(name=f"{scheduler} {said(number)}_{said(task, '')}")
    return None


def has_git() -> bool:
    """Returns whether this machine can commit; a compute node may have nothing but Python."""
    path = os.environ.get("PATH", os.defpath)
    if path not in _with_git and shutil.which("git", path=path) is not None:
        _with_git.add(path)  # looking for it costs as much as logging ten metrics
    return path in _with_git


def arguments() -> tuple[str, ...]:
    """Returns how this program was started, without its directory; nothing in a notebook."""
    if getattr(sys.modules.get("__main__"), "__file__", None) is None:
        return ()
    return tuple(map(_storable, [Path(sys.argv[0]).name, *sys.argv[1:]]))


def code_version() -> CodeVersion:
    """Returns the code version of this process; the first call decides.

    It is the code of what was started. When that is a tool installed beside the interpreter
    (pytest, a launcher), the file that calls padre_git says which code it is.
    """
    return _program_version() or _version_under_tool(_caller())


def command_version(command: Sequence[str], directory: Path) -> CodeVersion:
    """Returns the code version of a command that is about to be run.

    Args:
        command: the program and its arguments; the first one that is a file is the entry point.
        directory: where it will run.
    """
    for word in command:
        place = directory / word
        if place.is_file() and not _is_installed(place):
            return _version_of(_Start(file=place), directory)
    return _version_of(_Start(file=None, text=None), directory)


@cache
def environment(project: str) -> Environment:
    """Returns the environment of this process as a record of ``project``."""
    python, platform, packages = _facts()
    found = Environment(project=project, python=python, platform=platform, packages=packages)
    return identify(found)


@cache
def _facts() -> tuple[str, str, Mapping[str, str]]:
    import platform

    from padre_git.api.packages import installed_packages

    system, machine = platform.system(), platform.machine()
    detail = {
        "Linux": " ".join(filter(None, platform.libc_ver())),
        "Darwin": platform.mac_ver()[0],
        "Windows": platform.version(),
    }.get(system, "")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return python, " ".join(filter(None, [system, machine, detail])), installed_packages()


@cache
def _program_version() -> CodeVersion | None:
    """Returns the version of what was started; None if that is an installed tool."""
    start = _what_was_started(sys.modules.get("__main__"))
    if start.file is not None and _is_installed(start.file):
        return None
    return _version_of(start, Path.cwd())


@cache
def _version_under_tool(caller: Path | None) -> CodeVersion:
    """Returns the version of the code that an installed tool runs, or else of the tool."""
    start = _what_was_started(sys.modules.get("__main__"))
    tool = start.file or Path(sys.executable)
    text = start.text or tool.name
    if caller is None:
        return _installed_version(tool, text)
    return _version_of(_Start(file=caller, text=text), caller.parent)


def _caller() -> Path | None:
    """Returns the nearest file that is neither ours nor installed; None in a notebook."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - inspect.stack() reads every source file
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        file = Path(frame.f_code.co_filename)
        if name.partition(".")[0] != "padre_git" and file.is_file() and not _is_installed(file):
            return file
        frame = frame.f_back
    return None


def _what_was_started(main: ModuleType | None) -> _Start:
    spec = getattr(main, "__spec__", None)
    file = getattr(main, "__file__", None)
    if file is None:
        return _Start(file=_notebook(main))
    if not Path(file).is_file():  # read from standard input, or gone since it was started
        name = Path(file).name
        return _Start(file=None, text=None if name in {"<stdin>", "stdin"} else name)
    if spec is not None and spec.name not in {None, "__main__"}:
        return _Start(file=Path(file), text=f"-m {spec.name.removesuffix('.__main__')}")
    return _Start(file=Path(file))


def _notebook(main: ModuleType | None) -> Path | None:
    """Returns the notebook that this process is the kernel of, where its server says so."""
    told = getattr(main, "__vsc_ipynb_file__", None) or os.environ.get("JPY_SESSION_NAME")
    path = Path(told) if told else None
    return path if path is not None and path.suffix == ".ipynb" and path.is_file() else None


def _version_of(start: _Start, directory: Path) -> CodeVersion:
    """Returns the version of user code: from its repository, else by content."""
    from padre_git.vcs.code import capture

    file = None if start.file is None else Path(os.path.realpath(start.file))
    place = directory if file is None else file.parent
    try:
        found = capture(place, entry=file)
    except RepositoryError as error:
        return _by_content(start, file, f"the code's repository cannot be read: {error.message}")
    except OSError as error:
        return _by_content(start, file, f"the code cannot be read: {error}")
    if found is None or (file is not None and _is_ignored(found, file)):
        return _by_content(start, file)
    return _from_repository(start, file, found)


def _is_ignored(found: Capture, file: Path) -> bool:
    from padre_git.vcs.code import is_ignored

    return found.root is None or is_ignored(found.root, file)


def _from_repository(start: _Start, file: Path | None, found: Capture) -> CodeVersion:
    text = start.text
    if text is None and file is not None and found.root is not None:
        root = Path(os.path.realpath(found.root))
        text = file.relative_to(root).as_posix()
    remarks = [
        f"'{name}' differs from the commit and is too large to be kept with the code"
        for name in found.left_out
    ]
    if found.code.commit and not (found.code.repository or "").strip("0") and found.patch is None:
        remarks.append("the code's repository is a shallow clone: its root commit is not known")
    return CodeVersion(
        code=found.code,
        entry_point=None if text is None else _storable(text),
        patch=found.patch,
        root=found.root,
        remarks=tuple(remarks),
    )


def _by_content(start: _Start, file: Path | None, *remarks: str) -> CodeVersion:
    from padre_git.vcs.code import capture_file

    if file is None:
        nothing = CodeVersion(code=Code(content=sha256(b"").hexdigest()), patch=b"")
        return replace(nothing, entry_point=start.text, remarks=remarks)
    try:
        found = capture_file(file)
        code, patch = found.code, found.patch
    except RepositoryError as error:
        code, patch = Code(content=sha256(file.read_bytes()).hexdigest()), None
        remarks = (*remarks, f"the code's content is not kept: {error.message}")
    text = _storable(start.text or file.name)
    return CodeVersion(code=code, entry_point=text, patch=patch, remarks=remarks)


def _installed_version(file: Path, text: str) -> CodeVersion:
    from padre_git.api.packages import package_of

    package = package_of(file)
    if package is None:
        return _by_content(_Start(file=file, text=text), file)
    if package.source is not None:  # installed in place: its repository says more than a version
        return _version_of(_Start(file=None, text=text), package.source)
    code = Code(package=package.name, version=package.version)
    return CodeVersion(code=code, entry_point=text)


@cache
def _program_directories() -> tuple[str, ...]:
    import sysconfig

    names = ("purelib", "platlib", "stdlib", "platstdlib", "scripts")
    places = [str(sysconfig.get_path(name)) for name in names]
    places.append(str(Path(sys.executable).parent))
    return tuple({os.path.realpath(place) for place in places})


def _is_installed(file: Path) -> bool:
    """Returns whether a file belongs to the interpreter or to an installed package."""
    if not {"site-packages", "dist-packages"}.isdisjoint(file.parts):
        return True
    real = os.path.join(os.path.realpath(file.parent), "")  # noqa: PTH118 - with the separator
    return any(real.startswith(os.path.join(place, "")) for place in _program_directories())  # noqa: PTH118


def _storable(text: str) -> str:
    """Returns a path or an argument as text; bytes that are not UTF-8 are escaped."""
    return text.encode(errors="backslashreplace").decode()
