# precordia: make [target]; every target sets up what it needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= demo

.DEFAULT_GOAL := help
.PHONY: help demo setup format check test test-shapes test-all docs bench-smoke clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --group test --group check --group peers
	@touch $@

demo: $(VENV)/.core  ## read a real ECG end to end and write a report to demo/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pydicom>=3.0"
	$(BIN)/precordia examine "$$($(BIN)/python -c 'from pydicom.data import get_testdata_file as f; print(f("waveform_ecg.dcm", download=False))')" --output $(DEMO) --force

setup: $(VENV)/.dev  ## install everything that development needs

format: setup  ## format the code
	$(BIN)/ruff format src tests examples benchmarks
	$(BIN)/ruff check --fix-only --quiet src tests examples benchmarks

check: setup  ## lint, types, import contracts, spelling
	$(BIN)/ruff check src tests examples benchmarks
	$(BIN)/ruff format --check src tests examples benchmarks
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/codespell src tests examples benchmarks docs README.md changes

test: setup  ## run the tests (recordings in ../shared/data or $$PRECORDIA_DATA are used where present)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q -m "not network and not weights and not gpu and not slow"

test-shapes: setup  ## run the tests once more with the shapes and types of arrays checked
	CHECK_SHAPES=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q tests -m "not network and not weights and not gpu and not slow"

test-all: setup  ## run the tests, the slow ones too
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q -m "not network and not weights and not gpu"

docs: setup  ## regenerate the pictures and tables of docs/ and README.md
	$(BIN)/python docs/build.py

bench-smoke: setup  ## every benchmark on a small part of the recordings
	$(BIN)/python benchmarks/run.py --smoke

clean:  ## remove what the targets made
	rm -rf $(DEMO) .pytest_cache .ruff_cache build dist
