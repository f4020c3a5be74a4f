# `make demo` runs the shop, `make test` runs the suite. Both set up what they need on a fresh machine.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
PORT ?= 8000
SERVE ?= 1
# Processes that the tests run in, each with a vector store of its own and about 1.5 GB of memory.
JOBS ?= 2
# Another build of torch: TORCH_INDEX=<address of a package index> picks where the pair below comes from.
TORCH ?= torch==2.14.1 torchvision==0.29.1
TORCH_INDEX ?=

# What looks at the environment lives in one of its own, so that it is no part of what it looks at.
AUDITORS := pip-audit==2.10.1 cyclonedx-bom==7.5.0 pip-licenses==5.5.5
AUDIT := var/audit
# Licences under which the whole would have to be given away. The LGPL of a library that is only imported is none.
REFUSED_LICENCES := GNU General Public License v2 (GPLv2);GNU General Public License v3 (GPLv3);GPL-2.0-only;GPL-3.0-only;GPL-3.0-or-later;GNU Affero General Public License v3;AGPL-3.0-only;AGPL-3.0-or-later

.DEFAULT_GOAL := help
.PHONY: help install demo test quick test-production fuzz faults kills reembed-live soak check audit audited format chromium real-parts clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

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
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist worksteal

quick: .venv/developing ## the first case of each test that is neither slow, nor in a browser, nor on the evaluation data
	HYPOTHESIS_PROFILE=quick OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(JOBS) --dist worksteal --one-case -m "not slow and not browser and not data"

real-parts: # PostgreSQL 15 and Redis, whose programs are needed and not their services: each run starts its own
	@{ test -x /usr/lib/postgresql/15/bin/initdb && command -v redis-server >/dev/null; } \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq \
			&& RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql-15 redis-server >/dev/null; } \
		|| echo "PostgreSQL 15 and Redis are not here: apt-get install postgresql-15 redis-server"

test-production: .venv/developing real-parts ## the suite on a PostgreSQL 15 and a Redis that it starts for itself (ARGS=… picks tests)
	@test -x /usr/lib/postgresql/15/bin/initdb && command -v redis-server >/dev/null
	JOBS=$(JOBS) OMP_NUM_THREADS=1 $(BIN)/python tests/real_parts.py $(ARGS)

faults: .venv/developing ## break every part in every way (docs/reliability.md, whose table it writes; as root; ARGS=… picks cells)
	@mkdir -p var && rm -f var/faults.jsonl
	FAULT_RECORDS=$(CURDIR)/var/faults.jsonl OMP_NUM_THREADS=1 $(BIN)/pytest -q tests/faults $(ARGS)
	$(if $(ARGS),,$(BIN)/python -m tests.faults.report var/faults.jsonl docs/reliability.md)

kills: .venv/developing ## kill -9 a hundred times during 20,000 updates (docs/reliability.md, where it writes its figures; ARGS=…)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.reliability.kills --write $(ARGS)

reembed-live: .venv/developing ## a new model while shoppers search and products change (the same; ARGS=…)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.reliability.reembed --write $(ARGS)

soak: .venv/developing ## mixed load and imports for MINUTES=30: memory, descriptors, latency (the same; ARGS=…)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.reliability.soak --write --minutes $(or $(MINUTES),30) $(ARGS)

fuzz: .venv/developing ## FUZZ_EXAMPLES=60 requests of each kind to every operation of the API (var/fuzz.json), and new examples of each property
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),60) OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 0 tests/hostile/test_schema.py
	HYPOTHESIS_PROFILE="new examples" OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(JOBS) --dist worksteal -m hypothesis

check: .venv/developing ## linters, types, import rules, migrations, settings
	test ! -e platform/__init__.py
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check --fail-level WARNING
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null

.audit/installed: Makefile | .venv/bin/python
	test -e .audit/bin/python || $(PYTHON) -m venv .audit
	.audit/bin/pip install --quiet --disable-pip-version-check $(AUDITORS)
	@touch $@

audit: .venv/installed ## known vulnerabilities, licences, a bill of materials (var/audit)
	@if $(MAKE) --no-print-directory .audit/installed; then $(MAKE) --no-print-directory audited; \
		else echo "The tools of the audit cannot be fetched, so nothing was looked at."; fi

audited:
	@mkdir -p $(AUDIT) && rm -f $(AUDIT)/vulnerabilities.json
	.audit/bin/cyclonedx-py environment $(BIN)/python --output-reproducible --output-file $(AUDIT)/sbom.cdx.json
	.audit/bin/pip-licenses --python $(BIN)/python --from all --format json --output-file $(AUDIT)/licences.json
	.audit/bin/pip-licenses --python $(BIN)/python --fail-on "$(REFUSED_LICENCES)" >/dev/null
	@# It ends with 1 for a vulnerability as for no answer, and with 0 where it skipped everything: audit.py tells them apart.
	-@timeout 60 .audit/bin/pip-audit --path $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
		--skip-editable --progress-spinner off --format json --output $(AUDIT)/vulnerabilities.json >/dev/null 2>&1 || true
	@$(BIN)/python deploy/audit.py $(AUDIT)

format: .venv/developing ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and everything that the demo made
	rm -rf .venv var
