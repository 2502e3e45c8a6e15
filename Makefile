# Everything a person or CI runs. Only Python 3.11 or newer and make are taken for granted.
PY     := .venv/bin/python
STAMP  := .venv/.set-up
PIP    := $(PY) -m pip --disable-pip-version-check --no-input
# The packages that `make wheel` ships; `tests` and `benchmarks` stay at home.
OURS   := connectors deployments flows remotesupport tasks
ARGS   ?=
# `make test PYTEST="tests/unit -k settings"` narrows it down.
PYTEST ?=
# Four files at a time: many tests wait for processes. What is drawn from a set is drawn in one order, in every run.
TESTS  := PYTHONHASHSEED=0 $(PY) -m pytest -n 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all unit check format chaos crash-matrix soak fuzz mutants try-versions bench wheel lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP)  ## a .venv beside this file, with .venv/bin/remotesupport in it

# Done again when the lock or the project's own metadata changes, and when an earlier try was broken off.
$(STAMP): requirements/dev.txt requirements/bootstrap.txt pyproject.toml requirements/venv.sh requirements/install.sh
	@sh requirements/venv.sh .venv
	@sh requirements/install.sh .venv
	$(PIP) install -qq --no-deps --no-build-isolation --no-index --editable .
	@touch $@

demo: $(STAMP)  ## the main job on this machine, with addresses to open; ARGS="--cycles 2" ends by itself
	$(PY) -m remotesupport.demo $(ARGS)

test: $(STAMP)  ## all that shows that it works, in about five minutes on two cores
	$(TESTS) -m "not thorough" $(PYTEST) $(ARGS)

test-all: $(STAMP)  ## every test: the long histories, chaos, a browser, the newest libraries too; ARGS="-m thorough" only those
	$(TESTS) $(PYTEST) $(ARGS)

unit: $(STAMP)  ## the tests that need no server, in seconds
	$(PY) -m pytest tests/unit $(ARGS)

check: $(STAMP)  ## lint, format, types, imports, dependencies
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy $(OURS)
	.venv/bin/lint-imports --no-cache
	$(PY) -m deptry .

format: $(STAMP)  ## put the code into the house's form
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

crash-matrix: $(STAMP)  ## SIGKILL at every point of every kind of write, on SQLite and PostgreSQL; prints the table
	$(PY) -m tests.crash_matrix $(ARGS)

chaos: $(STAMP)  ## half an hour of faults and SIGKILLs over real processes; ARGS="--minutes 2 --seed 7"
	$(PY) -m tests.chaos $(ARGS)

EXAMPLES ?= 1000
soak: $(STAMP)  ## generated histories with faults, crashes and restores; EXAMPLES=100000 ARGS="--seed 7"
	$(PY) -m tests.simulation.soak --examples $(EXAMPLES) $(ARGS)

ANSWERS ?= 0
fuzz: $(STAMP)  ## foreign bytes before every parser; over HTTP against a running cycle: ANSWERS=10000 ARGS="--seed 7"
	$(PY) -m tests.fuzz --examples $(EXAMPLES) --answers $(ANSWERS) $(ARGS)

mutants: $(STAMP)  ## take each protection out of a copy: at least one test must turn red
	$(PY) -m tests.mutants $(ARGS)

bench: $(STAMP)  ## the figures; ARGS goes to the benchmark
	$(PY) -m benchmarks $(ARGS)

wheel: $(STAMP)  ## dist/remotesupport-*.whl
	rm -rf build dist
	$(PY) -m build --wheel --no-isolation --outdir dist .

try-versions: $(STAMP)  ## the wheel with the newest libraries, until two scheduled runs are done; ARGS=--lowest
	$(PY) -m tests.versions $(ARGS)

lock: $(STAMP)  ## make requirements/*.txt again from requirements/*.in; then try the lowest versions
	sh requirements/lock.sh .venv/bin/uv
	$(MAKE) try-versions ARGS=--lowest

clean:  ## remove what was built, and the .venv
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
