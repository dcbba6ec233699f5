# `make` alone lists what can be done. `demo` and `test` work on a fresh machine with Python 3.11 to 3.13, git and make.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
KEYS ?= embedded
DATABASE ?= sqlite
READY := $(VENV)/.installed

# Containers often set it; then every process would compile our modules anew, a fifth of its start.
unexport PYTHONDONTWRITEBYTECODE

help: ## what each target does
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: $(READY) ## sign, verify, tamper, strip, edit, erase: the story over real HTTP (KEYS=openbao for a real Vault)
	@$(BIN)/sigillo demo --keys $(KEYS) --out demo-out

test: $(READY) ## every test that must pass anywhere, in parallel (DATABASE=postgresql: all of them on PostgreSQL)
	@TEST_DATABASE=$(DATABASE) $(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder

check: $(READY) ## lint, types, the direction of imports, links in docs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python docs/check_links.py

serve: $(READY) ## run the service on http://localhost:8080 with its data in ./sigillo-home
	@SIGILLO_HOME=$${SIGILLO_HOME:-sigillo-home} $(BIN)/sigillo serve

bench: $(READY) ## the benchmark tables that docs/performance.md quotes
	@$(BIN)/python benchmarks/signing.py
	@$(BIN)/python benchmarks/bulk.py
	@$(BIN)/python benchmarks/ledger.py
	@$(BIN)/python benchmarks/credentials.py
	@$(BIN)/python benchmarks/matching.py
	@$(BIN)/python benchmarks/recovery.py
	@$(BIN)/python benchmarks/custody.py

fsck: $(READY) ## re-check the whole ledger in ./sigillo-home
	@SIGILLO_HOME=$${SIGILLO_HOME:-sigillo-home} $(BIN)/sigillo ledger verify

screenshots: $(READY) ## what each page looks like, narrow and wide, light and dark, into screenshots/ (needs Chromium)
	@SCREENSHOTS=screenshots $(BIN)/python -m pytest -n auto --dist loadscope tests/api/web

soak: $(READY) ## long runs: kill -9, hostile files, fuzzing, flat memory, ten minutes without Vault (SOAK_MINUTES=5 SOAK_KILLS=200 SOAK_FUZZ_SECONDS=60 SOAK_OUTAGE_SECONDS=600 SOAK_REQUESTS=100 SOAK_ORDERS=100 SOAK_ENTRIES=10000000 SOAK_FACES=10000000, which takes 16 GB of memory)
	@$(BIN)/python -m pytest -n auto --hypothesis-profile explore tests/identity tests/ledger tests/hostile
	@$(BIN)/python -m pytest -m soak -s tests/soak
	@$(BIN)/python benchmarks/matching.py --people "$${SOAK_FACES:-10000000}"

conformance: $(READY) ## the W3C's suites for credentials, where W3C_SUITES names a folder with them; writes docs/conformance.md
	@$(BIN)/python -m tests.conformance.w3c

lock: $(READY) ## resolve requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes --no-annotate \
	    --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean: ## remove what make built here; never your data
	@rm -rf $(VENV) tests/peers/node_modules demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

# The first Python that will do; `PYTHON=…` overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Sigillo needs Python 3.11, 3.12 or 3.13 (PYTHON=/path/to/python3.12 make …)" >&2; exit 1; }
	@echo "installing into $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: help demo test check serve bench fsck screenshots soak conformance lock clean
