# make run    a virtual environment, the package, and a demonstration shop on http://127.0.0.1:8000
# make test   the same environment with the test extras, then the tests
# make test-medusa  the tests against a real Medusa server, which it starts (needs node, npm, PostgreSQL; minutes once)
# make check  lint, format, types, import contracts, shape of the code, tests

ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
endif
VENV ?= .venv
PYTEST_FLAGS ?= -n 2 --dist loadfile -rs
BASELINE ?= $(if $(filter aarch64 arm64,$(shell uname -m)),armv8-a,x86-64-v2)
WHEELHOUSE ?= wheelhouse
DEMO_FLAGS ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: help run test test-medusa check lint format types contracts shape wheel wheelhouse bench annoy clean

help:
	@sed -n 's/^# //p' Makefile

run: $(INSTALLED)
	$(BIN)/appliance demo $(DEMO_FLAGS)

test: $(INSTALLED_DEV)
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

# Here a server that does not start is an error; in `make test` its tests are skipped.
test-medusa: $(INSTALLED_DEV)
	MEDUSA_TESTS_REQUIRED=1 MEDUSA_TESTS_INSTALL=1 $(BIN)/python -m pytest $(PYTEST_FLAGS) -m medusa

check: lint types contracts shape test

lint: $(INSTALLED_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED_DEV)
	$(BIN)/mypy

contracts: $(INSTALLED_DEV)
	$(BIN)/lint-imports --no-cache

shape:
	@$(PYTHON) scripts/code_shape.py

wheel: $(INSTALLED_DEV)
	$(BIN)/python -m build

wheelhouse: $(INSTALLED_DEV)
	$(BIN)/python scripts/build_wheelhouse.py --baseline $(BASELINE) --out $(WHEELHOUSE)

bench: $(INSTALLED)
	$(BIN)/appliance bench ingest
	$(BIN)/appliance bench serve

# Tries again, for example after a compiler was installed.
annoy: $(INSTALLED)
	@$(BIN)/python scripts/annoy_build.py

clean:
	rm -rf $(VENV) build dist $(WHEELHOUSE) .medusa

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "A virtual environment could not be made; on Debian: apt install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(INSTALLED): pyproject.toml scripts/annoy_build.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@$(BIN)/python scripts/annoy_build.py
	@touch $@

$(INSTALLED_DEV): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
