# make run     start the demo daemon in the foreground (Ctrl-C stops it)
# make test    everything that has to pass: ruff, mypy, the documentation, the tests
# make bench   measure against peers
# make docs    build the documentation into docs/_build/html, the manual pages into docs/_build/man
# make clean   remove all that these commands made, the demo's data included

PYTHON ?= python3
BIN := .venv/bin
DEMO := --config runwisp/demo/runwisp.toml --data data

SPHINX := $(BIN)/sphinx-build -q -W --keep-going -d docs/_build/doctrees
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DECLARED := setup.cfg setup.py pyproject.toml
AXE := .tools/node_modules/axe-core/axe.min.js

# $(call step,NAME,COMMAND): runs a command under a heading and names it when it fails.
step = @printf '\n== %s\n' '$(1)'; $(2) || { printf '\n%s: %s failed\n' '$@' '$(1)' >&2; exit 1; }

.PHONY: run test bench docs clean system-packages

run: .venv/installed
	@cat contrib/demo/hints.txt
	@exec $(BIN)/runwisp daemon $(DEMO)

test: system-packages .venv/installed-dev $(AXE)
	$(call step,ruff check,$(BIN)/ruff check)
	$(call step,ruff format,$(BIN)/ruff format --check)
	$(call step,mypy,$(BIN)/mypy)
	$(call step,documentation,$(SPHINX) -b html docs docs/_build/html)
	$(call step,manual pages,$(SPHINX) -b man docs docs/_build/man)
	$(call step,pytest,$(BIN)/pytest)

bench: .venv/installed-dev
	@$(BIN)/python -m benchmarks

docs: .venv/installed-dev
	$(SPHINX) -b html docs docs/_build/html
	$(SPHINX) -b man docs docs/_build/man
	@echo docs/_build/html/index.html docs/_build/man/*

clean:
	rm -rf .venv .tools build dist data docs/_build *.egg-info twisted/plugins/dropin.cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis _trial_temp
	find . -name __pycache__ -prune -exec rm -rf {} +

# What the tests call besides Python.
system-packages:
	@.ci/need chromium 'chromium --version' faketime 'faketime --version' fish 'command -v fish' procps 'test -x /bin/kill' systemd 'command -v systemd-analyze' zsh 'command -v zsh'

# Examines the pages of the dashboard for the tests.
$(AXE):
	@.ci/need npm 'npm --version'
	npm install --prefix .tools --no-save --no-audit --no-fund --loglevel=error axe-core@4

# The interpreter is there, recent enough, and able to make a virtual environment.
.venv/bin/python:
	@$(PYTHON) -c '' || { echo 'no $(PYTHON) here: make PYTHON=/path/to/python3.11 (or newer)' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V): make PYTHON=python3.12" >&2; exit 1; }
	@.ci/need python3-venv '$(PYTHON) -c "import ensurepip"'
	$(PYTHON) -m venv --clear .venv

.venv/installed: $(DECLARED) | .venv/bin/python
	$(PIP_INSTALL) --editable .
	@touch $@

.venv/installed-dev: $(DECLARED) | .venv/bin/python
	$(PIP_INSTALL) --editable '.[test,dev]'
	@touch $@ .venv/installed
