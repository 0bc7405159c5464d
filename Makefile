# The commands of a developer. `make run` and `make test` are all that a newcomer needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
STAMP := .venv/installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Some images have Python keep no compiled modules: each process of each shop, and both lanes of the tests, would compile
# all of the project anew.
unexport PYTHONDONTWRITEBYTECODE
# Two processes of tests; of all tests one starts shops, the other does everything else (see tests/conftest.py). Looked
# for when it is used: an environment that was set up before it was among the packages has one.
LANES = $(shell $(BIN)/python -c 'import xdist' 2>/dev/null && \
	echo -p xdist.plugin -p xdist.looponfail --numprocesses 2 --dist loadscope --no-loadscope-reorder)

.PHONY: help setup run test lint types unit simulate mutants bench load relevance contract wheel lock diagrams clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv and install the locked packages (again only when they changed)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing into .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --progress-bar off --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## Start the shop with a demo catalogue on http://127.0.0.1:8000 (ARGS="--port 9000")
	@exec $(BIN)/doorbuster up $(ARGS)

# Types take half a minute where nothing is known of them yet: it passes beside the first tests, which have the right of
# way. What they say comes last.
test: setup lint ## Lint, types, and all tests (ARGS="-k cart" for some, "-n 0" in one process)
	@mkdir -p .mypy_cache; nice -n 5 $(BIN)/mypy > .mypy_cache/told 2>&1 & types=$$!; \
		$(BIN)/python -m pytest $(LANES) $(ARGS); result=$$?; \
		wait $$types || result=1; cat .mypy_cache/told; exit $$result

unit: setup ## The unit tests only: seconds
	@$(BIN)/python -m pytest $(LANES) tests/unit $(ARGS)

simulate: setup ## Histories under faults: RUNS=300 of them (FIRST=0), or SEED=7 alone with its timeline
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--runs $(or $(RUNS),300) --first $(or $(FIRST),0) $(if $(MINUTES),--minutes $(MINUTES)))

mutants: setup ## Switch off one guard at a time: the simulator must notice (SEEDS=400 for each)
	@$(BIN)/python -m tests.simulation.mutants $(if $(SEEDS),--seeds $(SEEDS))

lint: setup ## Style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## Static types
	@$(BIN)/mypy

bench: setup ## Measure the shop beside its alternatives, into var/bench (needs wrk)
	@$(BIN)/doorbuster bench $(ARGS)

load: setup ## A minute of buyers against the shop, then an audit
	@$(BIN)/python -m loadtest.load $(ARGS)

relevance: setup ## Measure the search's ranking by judgements (CATALOGUE= and JUDGEMENTS= files)
	@$(BIN)/python -m serve.search.evaluation --catalogue $(CATALOGUE) --judgements $(JUDGEMENTS) $(ARGS)

diagrams: setup ## Draw the state diagrams of docs/orders.md anew from the code
	@$(BIN)/python -c 'import pathlib; from engine.order.aftersale.diagram import with_diagrams; page = pathlib.Path("docs/orders.md"); page.write_text(with_diagrams(page.read_text()))'

contract: setup ## Write the schemas of public events anew from the code, into docs/events
	@$(BIN)/python -m serve.feed.contract.documents docs/events

wheel: setup ## Build the program as a wheel, into dist/
	@rm -rf dist
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --out-dir dist .

lock: setup ## Write requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-annotate \
		--no-emit-index-url --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean: ## Remove .venv and caches; data in var/ stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
