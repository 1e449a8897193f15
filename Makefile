PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
SUBJECT ?= taxonomy
WORKERS ?= 2

.PHONY: demo test lint bench docs

demo: $(VENV)/.installed
	$(BIN)/xbsql demo

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.bench
	$(BIN)/python -m bench.run $(SUBJECT)

docs: $(VENV)/.docs
	$(BIN)/python -m xbsql.surface.faces
	$(BIN)/python -m xbsql.tasks.options_page docs/options.md
	$(BIN)/python -m bench.figures
	$(BIN)/python -m zensical build --clean --strict

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

$(VENV)/.bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,bench]'
	touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,docs]'
	touch $@
