# Commands that do everything on a fresh machine; each makes .venv itself.
#   make study         the quick numerical content/style study, and where its report lies
#   make calibration   the calibration of p-values and intervals (fifty minutes; resumable)
#   make images        what rendering and image encoders need, into .venv
#   make cycles        Blender's package in .venv-bpy, for the Cycles renderer (needs Python 3.11)
#   make test          every check: ruff, mypy, import-linter, doctests and tests (two processes)
PYTHON ?= python3
VENV := .venv
BPY_VENV := .venv-bpy
BPY_PYTHON ?= python3.11
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
OUT ?= runs/numerical/quick
TEST_PROCESSES ?= 2

.PHONY: help study calibration images cycles test lint types imports pytest clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"causal-ssl needs Python 3.11 or newer, this is {v.major}.{v.minor}: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) -m venv failed: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }

# A stamp for each set of packages: nothing is installed again until pyproject.toml or constraints.txt change.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing causal-ssl into $(VENV) (a few minutes, once)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing causal-ssl and what its tests need into $(VENV) (a few minutes, once)"
	@$(PIP) --editable '.[test]'
	@touch $(VENV)/.installed $@

# Blender as a Python package has wheels for few Pythons and wants NumPy 1: an environment of its own.
$(BPY_VENV)/.installed: constraints-bpy.txt
	@if ! command -v $(BPY_PYTHON) >/dev/null; then \
	  echo "no $(BPY_PYTHON): Blender's package needs it, the Cycles backend is left out"; \
	else \
	  echo "installing Blender's package into $(BPY_VENV) (a minute, once)"; \
	  $(BPY_PYTHON) -m venv $(BPY_VENV) && \
	  $(BPY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	    --constraint constraints-bpy.txt bpy && touch $@; \
	fi

$(VENV)/.installed-images: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing causal-ssl and what images need into $(VENV) (a few minutes, once)"
	@$(PIP) --editable '.[images]'
	@touch $(VENV)/.installed $@

study: $(VENV)/.installed
	@$(BIN)/causal-ssl study numerical --preset quick --out $(OUT)

calibration: $(VENV)/.installed
	@$(BIN)/causal-ssl study calibration --preset standard --out runs/calibration/standard

images: $(VENV)/.installed-images

cycles: $(BPY_VENV)/.installed

test: lint types imports pytest

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

imports: $(VENV)/.installed-test
	$(BIN)/lint-imports

pytest: $(VENV)/.installed-test $(BPY_VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(TEST_PROCESSES) --dist loadfile

clean:
	rm -rf $(VENV) $(BPY_VENV) build dist *.egg-info
