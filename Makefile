.DEFAULT_GOAL := help
.PHONY: help install up demo test check e2e screenshots bench soak lock docs format clean

PYTHON ?= python3
BIN := .venv/bin
PACKAGES := $(notdir $(wildcard libs/*/src/* services/*/src/* deploy/*/src/*))
PROJECTS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml deploy/*/pyproject.toml)
NAMES := $(shell sed -n 's/^name = "\(.*\)"/\1/p' $(PROJECTS) | sort)

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

install: ## Make .venv with everything in it (the other targets do it by themselves)
	@PYTHONPATH=deploy/local/src $(PYTHON) -m atelier_local.python

up: install ## Start the whole stack; Ctrl-C stops it
	@$(BIN)/python -m atelier_local up

demo: install ## Start, make and refine a model, generate four images, show what happened, stop
	@$(BIN)/python -m atelier_local.demo

test: install ## Run the tests: unit, adapters, contracts, journeys, faults, a browser
	@$(BIN)/pytest -m "not long"

check: install ## Check format, lint, types, imports and the unit tests
	@$(BIN)/ruff format --check --quiet . || { echo "run make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy $(PACKAGES:%=-p %)
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q $(wildcard libs/*/tests/unit services/*/tests/unit deploy/*/tests/unit)

e2e: install ## Run the whole-system tests alone, with those that take minutes
	@$(BIN)/pytest tests-e2e

screenshots: install ## Photograph every page of the dashboard into .local/screenshots
	@PYTHONPATH=tests-e2e $(BIN)/python tests-e2e/screenshots.py

bench: install ## Measure, beside a baseline of the same run; fails when a figure is missed
	@$(BIN)/python -m bench

soak: install ## Load the stack steadily for an hour (MINUTES, RATE); fails on what grows and should not
	@$(BIN)/python -m bench --only soak --minutes $(or $(MINUTES),60) --rate $(or $(RATE),4)

lock: install ## Refresh requirements.txt from the pyproject files, keeping what still fits (UPGRADE=1: newest)
	@.local/tools/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(if $(UPGRADE),--upgrade) --group dev $(NAMES:%=--no-emit-package %) pyproject.toml $(PROJECTS) -o requirements.txt
	@! grep -nE '://|index' requirements.txt

docs: install ## Write the documents that follow from the code
	@$(BIN)/python docs/generate.py

format: install ## Format the code and repair what lint can repair
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

clean: ## Delete the environment, the stack's data and all caches
	@PYTHONPATH=deploy/local/src $(PYTHON) -m atelier_local forget
	@rm -rf .venv .local .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
