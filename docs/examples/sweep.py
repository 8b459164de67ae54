"""One point of a sweep, as a task of a batch job that may be stopped and started again.

Submit all of them with ``sbatch --requeue --array=0-3 sweep.sh``.
"""

import json
import os
import sys
import time
from pathlib import Path

import padre_git

C = (0.1, 1, 10, 100)[int(os.environ["SLURM_ARRAY_TASK_ID"])]
STEPS = int(os.environ.get("STEPS", "100"))
PAUSE = float(os.environ.get("PAUSE", "0"))

with padre_git.open() as store:
    store.ensure("iris/svm")
    if store.runs.find("iris/svm", {"C": C}, status=("finished", "running")):
        sys.exit(f"C={C} is done, or somebody is at it")
    with store.start_run("iris/svm", {"C": C}, seed=7) as run:
        checkpoint = Path(f"{run.id}.json")
        first = 0
        if checkpoint.exists():  # this task was stopped, and goes on
            first = json.loads(checkpoint.read_text())["step"] + 1
            print(f"run {run.id} goes on at step {first}", flush=True)
        for step in range(first, STEPS):
            run.log_metric("loss", 1 / (C * (step + 1)), step=step)
            time.sleep(PAUSE)
            if step % 10 == 9:
                fresh = checkpoint.with_suffix(".new")  # whole, whenever this task is killed
                fresh.write_text(json.dumps({"step": step}))
                fresh.replace(checkpoint)
        run.log_metric("accuracy", 0.9 + C / 10_000)
