# Two commands do all: `make demo` and `make test`. Both make their own virtual environment first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test gate bench lock bundle clean

demo: $(VENV)/installed
	@$(BIN)/preview-sim demo

test: gate
	@echo "== tests"
	@$(BIN)/python -m pytest -n 2 --dist worksteal

gate: $(VENV)/installed
	@echo "== format";  $(BIN)/ruff format --check .
	@echo "== lint";    $(BIN)/ruff check .
	@echo "== types";   $(BIN)/mypy
	@echo "== layers";  $(BIN)/lint-imports
	@echo "== imports"; $(BIN)/deptry src

bench: $(VENV)/installed
	@$(BIN)/python benchmarks/accept.py

# The environment: every package by hash from the lock file, then this project itself.
$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; got $$($(PYTHON) --version). Try: make demo PYTHON=python3.12"; exit 1; }
	@echo "== making $(VENV) (once; about a minute)"
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "The venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Needs `uv`; the result has no addresses, only versions and hashes.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -o requirements.lock

bundle: $(VENV)/installed
	@$(BIN)/python -m preview_sim.spec.bundle

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
