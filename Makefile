# The commands of this project; `make help` lists them. Each installs what it needs and does so again only when setup.py or
# pyproject.toml has changed.

PYTHON ?=
PORT ?= 5000
WORKERS = 2
ALLOW_PATH = .
DATA = .servicex-data
# More of pytest's own options, as in: make test TESTS=tests/e2e PYTEST_OPTIONS=-x
TESTS = tests
PYTEST_OPTIONS =
# Those that are run against the fake and a real API server
KUBERNETES_TESTS = tests/kubernetes tests/launcher/kubernetes tests/deploy
BENCH_FOLDER = /tmp/servicex-bench

BIN = .venv/bin
PACKAGING = $(wildcard setup.py pyproject.toml)
SOURCES = servicex demo bench migrations tests setup.py
# Not what runs in the client's environment: its package has the name of ours.
TYPED = servicex demo --exclude "demo/(analysis|spectrum)"
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_OPTIONS)

.PHONY: help install demo run test test-long test-kubernetes test-docker test-setup lint lock bench \
	bench-production clean

help:  ## Show this list
	@echo "make TARGET, with TARGET one of"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | while IFS='|' read -r name text; do \
		printf '  %-17s %s\n' "$$name" "$$text"; done

install: .venv/.installed  ## Make .venv with the server in it (PYTHON= names the Python, 3.11 to 3.13)

demo: .venv/.installed .venv-client/.installed  ## Run the main job once: server, real client, a picture in demo/out
	@$(BIN)/python -m demo.run $(WORKERS)

run: .venv/.installed  ## Leave the server up (PORT=5000 WORKERS=2 ALLOW_PATH=. DATA=.servicex-data)
	@$(BIN)/servicex-app up --host 127.0.0.1 --port $(PORT) --data "$(DATA)" --workers $(WORKERS) \
		--allow-path "$(ALLOW_PATH)"

test: lint test-setup  ## Set up what the tests need and run them all, but for the long ones
	@$(PYTEST) $(TESTS)

test-long: .venv/.installed-test test-setup  ## Run the long tests: restarts at random moments, large inputs
	@$(PYTEST) -m long $(TESTS)

# One process: each would start a control plane of its own.
test-kubernetes: .venv/.installed-test  ## Build a real Kubernetes API server (once, ten minutes) and test against it
	@$(BIN)/python -m tests.kubernetes.real.build
	@$(BIN)/python -m pytest -m "not long" $(PYTEST_OPTIONS) $(KUBERNETES_TESTS)

test-docker: .venv/.installed-test test-setup  ## Build the image and do the main job with it (starts an engine if none runs)
	@$(BIN)/python -m pytest -v -m docker tests/container

test-setup: .venv/.installed-test  ## Fetch what the tests need: the client, physics files, Debian's xrootd and chromium
	@$(BIN)/python -m tests.setup

lint: .venv/.installed-test  ## Check style (flake8), types (mypy) and layers (import-linter)
	@echo "flake8" && $(BIN)/flake8 $(SOURCES)
	@echo "mypy" && $(BIN)/mypy $(TYPED)
	@echo "lint-imports" && $(BIN)/lint-imports

lock: $(PACKAGING)  ## Write requirements.lock anew, what the image holds: the newest versions that setup.py allows
	@rm -rf .venv-lock && sh tests/setup/venv.sh .venv-lock python3.11
	@python3.11 tests/setup/pip_install.py "the newest of what the server needs" .venv-lock .
	@(echo "# What the image holds beside the server, for Python 3.11; written by \`make lock\`." && \
		.venv-lock/bin/pip freeze --exclude servicex-app) >requirements.lock
	@rm -rf .venv-lock

bench: .venv/.installed-test  ## Measure the embedded server against a bare process pool (about three minutes, 1.5 GB of files)
	@$(BIN)/python bench/figures.py --folder $(BENCH_FOLDER)

bench-production: .venv/.installed-test  ## Measure API, controller, PostgreSQL, RabbitMQ and S3 together with 100,000 files
	@$(BIN)/python -m bench.production

clean:  ## Remove environments, caches and the demo's output (not .servicex-data, nor the cache of fetched test files)
	rm -rf .venv .venv-client demo/out build dist *.egg-info .pytest_cache .mypy_cache .import_linter_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@sh tests/setup/venv.sh .venv "$(PYTHON)"

.venv/.installed: $(PACKAGING) | .venv/bin/python
	@$(BIN)/python tests/setup/pip_install.py "the ServiceX server" .venv -e .
	@touch $@

.venv/.installed-test: $(PACKAGING) | .venv/bin/python
	@$(BIN)/python tests/setup/pip_install.py "the ServiceX server and its test tools" .venv -e ".[test]"
	@touch .venv/.installed $@

.venv-client/bin/python:
	@sh tests/setup/venv.sh .venv-client "$(PYTHON)"

.venv-client/.installed: demo/requirements.txt | .venv-client/bin/python
	@$(BIN)/python tests/setup/pip_install.py "the ServiceX client and plotting" .venv-client -r demo/requirements.txt
	@touch $@
