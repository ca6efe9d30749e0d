# Two commands: `make demo` (set up and run the main job) and `make test` (set up and run everything
# that is tested). Both need Python 3.11+ and nothing else; everything lands in .venv and .tandem.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEEDS ?= 11,12,13
STAMP := $(VENV)/.installed

.PHONY: help demo test lint histories bench bench-portal screenshots docs setup setup-test clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s ':'

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

setup: $(STAMP) ## install Tandem into .venv

setup-test: $(STAMP)
	@tests/support/install-chromium

demo: setup ## the main job on a made-up town
	@$(BIN)/tandem demo

test: setup-test ## everything that is tested, linters included
	@BIN=$(BIN) tests/support/run-all

lint: setup ## only the linters
	@BIN=$(BIN) tests/support/run-all lint

histories: setup ## thousands of random histories against the plain rater; SEEDS=11,12,13
	@TANDEM_PROPERTY_ACCOUNTS=1000 TANDEM_PROPERTY_SEEDS=$(SEEDS) \
		$(BIN)/pytest -p no:cacheprovider tests/properties/test_against_rater.py

bench: setup ## measure speed; SIZE=ACCOUNTSxCDRS, by default 60000x3000000
	@$(BIN)/python -m benchmarks $(SIZE)

bench-portal: setup ## measure the web services; SIZE=ACCOUNTSxCDRS, by default 60000x3000000
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt 'locust>=2.30,<3'
	@$(BIN)/python -m benchmarks.portal $(SIZE)

screenshots: setup-test ## pictures of the portal for the README, from the demo's data
	@$(BIN)/python docs/screenshots.py

docs: setup ## dbt's documentation in target/
	@$(BIN)/tandem build && $(BIN)/dbt docs generate

clean: ## remove what was made, the data included
	-$(BIN)/tandem down
	rm -rf $(VENV) .tandem target logs
