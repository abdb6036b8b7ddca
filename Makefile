# `make demo` and `make test` are all that a fresh machine needs: Python 3.11 with pip, and make.
SHELL := /bin/bash
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
export KITH_ENV ?= development
# Where this is set (as images for containers do), each of the many processes would compile all of its code anew: a second of CPU.
unexport PYTHONDONTWRITEBYTECODE
WORKERS := -n 3 --dist loadscope --no-loadscope-reorder -o console_output_style=classic

.PHONY: demo test check setup lint types contracts templates migrations lock bench torture train frontend messages clean

$(VENV)/.synced: requirements.lock pyproject.toml hatch_build.py
	@echo "[1/3] Python environment in $(VENV)"
	@test -x $(BIN)/uv || { $(PY) -m venv $(VENV) && $(BIN)/python -m pip install -q --disable-pip-version-check uv; }
	@echo "[2/3] Packages from requirements.lock"
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip sync -q requirements.lock
	@echo "[3/3] Kith itself, with its front end (about a minute the first time)"
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.synced frontend messages

frontend: $(VENV)/.synced
	@$(BIN)/python hatch_build.py

messages: $(VENV)/.synced
	@$(BIN)/python tools/compile_messages.py

demo: setup  ## a demo company on http://localhost:8000
	@KITH_ENV=production KITH_HOME="$${KITH_HOME:-$(abspath .kith)}" $(BIN)/kith demo

test: setup  ## the tests; what needs parts that are not installed is skipped, with the reason
	@$(BIN)/python -m pytest $(WORKERS)

lint:
	@echo "ruff"; $(BIN)/ruff check . && $(BIN)/ruff format --check .
types:
	@echo "mypy --strict"; $(BIN)/mypy
contracts:
	@echo "import contracts"; $(BIN)/lint-imports
templates:
	@echo "templates"; $(BIN)/djlint src/kith/web --lint --quiet
migrations:
	@echo "migrations"; $(BIN)/python -m kith.cli.manage makemigrations --check --dry-run

check: test lint types contracts templates migrations  ## what CI runs

torture: setup  ## the long version of the tests that kill, storm and attack; they say how far they are, and their figures
	@$(BIN)/python -m pytest -m torture --torture=full --timeout 2400 $(WORKERS)

bench: setup  ## BENCH="--sizes 10000" for a quick one; all of it takes half an hour and 25 GB
	@$(BIN)/python -m bench $(BENCH)

train:  ## the models in src/kith/nlp/weights, from labelled texts; resumable (TRAIN=--again begins anew)
	@test -x .venv-train/bin/python || $(PY) -m venv .venv-train
	@.venv-train/bin/python -m pip install -q --disable-pip-version-check -r training/requirements.txt
	@PYTHONPATH=src:. .venv-train/bin/python -m training $(TRAIN)

lock:
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes requirements.in --override requirements.override -o requirements.lock --no-emit-index-url --no-header

clean:
	rm -rf $(VENV) frontend/node_modules src/kith/web/static/dist .mypy_cache .ruff_cache
