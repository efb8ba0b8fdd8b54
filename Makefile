# Everything a clone needs, from set-up to CI. `make` alone lists the targets. The set-up itself stands in tools/, one
# script a step; each step is skipped in milliseconds where it is done already.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:

VENV ?= .venv
BIN := $(VENV)/bin
INI ?= examples/pyramid_app/development.ini
# Tests mostly wait for processes: more workers than processors pay, and the files of tests share nothing.
# In their own order the short unit tests come last, so that no long file is left for one worker alone at the end.
TEST_WORKERS ?= 3
export VENV PYTHON

SOURCES := circus_stack chaussette benchmarks tests examples tools

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@printf '\n  ARGS="..."  is handed on to serve, test and example-test;  PYTHON=...  chooses the interpreter of %s\n' $(VENV)

.PHONY: serve
serve: ## Set up what is missing and run the example stack (INI=... for another; ARGS="--backend waitress")
	@tools/system-packages serve
	@tools/venv serve
	@$(BIN)/python tools/frontend.py optional $(VENV)/node
	@tools/meinheld optional
	@exec $(BIN)/circus-stack serve $(INI) $(ARGS)

.PHONY: test
test: tested ## Set up what is missing and run all tests (ARGS="-k reload tests/unit": those alone)
	@status=0; \
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest $(or $(strip $(ARGS)),-n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder) || status=$$?; \
	$(if $(strip $(ARGS)),,(cd examples/pyramid_app && PYTHONDONTWRITEBYTECODE= $(abspath $(BIN))/python -m pytest) || status=$$?;) \
	exit $$status

.PHONY: example-test
example-test: tested ## Run the tests of the example alone
	@cd examples/pyramid_app && exec $(abspath $(BIN))/python -m pytest $(ARGS)

.PHONY: lint
lint: install ## Format, lint, types and import contracts: every one is run, whatever the others say
	@status=0; \
	$(BIN)/ruff format --check $(SOURCES) || status=1; \
	$(BIN)/ruff check $(SOURCES) || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/lint-imports --no-logo || status=1; \
	exit $$status

.PHONY: check
check: ## lint and test, as CI runs them
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	$(MAKE) --no-print-directory test || status=1; \
	exit $$status

.PHONY: format
format: install ## Format the sources, and mend what ruff can mend
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

.PHONY: bench
bench: ## Measure servers side by side and write results/bench.html, in a quarter of an hour (ARGS="--quick")
	@tools/system-packages bench
	@tools/venv dev
	@tools/meinheld optional
	@status=0; \
	$(BIN)/circus-stack bench all -o results/bench.json $(ARGS) || status=$$?; \
	[[ ! -f results/bench.json ]] || $(BIN)/circus-stack bench report results/bench.json -o results/bench.html --force || status=1; \
	exit $$status

.PHONY: install
install: ## Make .venv with circus-stack, its tools and the example
	@tools/system-packages install
	@tools/venv dev
	@$(BIN)/python tools/frontend.py optional $(VENV)/node

.PHONY: meinheld
meinheld: install ## Build the meinheld backend into .venv (Python 3.11 and 3.12)
	@tools/meinheld required

.PHONY: clean
clean: ## Remove .venv, caches and builds; never data or configuration
	@rm -rf $(VENV) build dist circus_stack/web/static circus_stack/web/frontend/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find $(SOURCES) tools -name __pycache__ -type d -prune -exec rm -rf {} +
	@find . -maxdepth 1 -name '*.egg-info' -exec rm -rf {} +

# What the suites need and `make help` need not show.
.PHONY: tested
tested:
	@tools/system-packages test
	@tools/venv dev
	@$(BIN)/python tools/frontend.py optional $(VENV)/node
	@tools/meinheld optional
	@tools/peers
