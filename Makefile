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
	@echo "make bench  the cost of one observation"
	@echo "make lab    list the lab's fault families (runs need root)"
	@echo "make venv   only the set-up"

$(READY): pyproject.toml $(wildcard hatch_build.py) .ci/make-venv
	@PYTHON=$(PYTHON) bash .ci/make-venv $(VENV)
	@touch $@

venv: $(READY)

demo: $(READY)
	$(BIN)/streamnotice demo $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check streamnotice tests benchmarks examples
	$(BIN)/mypy

needs:
	@bash .ci/install-needs

test: needs $(READY) lint
	$(BIN)/python -m pytest $(ARGS)

bench: $(READY)
	$(BIN)/python benchmarks/observe.py $(ARGS)

lab: $(READY)
	$(BIN)/python -m lab list

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis lab/build
