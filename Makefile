# Everything here works in a clean checkout: the first target makes its own environment.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2 # processes that run tests, one core and up to 2 GB each; three take as long on two cores
# What stands for an environment that runs experiments, and for one that also tests and checks.
RUNS := .venv/runs
INSTALLED := .venv/installed
FONT := /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf

# Whoever keeps Python from keeping what it compiles has all of it compiled by every process of tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow test-cluster check docs notebooks gallery bench screenshots browser clean

demo: $(RUNS)
	$(BIN)/funnelab demo
	@echo "Open $(CURDIR)/runs/demo/report.html in a browser."

# The tests of a file stay together, so that what they share is made once; files that are marked as
# long come first.
test: $(INSTALLED) browser
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-slow: $(INSTALLED)
	$(BIN)/pytest -m slow --timeout 3600

# Sixteen cells on two workers of a Ray cluster, one of which is killed: too long for `make test`.
test-cluster: $(INSTALLED)
	$(BIN)/pytest -m slow tests/experiments/sweep/test_side_by_side.py -k ray_cluster

check: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_layers.py tests/test_rooms.py

# What the documentation tells of records and settings, made anew from them; then all of it as a site,
# site/index.html, which needs no network. A link that leads nowhere is an error.
docs: $(INSTALLED)
	$(BIN)/python -m tests.experiments.records.key_tables docs/results.md
	$(BIN)/python -m tests.experiments.config.settings_page docs/settings.md
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

# The pictures of the documentation, taken anew from a run of the demo and four small ones, in `runs`.
gallery: $(INSTALLED) browser
	$(BIN)/python -m tests.site.gallery

# The notebooks, run from top to bottom; WRITE=--write also keeps what came out.
notebooks: $(INSTALLED)
	$(BIN)/python -m tests.notebooks $(WRITE)

# One thread in each process, so that a figure is one core's. BENCH_LARGE=1 adds runs of a million
# items and of a million shoppers; SARDINE_PYTHON names a Python that has sardine-rec, for its row.
# What depends on kernels is timed a second time without AVX-512.
ALONE := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1
NARROW := ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell \
	NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+avx2,+fma
KERNELS := $(addprefix tests/benchmarks/test_bench_,kernels.py decode.py grpo.py quantizer.py)
TIMED := $(BIN)/pytest -m benchmark -q --benchmark-quiet --timeout 3600

bench: $(INSTALLED)
	$(ALONE) $(TIMED) tests/benchmarks
	$(ALONE) $(NARROW) $(TIMED) $(KERNELS)

# The pictures of the pages that a test compares with, taken anew after a change that is meant.
screenshots: $(INSTALLED) browser
	$(BIN)/python -m tests.experiments.report.screenshots

# What looks at the pages, and in which letters. Where neither is there nor can be installed, that
# test is skipped, and says so.
browser:
	@{ command -v chromium >/dev/null && test -f $(FONT); } \
	|| { apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core; } \
	|| echo "chromium == missing, must be installed to look at the pages"

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks dist build site
	find funnelab simulator recall ranking cqsid experiments tests -name __pycache__ -prune -exec rm -rf {} +

# torch comes first and alone, so that its version is the pinned one whatever else asks for it.
$(RUNS): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "PYTHON is %s, must be Python >= 3.11" % sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install -c constraints.txt -e .
	touch $(RUNS)

$(INSTALLED): $(RUNS)
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	touch $(INSTALLED)
