PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install demo test test-all lint gpu bench tables clean

help:  ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

install: $(VENV)/installed  ## Make .venv and install nlptl with everything that demo and test need

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nlptl needs Python 3.11 or newer; found $$($(PYTHON) --version): make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[offline,test,dev]'
	touch $@

demo: install  ## Fine-tune a sentiment model on the sample data and print what it is worth
	$(BIN)/python recipes/sentiment.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

# Without its GPU a machine takes the same way as one that has none; "." is no device.
test: lint  ## ruff, mypy and the tests, a few minutes on 2 cores
	CUDA_VISIBLE_DEVICES=. $(BIN)/python -m pytest -q -n 2 --dist loadfile

test-all: lint  ## The slow tests too
	CUDA_VISIBLE_DEVICES=. $(BIN)/python -m pytest -q -m 'not gpu'

# With PYTHON given, that one is taken as it is, and nothing is installed.
GPU_PYTHON := $(if $(filter file,$(origin PYTHON)),$(BIN)/python,$(PYTHON))
gpu: $(if $(filter file,$(origin PYTHON)),install)  ## The GPU's tests and speed: make gpu [PYTHON=python3] [ONLY=tests,speed] [OUT=FOLDER]
	$(GPU_PYTHON) benchmarks/gpu_kit.py --only '$(ONLY)' --output '$(or $(OUT),benchmarks/results)'

bench: install  ## Measure against the peers (an hour on a quiet machine): make bench DATA=../shared/data
	$(BIN)/python benchmarks/run.py --suite sentiment --data $(DATA)

tables: install  ## Write the README's tables from the result files
	$(BIN)/python benchmarks/tables.py

clean:  ## Remove what make made
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
