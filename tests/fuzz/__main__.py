"""Fuzzes: ``python -m tests.fuzz SECONDS [TARGET …]``, every target for so long.

With atheris (``pip install --group fuzz``) libFuzzer is guided by what our code does; without it
small changes are made at random. New inputs go to ``.fuzz/<target>``; one that fails is kept as
``.fuzz/<target>.failed-…`` and printed, and belongs into ``corpus/<target>`` with a fix.
"""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path

_FOUND = Path(".fuzz")


def main(words: list[str]) -> int:
    """Runs targets one after the other; returns how many failed."""
    from tests.fuzz.targets import TARGETS

    seconds, names = words[0], words[1:] or list(TARGETS)
    guided = importlib.util.find_spec("atheris") is not None
    failed = 0
    for name in names:
        how = "guided" if guided else "random"
        command = [sys.executable, "-m", "tests.fuzz", f"--{how}", name, seconds]
        failed += subprocess.run(command).returncode != 0
    return failed


def guided(name: str, seconds: str) -> None:
    """Lets libFuzzer run one target; does not return."""
    import atheris

    with atheris.instrument_imports(include=["padre_git"], enable_loader_override=False):
        from tests.fuzz.targets import CORPUS, TARGETS
    target = TARGETS[name]
    found = _FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (found / f"seed-{number:03}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}", "-timeout=20", "-max_len=4096", "-rss_limit_mb=4096",
        "-verbosity=1", "-print_final_stats=1", f"-artifact_prefix={_FOUND}/{name}.failed-",
    ]  # fmt: skip
    corpora = [str(path) for path in (found, CORPUS / name) if path.is_dir()]
    atheris.Setup([sys.argv[0], *options, *corpora], target.check)
    atheris.Fuzz()


def at_random(name: str, seconds: str) -> None:
    """Changes what is known at random, for a while."""
    from tests.fuzz.mutating import mutated
    from tests.fuzz.targets import CORPUS, TARGETS

    target = TARGETS[name]
    known = [*target.seeds(), *(p.read_bytes() for p in sorted((CORPUS / name).glob("*")))]
    chance = random.Random()
    end, count = time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        data = mutated(chance.choice(known), chance)
        try:
            target.check(data)
        except BaseException:
            _FOUND.mkdir(exist_ok=True)
            (_FOUND / f"{name}.failed-{count}").write_bytes(data)
            raise
        count += 1
    print(f"{name}: {count} executions at random")


if __name__ == "__main__":
    if sys.argv[1] == "--guided":
        guided(*sys.argv[2:])
    elif sys.argv[1] == "--random":
        at_random(*sys.argv[2:])
    else:
        sys.exit(main(sys.argv[1:]))
