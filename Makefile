# Everything a developer does, by name. `make` alone prints the list.
# Nothing here asks a question; every target sets up what it needs first.

VENV := .venv
PYTHON := $(VENV)/bin/python
DEV_STAMP := $(VENV)/.set-up-dev
BENCH_VENV := .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.set-up
SET_UP := scripts/set-up.sh scripts/find-python.sh scripts/dependency_group.py

# Most tests have processes and servers of their own: more of them at a time would be in each other's way on two
# cores, and those miss their deadlines that are about how soon something happens.
TEST_PROCESSES := 2

.DEFAULT_GOAL := help
.PHONY: help setup format lint check test test-nightly test-servers test-django6 celery-suite demo serve bench servers clean

help:  ## print this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-22s%s\n", $$1, $$2 }'

setup: $(DEV_STAMP)  ## create .venv with everything (again when pyproject.toml has changed)

$(DEV_STAMP): pyproject.toml $(SET_UP)
	bash scripts/set-up.sh $(VENV) 3.11 dev
	@touch $@

# One of the queues that are compared (mayu) needs Python 3.13; without one it is left out.
$(BENCH_STAMP): pyproject.toml $(SET_UP)
	version=3.13; bash scripts/find-python.sh $$version >/dev/null || version=3.11; \
		bash scripts/set-up.sh $(BENCH_VENV) $$version bench
	@touch $@

format: $(DEV_STAMP)  ## put the code into shape
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint: $(DEV_STAMP)  ## style, types, import rules
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports

check: lint  ## the same, and the quick tests
	$(PYTHON) -m pytest -q tests/unit tests/architecture

test: $(DEV_STAMP) test-servers  ## every test, 15 minutes (as root on Debian it installs Redis and RabbitMQ first, if they are not there)
	$(PYTHON) -m pytest -q -n $(TEST_PROCESSES) --dist worksteal

test-nightly: $(DEV_STAMP) test-servers  ## what takes too long for every day: clusters of RabbitMQ that lose a server
	SEDANO_NIGHTLY=1 $(PYTHON) -m pytest -q tests/conformance/test_rabbitmq_cluster.py

# Elsewhere the suites that need a server are skipped, and say how to bring it.
test-servers:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		! { command -v redis-server && command -v rabbitmq-server; } >/dev/null; then \
		bash scripts/install-test-servers.sh redis-server rabbitmq-server; \
	fi

test-django6: $(DEV_STAMP) test-servers  ## the Django tests with Django 6, where a Python >= 3.12 is found
	bash scripts/test-django6.sh

celery-suite: $(DEV_STAMP) test-servers  ## Celery's own integration tests against Sedano, 2 minutes: ARGS="--slow"
	$(PYTHON) -m tests.interop.celery_suite.run $(ARGS)

demo: $(DEV_STAMP)  ## the main job, end to end: a Django site, a worker, a mail server
	$(PYTHON) examples/run_demo.py

serve: $(DEV_STAMP)  ## the same site, kept running until Ctrl-C
	$(PYTHON) examples/run_demo.py --serve

bench: $(BENCH_STAMP) test-servers  ## speed beside other queues, as ratios: ARGS="--broker redis", "--quick", "--help"
	$(BENCH_VENV)/bin/python benchmarks/run.py $(ARGS)

servers:  ## install the servers that tests use (Debian, as root): Redis, RabbitMQ; for later PostgreSQL
	bash scripts/install-test-servers.sh

clean:  ## remove what the other targets made
	rm -rf .venv .venv-bench .venv-django6 .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
