"""Runs the measurements one after the other: ``python -m tests.benchmarks [NAME...]``."""

from __future__ import annotations

import runpy
import sys

QUICK = ("recording", "engines", "artifacts", "exchange")

if __name__ == "__main__":
    for name in sys.argv[1:] or QUICK:
        print(f"== {name}", flush=True)
        sys.argv = [name]
        runpy.run_module(f"tests.benchmarks.{name}", run_name="__main__")
