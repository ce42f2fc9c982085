# A machine without a GPU saves some gigabytes with PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup extras run test lint bench docs

setup: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.txt -e '.[dev]'
	touch $@

# The packages of classifiers from elsewhere; without them their tests are skipped, and say so.
extras: setup
	$(BIN)/python -m pip install --quiet -r requirements.txt -r requirements-extras.txt -e '.[clip,hf,onnx,ood,timm]'

# Ten fooling images for the ten digits, their contact sheet and the convergence plot, all in the run's directory.
run: setup
	$(BIN)/evo-fool run experiments/mnist-cppn.yaml
	$(BIN)/evo-fool sheet latest
	$(BIN)/evo-fool plot latest

# Tests that measure, or that kill processes, run by themselves.
test: setup
	$(BIN)/python -m pytest -q -n 2 -m "not alone"
	$(BIN)/python -m pytest -q -m alone

lint: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

bench: setup
	$(BIN)/evo-fool bench loop mnist-cppn
	$(BIN)/evo-fool bench loop mnist-pixels
	$(BIN)/evo-fool bench render
	$(BIN)/evo-fool bench insert
	$(BIN)/evo-fool bench growth
	$(BIN)/evo-fool bench memory
	$(BIN)/python -m pytest -q benchmarks --benchmark-enable

docs: setup
	$(BIN)/python docs/generate.py
