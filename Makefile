# `make demo` runs the shop, `make test` runs the suite. Both set up what they need on a fresh machine.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
PORT ?= 8000
SERVE ?= 1
# Processes that `make quick` tests in, each with a vector store of its own and about 1.5 GB of memory.
JOBS ?= 2
# Another build of torch: TORCH_INDEX=<address of a package index> picks where the pair below comes from.
TORCH ?= torch==2.14.1 torchvision==0.29.1
TORCH_INDEX ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test quick check format chromium clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
		|| { echo "Vetrina needs Python 3.11 or 3.12: apt-get install python3.11 python3.11-venv"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }

.venv/torch: | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@touch $@

.venv/installed: .venv/torch pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cpu]'
	@touch $@

.venv/developing: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cpu,dev,otel,postgres,redis]'
	@touch $@

install: .venv/installed ## the virtual environment, without the tools of development

demo: .venv/installed ## fill the demo shop and serve it (PORT=8123, DATA=<directory>, SERVE=0)
	$(MANAGE) demo --port $(PORT) $(if $(DATA),--data $(DATA)) $(if $(filter 0,$(SERVE)),--no-serve)

chromium: # the browser tests drive Debian's Chromium; without it they are skipped and say so
	@command -v chromium >/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
		|| echo "No Chromium here, so the browser tests will be skipped: apt-get install chromium"

test: .venv/developing chromium ## the whole suite
	$(BIN)/pytest

quick: .venv/developing ## all tests but the slow ones, those in a browser and those on the evaluation data
	HYPOTHESIS_PROFILE=quick OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(JOBS) --dist loadfile -m "not slow and not browser and not data"

check: .venv/developing ## linters, types, import rules, migrations, settings
	test ! -e platform/__init__.py
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check --fail-level WARNING
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null

format: .venv/developing ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and everything that the demo made
	rm -rf .venv var
