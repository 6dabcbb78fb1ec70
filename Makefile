# Each target does its whole set-up: a virtual environment in .venv, nothing outside it
# (but `make test`, which as root on Debian also installs the programs that the tests drive).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help venv demo test lint bench lab needs clean

help:
	@echo "make demo   play a clip over loopback with a slow delivery server, and see the notice"
	@echo "make test   lint, strict typing, all tests"
	@echo "make lint   lint and typing alone"
	@echo "make bench  the cost of one observation, and of verifying a film (a few minutes)"
	@echo "make lab    record $(RUNS) runs and bring docs/truth.md up to date (best as root; 7 runs a minute)"
	@echo "make venv   only the set-up"

$(READY): pyproject.toml $(wildcard hatch_build.py) .ci/make-venv
	@PYTHON=$(PYTHON) bash .ci/make-venv $(VENV)
	@touch $@

venv: $(READY)

demo: $(READY)
	$(BIN)/streamnotice demo $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check streamnotice tests benchmarks examples lab/truth
	$(BIN)/mypy

needs:
	@bash .ci/install-needs

test: needs $(READY) lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

bench: $(READY)
	$(BIN)/python benchmarks/observe.py $(ARGS)
	$(BIN)/python benchmarks/verify.py

RUNS ?= 168
JOBS ?= 8
HELD_OUT := lab/build/held-out
# no fit uses seeds from here on
FIRST_SEED := 9001

lab: needs $(READY)
	$(BIN)/python -m lab corpus --runs $(RUNS) --jobs $(JOBS) --duration 75 \
	    --first-seed $(FIRST_SEED) --out $(HELD_OUT)
	$(BIN)/python -m lab.truth measure $(HELD_OUT)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis lab/build
