"""Recording a command: ``record -- COMMAND`` and ``freeze``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from padre_git.cli.change import pairs
from padre_git.cli.group import Session, note
from padre_git.cli.output import print_json
from padre_git.cli.references import as_json
from padre_git.errors import InvalidInputError

if TYPE_CHECKING:
    import io

    from padre_git.api.recorder import Recorder

__all__ = ["COMMANDS"]

_PIECE = 1 << 16


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("-e", "--experiment", required=True, metavar="REF", help="Such as demo/svm.")
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE",
              help="A parameter of the run; PADRE_PARAM_NAME for the command.")  # fmt: skip
@click.option("--seed", type=int, help="What random numbers begin with.")
@click.option("--title", help="One line for people.")
@click.option("-t", "--tag", "tags", multiple=True, metavar="NAME=VALUE", help="A label.")
@click.option("--metrics", "metrics", type=click.Path(path_type=Path),
              help="A JSON file of numbers that the command writes.")  # fmt: skip
@click.option("-a", "--artifact", "artifacts", multiple=True, type=click.Path(path_type=Path),
              help="A file or directory that the command writes.")  # fmt: skip
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def record(ctx: click.Context, /, command: tuple[str, ...], experiment: str,
           parameters: tuple[str, ...], tags: tuple[str, ...], metrics: Path | None,
           artifacts: tuple[Path, ...], **options: Any) -> None:  # fmt: skip
    """Run COMMAND and record it as a run.

    The command's output is shown and kept: as the run's log, or, of more than 5 MB, the end as its
    log and all of it as the artifact command-output.txt. Its run time becomes the metric
    'seconds'. Its exit code becomes ours; a code other than 0 makes the run failed.

    \b
    Examples:
      padre-git record -e demo/svm -p C=10 -- python train.py --C 10
      padre-git record -e demo/svm --metrics metrics.json -a model.bin -- ./train.sh
    """
    session: Session = ctx.obj
    values = pairs(parameters, "parameter")
    with session.store.start_run(experiment, values, argv=command, **options) as run:
        run.set_tags({n: str(v) for n, v in pairs(tags, "tag").items()})
        code = _execute(run, command, values, _before(session, run))
        _collect(run, metrics, artifacts, finished=code == 0)
        run.end("finished" if code == 0 else "failed")
    note(f"recorded {run.key}")
    ctx.exit(code if code >= 0 else 128 - code)


def _before(session: Session, run: Recorder) -> str:
    """Returns what a process before this one has left of the command's output, and logs it."""
    from padre_git.api.output import ARTIFACT, long_output

    if not run.is_continued:
        return ""
    text = session.store.runs.log(run.key)
    if long_output(run.output):
        run.log_artifact(run.output, ARTIFACT)
    run.log_text("log.txt", text)
    return text


def _execute(run: Recorder, command: tuple[str, ...], values: dict[str, Any], before: str) -> int:
    """Runs the command, shows its output while it is kept, and returns its exit code.

    Args:
        run: what it is recorded as.
        command: the program and its arguments.
        values: the parameters.
        before: what the command had printed in a process before, if the run goes on.
    """
    from padre_git.api import interrupts
    from padre_git.api.output import log_output

    environment = {**os.environ, "PADRE_RUN": run.key.text}
    environment.pop("PADRE_RUN_ID", None)  # that is this run, and not one of the command's own
    environment |= {f"PADRE_PARAM_{name}": str(value) for name, value in values.items()}
    started = time.monotonic()
    process: subprocess.Popen[bytes] | None = None
    run.output.write_bytes(b"")
    try:
        with interrupts.postponed():  # between its start and our knowing of it
            process = _begun(command, environment)
        _show_and_keep(process, run.output)
        process.wait()
    except BaseException:  # we are asked to end, and the command with us
        _end(process)
        raise
    finally:
        log_output(run, run.output, before)
    run.log_metric("seconds", time.monotonic() - started)
    return process.returncode


def _begun(command: tuple[str, ...], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )
    except OSError as error:
        raise InvalidInputError(
            f"cannot start '{command[0]}': {error.strerror}",
            hint="the attempt is recorded as a failed run",
        ) from error


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        process.terminate()
        process.wait()


def _show_and_keep(process: subprocess.Popen[bytes], kept: Path) -> None:
    """Keeps what a command prints in a file, and shows it as soon as it comes."""
    is_whole = True
    output = cast("io.BufferedReader", process.stdout)
    with output, kept.open("wb", buffering=0) as file:
        while piece := output.read1(_PIECE):
            try:
                if is_whole:
                    file.write(piece)
            except OSError as error:  # the command goes on, and its run is recorded
                is_whole = False
                note(f"warning: output is kept up to here only: {error.strerror} ('{kept}')")
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


def _collect(
    run: Recorder, metrics: Path | None, artifacts: tuple[Path, ...], *, finished: bool
) -> None:
    if metrics is not None and (finished or metrics.exists()):
        try:
            found = json.loads(metrics.read_bytes())
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"cannot read metrics from '{metrics}': {error}") from error
        run.log_metrics(found)
    for path in artifacts:
        if finished or path.exists():
            run.log_artifact(path)


@click.command()
@click.argument("experiment")
@click.argument("entry_point", required=False)
@click.pass_obj
def freeze(session: Session, experiment: str, entry_point: str | None) -> None:
    """Take the code version once, for many runs of EXPERIMENT.

    \b
    Examples:
      export PADRE_EXECUTION=$(padre-git freeze demo/svm train.py)
      for C in 1 10 100; do sbatch train.sh $C; done
    """
    click.echo(session.store.freeze(experiment, entry_point=entry_point))


@click.command()
@click.argument("project", required=False)
@as_json
@click.pass_obj
def reconcile(session: Session, project: str | None, json_: bool) -> None:
    """Record lost runs as aborted, with everything they logged.

    These are runs whose process is gone, or was silent for ten minutes. Those that have ended are
    recorded as they ended. 'sync' does this, too. A run whose process returns goes on.

    \b
    Examples:
      padre-git reconcile
      padre-git reconcile demo
    """
    found = session.store.reconcile(project)
    if json_:
        print_json(found)
        return
    for run in found:
        click.echo(f"{run.key}: {run.status}")
    if not found:
        note("no run is lost")


COMMANDS = [record, freeze, reconcile]
