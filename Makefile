# `make demo` and `make test` do all the set-up themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FOLDERS := corpus evaluation exporters hooks indexer migrations serving store
# A worker for each core; one that has nothing left to do takes tests from another.
PARALLEL := -n auto --dist worksteal
# Tests start hundreds of processes; each would compile all of rsidx.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-quick test-lowest lint types docs dist conformance conformance-quick clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("rsidx needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,corpus]'
	touch $@

demo: $(READY)  ## The main job on the sample history, or on REPO=path.
	$(BIN)/python examples/demo.py $(if $(REPO),--repo '$(REPO)')

test: $(READY)  ## Every test that needs no network and no long run.
	$(BIN)/python -m pytest $(PARALLEL)

test-quick: $(READY)  ## The tests that are not marked as slow.
	$(BIN)/python -m pytest $(PARALLEL) -m 'not slow'

test-lowest:  ## The tests on the oldest dependencies that are allowed.
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-lowest.txt -e '.[dev]'
	.venv-lowest/bin/python -m pytest $(PARALLEL)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

# The folders stand at the root; mypy wants them at their import paths, where links will do, and
# import-linter wants files.
types: $(READY)
	rm -rf build/typing build/imports
	mkdir -p build/typing/rsidx build/imports/rsidx
	for entry in $(CURDIR)/rsidx/* $(FOLDERS:%=$(CURDIR)/%); do ln -s "$$entry" build/typing/rsidx/; done
	cp -R rsidx/* $(FOLDERS) build/imports/rsidx/
	$(BIN)/mypy
	$(BIN)/mypy benchmarks
	cd build/imports && $(CURDIR)/$(BIN)/lint-imports --config $(CURDIR)/pyproject.toml --no-cache

docs: $(READY)  ## The site of docs/, in build/site, with what is generated of its pages.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs]'
	$(BIN)/python docs/generate.py
	$(BIN)/sphinx-build -W --keep-going --quiet -E -d build/doctrees docs build/site
	RSIDX_TEST_SITE=$(CURDIR)/build/site $(BIN)/python -m pytest -q tests/test_site.py

dist: $(READY)  ## The source distribution and, built from it, the wheel.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,release]'
	rm -rf dist
	$(BIN)/python -m build --quiet --outdir dist .
	$(BIN)/twine check --strict dist/*

conformance-quick: $(READY)  ## The output in the libraries that read it.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,conformance]'
	$(BIN)/python -m pytest -m conformance

conformance: $(READY)  ## The same, and models that train on it (installs torch).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,conformance,training]'
	$(BIN)/python -m pytest -m conformance

clean:
	rm -rf $(VENV) .venv-lowest build dist demo *.egg-info
