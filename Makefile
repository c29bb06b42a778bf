# `make run` shows what twinbench does, `make test` is what CI runs. Both make .venv first, once.

VENV := .venv
PY := $(VENV)/bin/python
TWINBENCH := $(VENV)/bin/twinbench
INSTALLED := $(VENV)/.installed
JULIA_TRIED := $(VENV)/.julia-tried
JULIA_SECONDS := 900

# The first Python that is new enough; `make PYTHON=python3.12` decides it otherwise.
PYTHON := python3
FIND_PYTHON = \
	for python in $(PYTHON) python3.13 python3.12 python3.11 python3.14 none; do \
		if [ $$python = none ]; then \
			echo "twinbench needs Python 3.11 or newer, and $(PYTHON) is older or absent: make PYTHON=/path/to/python3.11" >&2; \
			exit 1; \
		fi; \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	done

.PHONY: run test lint format bench stress browser docs pictures dist julia clean

run: $(INSTALLED) $(JULIA_TRIED)
	$(TWINBENCH) run flights-delay --size small
	@echo
	@echo "Open next:"
	@echo "  $(TWINBENCH) show              this table again"
	@echo "  $(TWINBENCH) report --open     the same as a page, with charts"
	@echo "  $(TWINBENCH) recommend         which stack to choose, and how sure that is"
	@echo "  $(TWINBENCH) list              pipelines, stacks, frameworks, ops and datasets"
	@echo "  $(TWINBENCH) doctor            what this machine has, and what it lacks"
	@echo "  $(TWINBENCH) run --help        sizes, stacks, budgets, threads"

# Two processes share the tests, file by file, in the order of their names: the last files are short ones.
test: lint
	$(PY) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/typos
	$(VENV)/bin/mypy
	$(VENV)/bin/fatou lint julia tests examples
	$(VENV)/bin/fatou format --check --quiet julia tests examples

format: $(INSTALLED)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/fatou format julia tests examples

bench: $(INSTALLED)
	$(PY) -m benchmarks.figures

# Thousands of attempts to break twinbench, wrong workers, and kills of the harness; it takes an hour.
stress: $(INSTALLED)
	$(PY) -m benchmarks.figures mutations served damaged_stores
	$(PY) -m benchmarks.stress

# The documentation site, in build/site. A warning, such as a link that leads nowhere, is an error.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict
	@echo "open build/site/index.html"

# The pictures of the site: of the run in docs/pictures, and of those datasets that are here.
pictures: $(INSTALLED)
	$(PY) docs/pictures.py

# Wheel and source archive in dist/, checked by twine, and the wheel tried in an environment that has nothing else. pip
# takes the dependencies from wherever it is configured to (PIP_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX).
dist: $(INSTALLED)
	rm -rf dist build/tools build/tried
	$(VENV)/bin/hatchling build -d dist
	$(PY) -m venv build/tools
	build/tools/bin/pip install --quiet --disable-pip-version-check 'twine>=6.1'
	build/tools/bin/twine check --strict dist/*
	$(PY) -m venv build/tried
	build/tried/bin/pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	cd build && tried/bin/twinbench --help >/dev/null && tried/bin/twinbench list >/dev/null
	@echo "dist/ holds:" && ls dist

# The browser that the report's tests open it in; without one they are skipped.
browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing Debian's Chromium"; \
		(apt-get -qq update; apt-get -qq install --no-install-recommends -y chromium fonts-dejavu-core) >/dev/null 2>&1; \
	fi; \
	command -v chromium >/dev/null || echo "no Chromium to be had here: the tests that need one are skipped"

# Every layer of Julia's packages; `make run` tries the base once, and says how to add the others.
julia: $(INSTALLED)
	$(TWINBENCH) julia setup --all
	@touch $(JULIA_TRIED)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	@$(PY) -m pip --version >/dev/null 2>&1 || { $(FIND_PYTHON); echo "making $(VENV)"; $$python -m venv --clear $(VENV); }
	@echo "installing into $(VENV): a few minutes, once"
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[audio,comet,dask,images,keras,rivals,dev,docs]'
	@touch $@

$(JULIA_TRIED): | $(INSTALLED)
	$(TWINBENCH) julia setup --if-possible --timeout $(JULIA_SECONDS)
	@touch $@
