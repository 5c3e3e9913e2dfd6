# Everything here works in a clean checkout: the first target makes its own environment.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: demo test test-slow check bench clean

demo: $(INSTALLED)
	$(BIN)/funnelab demo
	@echo "Open $(CURDIR)/runs/demo/report.html in a browser."

test: $(INSTALLED)
	$(BIN)/pytest

test-slow: $(INSTALLED)
	$(BIN)/pytest -m slow --timeout 3600

check: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_layers.py

bench: $(INSTALLED)
	$(BIN)/pytest -m benchmark tests/benchmarks -s --timeout 3600

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks dist build
	find simulator recall ranking cqsid experiments tests -name __pycache__ -prune -exec rm -rf {} +

# torch comes first and alone, so that its version is the pinned one whatever else asks for it.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "PYTHON is %s, must be Python >= 3.11" % sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	touch $(INSTALLED)
