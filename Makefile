# Everything sets itself up: python3 and make are enough.
VENV ?= .venv
PY := $(VENV)/bin/python
export ILL_ISO18626 ?= $(wildcard ../shared/iso18626)
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: run test check lint bench soak clean

run: $(VENV)/.ready
	$(PY) -m workers.main demo $(if $(ONCE),--once)

test: $(VENV)/.ready-dev lint
	$(PY) -m pytest -q -n 3

check: $(VENV)/.ready-dev lint
	$(PY) -m pytest -q -n 2 -m "not live and not postgresql and not long and not browser"

lint: $(VENV)/.ready-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/deptry .

bench: $(VENV)/.ready-dev
	$(PY) -m benchmarks

# Both halves of requests under whatever may happen, in one installation and between two: RUNS, STEPS, SEED, and the MINUTES after which nothing is begun.
soak: $(VENV)/.ready-dev
	$(if $(ILL_ISO18626),$(PY) -m tests.iso18626.hostile --seed $(or $(SEED),0))
	$(PY) -m tests.stateful.soak --runs $(or $(RUNS),2000) --steps $(or $(STEPS),10) --seed $(or $(SEED),0) --minutes $(or $(MINUTES),60)
	ILL_EVERY_CELL=1 $(PY) -m pytest -q tests/messages/test_matrix.py

clean:
	rm -rf $(VENV) var demo-report.json soak-report.json

$(VENV)/bin/python:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: $$(python3 --version) was found."; exit 1; }
	@python3 -m venv $(VENV) || { rm -rf $(VENV); echo "python3 could not make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.ready: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
