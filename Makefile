# make run    100 million digits of the golden ratio into out/phi.txt
# make test   the whole test suite
# make bench  the benchmark programs
# make docs   docs/troubleshooting.md and the options in README.md, from the sources
# make dist   wheel and source archive into dist/
# make torture  kills, bad blocks, wrong results and forgeries on purpose, large sizes, short runs of all benchmarks:
#          nearly two hours
# make clean  remove what the above made, except .venv

PYTHON ?= python3
BIN := .venv/bin
INSTALL = $(BIN)/python -m pip install --quiet --editable
DIGITS ?= 1e8

.PHONY: run test bench docs dist torture clean

# One stamp for each set of extras; a changed pyproject.toml installs again.
.venv/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) .
	touch $@

.venv/installed-%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) ".[$*]"
	touch $@

run: .venv/installed
	$(BIN)/bigconst warmup
	mkdir -p out
	$(BIN)/bigconst phi --digits $(DIGITS) --output out/phi.txt --force

test: .venv/installed-test
	$(BIN)/ruff check
	set -e; export BIGCONST_PROVOKED=$$(mktemp -d); trap 'rm -r $$BIGCONST_PROVOKED' EXIT; \
	$(BIN)/bigconst warmup >$$BIGCONST_PROVOKED/warmup 2>&1 || { cat $$BIGCONST_PROVOKED/warmup; exit 1; }; \
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow"; \
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m slow; \
	$(BIN)/python tests/provoked.py $$BIGCONST_PROVOKED

bench: .venv/installed-bench
	set -e; for program in $(wildcard benchmarks/[a-z]*.py); do echo "== $$program"; $(BIN)/python $$program; done

docs: .venv/installed
	$(BIN)/python docs/generate.py

dist: .venv/installed
	$(BIN)/python -m pip install --quiet build
	rm -rf dist
	$(BIN)/python -m build --outdir dist

torture: .venv/installed-test .venv/installed-bench
	$(BIN)/python tests/torture/constants.py
	$(BIN)/python tests/torture/mersenne.py
	$(BIN)/python tests/torture/cluster.py
	$(BIN)/python -m pytest -q tests/torture
	BIGCONST_FORGERIES=2000 $(BIN)/python -m pytest -q tests/test_forgeries.py tests/test_quotient.py
	$(BIN)/python -m pytest -q -m hypothesis --hypothesis-profile torture

clean:
	rm -rf out build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .benchmarks
	find bigconst tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
