"""Runs the command line: ``python -m padre_git``."""

from padre_git.cli import main

main()
