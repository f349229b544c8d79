# The two commands are `make up` and `make test`; `make help` lists the rest.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# The cores are for worker processes; a numerical library's own threads would fight them.
export OPENBLAS_NUM_THREADS := 1
# A worker more than cores: many tests wait for the processes that they start.
TEST_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# The built documentation site is part of the package.
SITE := api/site/index.html

.PHONY: help up install docs test test-unit check format bench-accuracy bench-nowcast bench-detail bench-transfer bench-partners bench-events bench-replay bench-world bench-intervals bench-odd bench-scenarios screenshots bench-calendars bench-desk bench-speed bench-scale chaos fuzz sbom notices simulate-year pre-commit pins clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

up: install ## start everything; Ctrl-C stops it. make up ARGS="--port 9000"
	@$(BIN)/tradewind up $(ARGS)

install: $(VENV)/.installed $(SITE) ## make .venv with the pinned dependencies, and build the documentation

docs: $(SITE) ## build the documentation site, which the API serves under /docs/

test: $(VENV)/.installed-dev ## all tests, against a real PostgreSQL server
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal $(ARGS)

test-unit: $(VENV)/.installed-dev ## the tests without a database
	$(BIN)/python -m pytest -n auto --dist worksteal tests/unit tests/architecture $(ARGS)

check: $(VENV)/.installed-dev ## formatting, lint, types, import contracts, models against migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m migrations.check

format: $(VENV)/.installed-dev ## format and apply the fixes of ruff
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-accuracy: $(VENV)/.installed-dev ## errors of the combination beside other libraries
	$(BIN)/python -m benchmarks.accuracy --output benchmarks/results/accuracy.md $(ARGS)

bench-nowcast: $(VENV)/.installed-dev ## nowcasts with indicators beside forecasts without, and the poll
	$(BIN)/python -m benchmarks.nowcast --output benchmarks/results/nowcast.md $(ARGS)

bench-detail: $(VENV)/.installed-dev ## China's trade by partner given the published total of the month
	$(BIN)/python -m benchmarks.detail --output benchmarks/results/detail.md $(ARGS)

bench-transfer: $(VENV)/.installed-dev ## constants of the combination scored on panels left out; ARGS="--keep FOLDER"
	$(BIN)/python -m benchmarks.transfer --output benchmarks/results/transfer.md $(ARGS)

bench-partners: $(VENV)/.installed-dev ## the partner panel with and without borrowed history, beside other libraries
	$(BIN)/python -m benchmarks.partners --output benchmarks/results/partners.md $(ARGS)

bench-events: $(VENV)/.installed-dev ## forecasts with and without events as regressors
	$(BIN)/python -m benchmarks.events --output benchmarks/results/events.md $(ARGS)

bench-replay: $(VENV)/.installed-dev ## the tariff of April 2025 as a scenario, beside the outcomes
	$(BIN)/python -m benchmarks.tariff_replay --output benchmarks/results/tariff-replay.md $(ARGS)

bench-world: $(VENV)/.installed-dev ## coverage of annual world exports and shares, one to six years ahead
	$(BIN)/python -m benchmarks.world --output benchmarks/results/world-exports.md $(ARGS)

bench-intervals: $(VENV)/.installed-dev ## coverage and width of the intervals beside other libraries
	$(BIN)/python -m benchmarks.intervals --output benchmarks/results/intervals.md $(ARGS)

bench-odd: $(VENV)/.installed-dev ## odd series beside AutoETS; ARGS="--series 12"
	$(BIN)/python -m benchmarks.odd --output benchmarks/results/odd.md $(ARGS)

bench-scenarios: $(VENV)/.installed-dev ## seconds that scenarios take over 136 series
	$(BIN)/python -m benchmarks.scenarios --output benchmarks/results/scenarios.md $(ARGS)

screenshots: $(VENV)/.installed-dev ## pictures of pages for the documentation, from the running service
	$(BIN)/python -m benchmarks.screenshots docs/screenshots $(ARGS)

bench-calendars: $(VENV)/.installed-dev ## errors with the moving holidays of each country and without
	$(BIN)/python -m benchmarks.calendars --output benchmarks/results/calendars.md $(ARGS)

bench-desk: $(VENV)/.installed-dev ## duration and size of pages of the running service
	$(BIN)/python -m benchmarks.desk $(ARGS)

bench-speed: $(VENV)/.installed-dev ## runs, storage and serving beside other libraries; ARGS="--quick"
	$(BIN)/python -m benchmarks.speed --output benchmarks/results/speed.md $(ARGS)

bench-scale: $(VENV)/.installed-dev ## processor time, memory and stored bytes of large runs; ARGS="--sizes 100 400"
	$(BIN)/python -m benchmarks.scale_report --output benchmarks/results/scale.md $(ARGS)

chaos: $(VENV)/.installed-dev ## faults and kills at random moments while the service works; ARGS="--kills 10"
	$(BIN)/python -m benchmarks.chaos --output benchmarks/results/chaos.md $(ARGS)

fuzz: $(VENV)/.installed-dev ## schemathesis on the served API, with and without a key; ARGS="--examples 20"
	$(BIN)/python -m tests.support.fuzzing $(ARGS)

sbom: ## the packages of the image as CycloneDX: dist/sbom.json
	rm -rf .venv-sbom && $(PYTHON) -m venv .venv-sbom && mkdir -p dist
	.venv-sbom/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt '.[cluster]'
	$(PYTHON) -m venv .venv-sbom/tool
	.venv-sbom/tool/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt cyclonedx-bom
	.venv-sbom/tool/bin/cyclonedx-py environment .venv-sbom/bin/python --pyproject pyproject.toml --output-reproducible --output-file dist/sbom.json
	rm -rf .venv-sbom

notices: $(VENV)/.installed-dev ## renew THIRD_PARTY_NOTICES.md
	$(BIN)/python -m deploy.notices

simulate-year: install ## replay 2025, release by release; ARGS="--dataset CN_CLEANTECH"
	@TRADEWIND_LOG_LEVEL=WARNING $(BIN)/tradewind simulate-year $(ARGS)

pre-commit: $(VENV)/.installed-dev ## install hooks that run ruff and mypy before each commit
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pre-commit
	$(BIN)/pre-commit install

pins: ## renew constraints.txt: the newest versions that work together
	rm -rf .venv-pins && $(PYTHON) -m venv .venv-pins
	.venv-pins/bin/python -m pip install --quiet --disable-pip-version-check '.[cluster,dev,docs,fuzz,sbom]' pre-commit
	{ head -1 constraints.txt; .venv-pins/bin/python -m pip freeze --exclude tradewind | sort --ignore-case; } > .venv-pins/constraints.txt
	mv .venv-pins/constraints.txt constraints.txt && rm -rf .venv-pins

clean: ## remove .venv, the built site and caches; data/ stays
	rm -rf $(VENV) api/site .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info

$(SITE): $(VENV)/.installed mkdocs.yml $(shell find docs -type f)
	@$(BIN)/zensical build --strict --clean
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tradewind needs Python 3.11 or later"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python lacks its venv module (Debian: apt-get install python3-venv)"; exit 1; }

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing the pinned dependencies into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,fuzz]'
	@touch $@
