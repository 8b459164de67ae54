"""How recorded commands end, told by real processes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from padre_git.api.opening import open_store
from padre_git.model import Run

HOME = Path(__file__).parents[2]
RUN = "r-20260101t000000-aaaaaaaaaaaa"


def start(root: Path, *command: str, run_id: str | None = None) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "padre_git", "--root", str(root), "record", "-e", "demo/svm"]
    return subprocess.Popen(
        [*words, "--", *command],
        cwd=root.parent,
        env=os.environ | {"PYTHONPATH": str(HOME)} | ({"PADRE_RUN_ID": run_id} if run_id else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def the_run(root: Path) -> tuple[Run, str]:
    with open_store(root, policy="manual") as store:
        (run,) = store.runs.list("demo/svm")
        return run, store.runs.log(run)


def test_sigterm_ends_the_command_and_aborts_the_run(tmp_path: Path) -> None:
    root = tmp_path / "store"
    process = start(root, "sh", "-c", "echo $$ > pid; echo begun; exec sleep 60")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n", "and it is kept before it is shown"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    run, log = the_run(root)
    assert run.status == "aborted"
    assert log == "begun\n"
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_a_command_that_dies_of_a_signal_has_failed(tmp_path: Path) -> None:
    root = tmp_path / "store"
    process = start(root, "sh", "-c", "kill -9 $$")
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGKILL
    assert the_run(root)[0].status == "failed"


def test_much_output_is_kept_whole_and_takes_no_memory(tmp_path: Path) -> None:
    root = tmp_path / "store"
    program = "import sys\nfor n in range(3_000_000): print(f'line {n:30}')"
    peaks = []
    for command in (["true"], [sys.executable, "-c", program]):
        process = start(root, *command)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            while stream.read(1 << 20):
                pass
            stream.close()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks.append(used.ru_maxrss)
    assert peaks[1] < peaks[0] + 40_000  # kilobytes; the output has 108 million bytes
    with open_store(root, policy="manual") as store:
        run = max(store.runs.list("demo/svm"), key=lambda run: run.metrics["seconds"])
        log = store.runs.log(run)
        assert log.startswith("[1030000")
        assert "bytes before this are in the artifact 'command-output.txt']\nline " in log[:99]
        assert log.endswith(f"line {2_999_999:30}\n")
        whole = store.artifacts.get(run, "command-output.txt")
    assert whole.stat().st_size == 3_000_000 * 36


def test_what_a_command_shows_without_a_line_break_is_seen_at_once(tmp_path: Path) -> None:
    process = start(tmp_path / "store", "sh", "-c", "printf 10%%; exec sleep 60")
    assert process.stdout is not None
    assert process.stdout.read(3) == "10%"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert the_run(tmp_path / "store")[1] == "10%"


def test_a_full_disk_below_the_output_does_not_end_the_command(tmp_path: Path) -> None:
    limit = (6_000_000, resource.RLIM_INFINITY)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    try:
        program = "for n in range(200_000): print(f'line {n:30}')"
        process = start(tmp_path / "store", sys.executable, "-c", program)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    shown, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(shown) == 200_000 * 36
    assert said.count("output is kept up to here only: File too large") == 1
    run, log = the_run(tmp_path / "store")
    assert run.status == "finished"
    assert log.startswith("[1000")  # 6 MB less the end, in the log's first line


def killed(root: Path, *command: str, run_id: str, shows: str) -> None:
    """Kills a recording, and its command, as soon as something was shown."""
    process = start(root, *command, run_id=run_id)
    assert process.stdout is not None
    while (line := process.stdout.readline()) != shows:
        assert line, process.communicate(timeout=60)
    process.kill()
    os.kill(int((root.parent / "pid").read_text()), signal.SIGKILL)
    process.communicate(timeout=60)


def test_a_recording_that_is_killed_loses_nothing_of_what_was_shown(tmp_path: Path) -> None:
    root = tmp_path / "store"
    killed(
        root, "sh", "-c", "echo $$ > pid; echo begun; exec sleep 60", run_id=RUN, shows="begun\n"
    )
    with open_store(root, policy="manual") as store:
        assert store.runs.log(RUN) == "begun\n", "as whoever watches sees it"
        (run,) = store.reconcile()
        assert (run.status, store.runs.log(run)) == ("aborted", "begun\n")
        assert store.artifacts.list(run) == []
        assert store.reconcile() == []


def test_a_killed_recording_that_goes_on_has_what_was_shown_once(tmp_path: Path) -> None:
    root = tmp_path / "store"
    for word in ("one", "two"):
        script = f"echo $$ > pid; echo {word}; exec sleep 60"
        killed(root, "sh", "-c", script, run_id=RUN, shows=f"{word}\n")
    process = start(root, "sh", "-c", "echo three", run_id=RUN)
    process.communicate(timeout=60)
    run, log = the_run(root)
    assert run.status == "finished"
    assert log == "one\ntwo\nthree\n"


def test_of_much_output_of_a_killed_recording_all_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "store"
    script = "echo $$ > pid; head -c 6000000 /dev/zero | tr '\\0' x; echo; echo last; exec sleep 60"
    killed(root, "sh", "-c", script, run_id=RUN, shows="last\n")
    with open_store(root, policy="manual") as store:
        (run,) = store.reconcile()
        head, end = store.runs.log(run).splitlines()
        assert head.startswith("[6000001 bytes before this are in the artifact")
        assert end == "last"
        assert store.artifacts.get(run, "command-output.txt").stat().st_size == 6_000_006
