# `make run` starts everything, `make test` runs what CI runs. Nothing else is needed on a Debian with Python 3.11 and make.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUN_ARGS ?=
PYTEST_ARGS ?=
CI_PACKAGES := chromium nginx-light pgbouncer wrk

.DEFAULT_GOAL := help
.PHONY: help install install-dev run test test-scale check format bench bench-rest bench-signals bench-streams quality drill ci-deps reference clean

help: ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.product: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python 3.11 with venv is needed (Debian: apt-get install python3.11-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.development: requirements.txt requirements-dev.txt $(VENV)/.product
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/.ml: requirements.txt requirements-ml.txt $(VENV)/.product
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-ml.txt
	@touch $@

# Without its models the product runs, so a download that fails says so and ends nothing.
install: $(VENV)/.product $(if $(ML),$(VENV)/.ml) ## Make .venv, install the product, build its models. ML=1: sentence-transformers, too.
	@$(BIN)/python manage.py build_models || true

install-dev: $(VENV)/.development $(if $(ML),$(VENV)/.ml) ## Install what tests and checks need, too.
	@$(BIN)/python manage.py build_models --keep-weights || true

run: install ## Start everything: databases, simulator, gateway, console.
	@exec $(BIN)/python manage.py up $(RUN_ARGS)

check: install-dev ## Format, lint, layers, types, Django's checks, migrations.
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-cache --verbose > /dev/null || $(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/python -W error manage.py check --fail-level WARNING
	$(BIN)/python -W ignore manage.py makemigrations --check --dry-run 2> /dev/null
	SECRET_KEY=$$(printf 'checked-%.0s' 1 2 3 4 5 6 7 8) GATEWAY_KEY_PEPPER=checked GATEWAY_HTTPS_ONLY=true ALLOWED_HOSTS=gateway.example \
	  GATEWAY_ENCRYPTION_KEYS=k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
	  $(BIN)/python manage.py check --deploy --fail-level WARNING

test: check ## What CI runs.
	$(BIN)/python -m pytest -n 4 --dist worksteal -m "not drill and not scale" $(PYTEST_ARGS)

test-scale: install-dev ## Lists over a million rows, or over SCALE=10 million signals. Prints its figures.
	$(BIN)/python -m pytest -m scale -s tests/scale $(PYTEST_ARGS)

drill: install-dev ## Slow fault drills: processes killed, stores stopped. Prints its figures.
	$(BIN)/python -m pytest -m drill -s $(PYTEST_ARGS)

bench: install-dev ## One worker on one core, beside nginx in the same run.
	$(BIN)/python bench/run.py $(BENCH_ARGS)

bench-rest: install-dev ## The REST API with 100,000 items: kept answers, queries, writes, both together.
	$(BIN)/python bench/rest.py $(BENCH_ARGS)

bench-signals: install-dev ## Signals over REST with a million of them: pages, sums by the hour, bulk ingest.
	$(BIN)/python bench/signals.py $(BENCH_ARGS)

bench-streams: install-dev ## A thousand streams over WebSockets and over SSE; the memory of an idle socket.
	$(BIN)/python bench/sockets.py $(BENCH_ARGS)

quality: install-dev ## The goals of the guardrails, as they are reached: what is found, what is let alone, how fast.
	$(BIN)/python bench/quality.py $(QUALITY_ARGS)

format: install-dev ## Let ruff format and fix.
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

reference: install-dev ## Write docs/reference again.
	$(BIN)/python manage.py reference

ci-deps: ## Debian packages that some tests need (as root, or with sudo).
	@sudo=; test "$$(id -u)" = 0 || sudo=sudo; $$sudo apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $(CI_PACKAGES) > /dev/null

clean: ## Remove the virtual environment and caches; the data folder stays.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
