# make demo      compile and run the main example; installs the core into .venv, needs no compiler and no torch
# make test      install the test extras, run what CI runs
# make check     format, lint, types, lit and fast tests: under a minute, before every commit
# make test-all  the slow tests too
# make fuzz      ten minutes of inputs for the front end of the language, guided by coverage; MINUTES=60 for more
# make docs      write docs/ops.md, layers.md, errors.md and others from the tables of the code

PYTHON ?= python3
MINUTES ?= 10
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
PYTEST := $(BIN)/python -m pytest
FOLDERS := grammar dialects passes compiler runtime
export PYTHONDONTWRITEBYTECODE :=# what is compiled is kept, whatever the shell says: it saves seconds of each run

.PHONY: demo test test-all fuzz check docs lint types clean

demo: .venv/core.stamp
	$(BIN)/python examples/demo.py

test: .venv/test.stamp
	$(PYTEST) -m "not slow" -q -n auto

test-all: .venv/test.stamp
	$(PYTEST) -q -n auto

fuzz: .venv/fuzz.stamp
	cd tests && ../$(BIN)/python -m fuzz --minutes $(MINUTES) --found ../build/fuzz

check: lint types
	$(PYTEST) -m "not slow and not thorough" --cases 1 -q --numprocesses auto tests/lit tests/unit

# Pages that are written from tables of the code; tests fail where one is out of date.
docs: .venv/test.stamp
	$(BIN)/python -m neuralc.tables_docs
	$(BIN)/python -m neuralc.layers_docs
	$(BIN)/python -m neuralc.expressions_docs
	$(BIN)/python -m neuralc.textmate
	$(BIN)/python -m neuralc.training_docs
	$(BIN)/python examples/models/table.py
	$(BIN)/python -m neuralc.grammar_docs
	$(BIN)/python -m neuralc.errors_docs
	$(BIN)/python -m neuralc.forms_docs

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The import names are not the folder names, so mypy reads a tree of links in which they are.
types: .venv/dev.stamp
	rm -rf build/mypy && mkdir -p build/mypy/neuralc
	ln -s $(addprefix $(CURDIR)/,$(wildcard compiler/*.py compiler/py.typed compiler/bench compiler/cache compiler/emit compiler/frontends compiler/inspection compiler/tables compiler/verify)) build/mypy/neuralc
	ln -s $(addprefix $(CURDIR)/,$(filter-out compiler,$(FOLDERS))) build/mypy/neuralc
	cd build/mypy && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p neuralc

.venv/core.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	$(BIN)/python -m compileall -q $(FOLDERS)
	touch $@

.venv/test.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable ".[test]"
	$(BIN)/python -m compileall -q $(FOLDERS)
	touch $@

.venv/fuzz.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable ".[fuzz]"
	touch $@

.venv/dev.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable ".[dev]"
	touch $@

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
