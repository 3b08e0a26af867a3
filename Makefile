# Everything a contributor runs. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
BIN := $(if $(VIRTUAL_ENV),$(VIRTUAL_ENV)/bin,$(VENV)/bin)

.PHONY: help venv build debug test bench lint format clean train

help:            ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip

build:           ## compile the kernels in place (needs an environment with cython and setuptools)
	$(BIN)/python setup.py -q build_ext --inplace
