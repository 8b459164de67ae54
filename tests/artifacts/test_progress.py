"""How far a transfer of data is: told in the thread that waits for it."""

from __future__ import annotations

import threading
from pathlib import Path

from padre_git.api.opening import open_store
from padre_git.messages import Progress


def test_sending_and_fetching_data_tell_how_far_they_are(tmp_path: Path) -> None:
    lab, files = tmp_path / "lab", tmp_path / "files"
    lab.mkdir()
    files.mkdir()
    for number in range(5):
        (files / f"{number}.bin").write_bytes(bytes([number]) * 1_000_000)
    heard: list[Progress] = []
    where = set()

    def hear(event: Progress) -> None:
        heard.append(event)
        where.add(threading.current_thread())

    with open_store(tmp_path / "here", remote=lab, policy="manual") as here:
        here.subscribe(Progress, hear)
        with here.start_run("iris/svm") as run:
            run.log_artifacts(files)
        here.sync("iris")
    sent = [event for event in heard if event.step == "Sending data"]
    assert [event.done for event in sent][:5] == [1, 2, 3, 4, 5]
    assert (sent[4].project, sent[4].total, sent[4].detail) == ("iris", 5, "5.0 MB")
    heard.clear()
    with open_store(tmp_path / "there", remote=lab, policy="manual") as there:
        there.subscribe(Progress, hear)
        there.pull("iris")
        there.artifacts.get(run.key)
    fetched = [event for event in heard if event.step == "Fetching data"]
    assert (fetched[-1].done, fetched[-1].total, fetched[-1].detail) == (5, 5, "5.0 MB")
    assert where == {threading.main_thread()}
