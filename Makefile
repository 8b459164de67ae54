# Every target does its own set-up: Python 3.11 or newer, git and make are all it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 4
SECONDS ?= 60
STAMP := $(VENV)/.installed
# the lowest DVC that pyproject.toml allows, alone, for the tests of its command line
DVC := $(VENV)/dvc-lowest
LOWEST := $(shell sed -n 's/.*"dvc>=\([0-9.]*\),.*/\1/p' pyproject.toml)

.PHONY: all demo test lint format docs bench nightly fuzz hooks clean

all: lint test docs

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("padre_git needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $(STAMP)

$(DVC)/.installed: $(STAMP)
	$(PYTHON) -m venv $(DVC)
	$(DVC)/bin/python -m pip install --quiet --disable-pip-version-check "dvc==$(LOWEST)"
	@touch $@

demo: $(STAMP) ## trains models on real data, records, publishes, clones and reads back
	$(BIN)/python docs/examples/demo.py

test: $(STAMP) $(DVC)/.installed ## the whole test suite
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not nightly" $(ARGS)

nightly: $(STAMP) $(DVC)/.installed ## the long randomized runs
	$(BIN)/python -m pytest -n $(WORKERS) -m nightly --durations=0 --durations-min=1 $(ARGS)

lint: $(STAMP) ## style, spelling, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## the pages under docs/_build/html; warnings are errors
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

bench: $(STAMP) ## prints figures; see tests/benchmarks/
	$(BIN)/python -m tests.benchmarks $(ARGS)

fuzz: $(STAMP) ## looks for input that breaks a reader, SECONDS for each target (ARGS="place query")
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	$(BIN)/python -m tests.fuzz $(SECONDS) $(ARGS)

hooks: $(STAMP) ## runs the checks before every commit
	$(BIN)/pre-commit install

clean:
	rm -rf $(VENV) docs/_build .demo build dist *.egg-info
