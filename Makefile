# The habits, one word each. Everything runs in .venv, which `setup` makes from requirements.lock.
# Another shell than the default: older makes would otherwise look commands up in their own PATH.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
UV_VERSION := 0.13.8
READY := $(VENV)/.ready
PEERS := .venv-peers
P ?= default
SOURCE ?=
PICK ?=

export PATH := $(BIN):$(PATH)
# What is started here reports to nobody.
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1
export GX_ANALYTICS_ENABLED := False
export NO_ALBUMENTATIONS_UPDATE := 1
export MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR := false

.PHONY: help setup peers repro preset inspect report test test-slow lint bench ui lock
.DEFAULT_GOAL := help

help: ## show these lines
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

setup: $(READY) ## make .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@echo "setting up $(VENV) from requirements.lock"
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "maskmill needs Python 3.11 or newer: make setup PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@uv pip sync --quiet --system-certs --python $(BIN)/python --require-hashes requirements.lock
	@uv pip install --quiet --system-certs --python $(BIN)/python --no-deps --editable .
	@touch $@

peers: $(PEERS)/.ready ## make .venv-peers: PyTorch and JAX, to be compared with

$(PEERS)/.ready: benchmarks/peers.txt $(READY)
	@echo "setting up $(PEERS) from benchmarks/peers.txt"
	@test -x $(PEERS)/bin/python || $(BIN)/python -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint benchmarks/peers.txt torch
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement benchmarks/peers.txt
	@touch $@

repro: setup ## run the whole pipeline: data to registered model
	@test -f params.yaml || maskmill preset default
	@test -e data || dvc pull --quiet data.dvc
	dvc repro
	@maskmill summary

preset: setup ## write params.yaml: make preset P=name SOURCE=folder-or-archive; P=auto looks at SOURCE, P=cpu/name is for two cores
	@maskmill preset $(P) $(if $(SOURCE),--source "$(SOURCE)") $(foreach name,$(PICK),--pick "$(name)")

inspect: setup ## say what pictures and masks there are: make inspect SOURCE=folder-or-archive
	@maskmill inspect "$(SOURCE)" $(foreach name,$(PICK),--pick "$(name)")

report: setup ## build/report.html: one page of the newest run of each preset
	@maskmill report

test: setup ## the fast tests
	python -m pytest -n 2 --dist loadfile

test-slow: setup peers ## the tests that run the real thing for minutes
	python -m pytest -m slow -n 2 --dist loadfile

lint: setup ## style, types, import directions
	ruff check .
	ruff format --check .
	mypy
	lint-imports

bench: setup peers ## every benchmark, one JSON line each
	@for benchmark in benchmarks/*.py; do python $$benchmark || exit 1; done

ui: setup ## compare runs in the browser
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --workers 1

lock: setup ## compile requirements.lock from pyproject.toml
	uv pip compile pyproject.toml --quiet --system-certs --group dev --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --output-file requirements.lock
