# `make demo` runs the closed loop, `make test` the tests, `make check` the linters.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.brownfield-installed
GL_PACKAGES := libegl1 libgl1 libgl1-mesa-dri libosmesa6

# Where OpenGL is missing, root installs it and others are told the command.
.PHONY: help setup gl demo test check bench teacher clean
.DEFAULT_GOAL := help

help:  ## Say what there is.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 12

setup: gl $(STAMP)  ## Install everything into .venv; quick when it is there already.

demo: setup  ## A robot obeys a prompt, then one is trained from nothing.
	$(BIN)/brownfield demo

test: setup  ## Run the tests.
	$(BIN)/python -m pytest -q -rs

check: setup  ## Lint, check formatting, check types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: setup  ## Measure speed.
	$(BIN)/brownfield bench

teacher: setup  ## Install the balance policy's teacher, without its dependencies.
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[teacher]'
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps \
		'holosoma-inference>=0.1.3'

clean:  ## Remove the environment.
	rm -rf $(VENV)

$(STAMP): pyproject.toml .ci/cpu.txt
	@# Debian keeps venv in a package of its own.
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || test -x $(BIN)/python \
		|| { test "$$(id -u)" = 0 && apt-get update -qq \
			&& apt-get install -y -qq python3-venv; } \
		|| { echo "run: sudo apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
	@# The newest torch may bring gigabytes of CUDA: unless a torch is there already,
	@# take the version of the constraints file, for which a CPU build is common.
	@$(BIN)/python -c 'import importlib.metadata as m; m.version("torch")' 2>/dev/null \
		|| $(BIN)/python -m pip install -q --disable-pip-version-check \
			-c .ci/cpu.txt torch
	$(BIN)/python -m pip install -q --disable-pip-version-check -e . --group dev
	@touch $(STAMP)

gl:
	@if [ "$$(uname -s)" = Linux ] && [ "$$(sh .ci/gl)" = none ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
				apt-get install -y -qq --no-install-recommends $(GL_PACKAGES); \
		else \
			echo "Cameras need OpenGL; run: sudo apt-get install $(GL_PACKAGES)"; \
		fi; \
	fi
