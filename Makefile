# `make demo` and `make test` need only python3 (3.11 or later) and make: they create .venv and install into it.
# With PYTHON=... they use that interpreter as it is, which must have the packages already.

ifdef PYTHON
python := $(PYTHON)
environment :=
else
python := .venv/bin/python
environment := .venv/installed
endif

# Debian and Ubuntu keep the module venv in a package of its own.
install_venv := { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null && \
    rm -rf .venv && python3 -m venv .venv; }

.DEFAULT_GOAL := help
# A process of tests for each core, up to eight.
workers := $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((cores < 8 ? cores : 8)))

.PHONY: help demo test check test-gpu nsys bench reports clean

help:
	@echo "make demo      show the report of a real capture, then profile a tiny model on this machine"
	@echo "make test      check the code, then run all tests that need no GPU"
	@echo "make check     ruff, mypy and the import linter"
	@echo "make test-gpu  run the tests that need an NVIDIA GPU, CuPy and nsys"
	@echo "make nsys      install Debian's nsys into the user's cache, for the tests of wb profile"
	@echo "make bench     time attribution against SQLite's own scan of the same tables"
	@echo "make reports   render the captures in profiles/ into reports/ anew"
	@echo "make clean     remove the environment and what was built"

demo: $(environment)
	@$(python) -m workbench demo -o build/demo

test: check
	$(python) -m pytest -rs -m "not gpu" -n $(workers) --dist loadfile

check: $(environment)
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(python) -c "from importlinter.cli import lint_imports_command; lint_imports_command()" --no-logo

test-gpu: $(environment)
	$(python) -m pytest -rs -m gpu tests/gpu

nsys: $(environment)
	@nsys=$$(PYTHON=$(python) tests/nsys/install.sh) && echo "To let wb use it: export WB_NSYS=$$nsys"

bench: $(environment)
	$(python) -m benchmarks.attribution

reports: $(environment)
	@for capture in profiles/*/; do \
	    other=$$(echo $$capture | sed 's/graphs-on/graphs-?/; s/graphs-off/graphs-on/; s/graphs-?/graphs-off/'); \
	    beside=$$(test $$other = $$capture || test ! -d $$other || echo --counterpart $$other); \
	    $(python) -m workbench findings $$capture $$beside -o reports/$$(basename $$capture).md || exit; \
	done

clean:
	rm -rf .venv build

.venv/installed: pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or later is needed, and python3 is older; name another one with PYTHON=." >&2; exit 2; }
	@rm -rf .venv
	@python3 -m venv .venv >/dev/null || $(install_venv) || \
	    { echo "python3 cannot make an environment; install python3-venv." >&2; exit 2; }
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[dev,oracle]" || \
	    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@
