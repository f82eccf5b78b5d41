# make book    run the book and render it (PARAMS=params/other.yaml for other parameters)
# make test    run the tests
# make lab     open the notebooks in JupyterLab
# make bench   print the benchmarks
# make bundle  write an archive of book, packages and finished run that installs without a network
# make check   check the code's style, types and imports
# make clean   delete the installed packages; runs are kept
#
# The first of them installs the packages into .venv: some minutes, and up to 8 GB on the disk.

PARAMS ?= params/workshop.yaml
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help book test lab bench bundle check clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

book: .venv/installed
	@$(BIN)/altlib book $(PARAMS)

test: .venv/installed
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

lab: .venv/installed
	@$(BIN)/jupyter lab book

bench: .venv/installed
	@for b in bench/*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

bundle: .venv/installed
	@$(BIN)/altlib bundle

check: .venv/installed
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/nbstripout --verify book/*.ipynb

clean:
	rm -rf .venv build *.egg-info

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("altlib needs Python 3.11 or newer, not " + sys.version.split()[0] + "; try make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@echo "Installing the packages into .venv, once: some minutes, and up to 8 GB on the disk (on Linux torch brings CUDA)."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
