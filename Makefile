# Two commands are enough: `make demo` shows it, `make test` tests it. Each sets up .venv by itself
# on first use; after that nothing needs the network.

VENV  := .venv
BIN   := $(VENV)/bin
# An environment knows its own path, so one that was moved or copied here is made anew.
READY := $(VENV)/.ready-$(shell pwd | cksum | cut -d ' ' -f 1)
# The server that tests talk to in place of AWS needs another botocore than boto3.
MINISTACK := $(VENV)/ministack
# The browser that tests sign in with is the system's.
CHROMIUM := /usr/bin/chromium
# The command that is measured beside ours needs yet another one.
AWSCLI := $(VENV)/awscli
# The root pyproject.toml is not among them: it holds settings of tools, nothing to install.
DISTS := $(wildcard core/pyproject.toml plugins/*/pyproject.toml apps/*/pyproject.toml examples/*/pyproject.toml)

# Only errors are shown, and what is configured for pip (PIP_*, pip.conf) is honoured. Without build
# isolation the pinned build backend is used, and none is looked for each time.
PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install -qq -c constraints.txt

# `make PYTHON=...` is an order; a PYTHON in the environment is only the first one to try.
ifneq (,$(findstring command line,$(origin PYTHON)))
PYTHONS := $(PYTHON)
else
PYTHONS := $(PYTHON) python3.11 python3 python3.12 python3.13 python3.14
endif

# Prints the first interpreter that runs, is new enough and can make an environment. A name is looked
# up in all of PATH: the first hit may be a shim without an interpreter behind it, or lack ensurepip.
define FIND_PYTHON
find_python() { \
  for name in $(PYTHONS); do \
    case $$name in */*) places=/ ;; *) places=$$PATH ;; esac; \
    old_ifs=$$IFS; IFS=:; \
    for place in $$places; do \
      IFS=$$old_ifs; \
      case $$name in */*) candidate=$$name ;; *) candidate=$$place/$$name ;; esac; \
      [ -x "$$candidate" ] || continue; \
      "$$candidate" -c 'import ensurepip, sqlite3, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))' \
        >/dev/null 2>&1 && { echo "$$candidate"; return; }; \
    done; \
    IFS=$$old_ifs; \
  done; \
  echo "No Python 3.11 or newer that can make a virtual environment was found (tried:" $(PYTHONS)")." >&2; \
  echo "Install one (on Debian and Ubuntu with its -venv package), or name it: make PYTHON=/path/to/python3" >&2; \
  return 1; \
}
endef

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## list these commands
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-14s %s\n", $$1, $$2 }'

.PHONY: demo
demo: $(READY) ## render a request file with secrets from a vault on this machine
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

.PHONY: test
test: $(READY) $(MINISTACK)/.ready | $(CHROMIUM) ## run the tests; ARGS='-k name' is handed to pytest
	@$(BIN)/python -m pytest $(ARGS)

# A long form may be silent for longer than a test that hangs would be given otherwise.
.PHONY: soak
soak: $(READY) $(MINISTACK)/.ready | $(CHROMIUM) ## the long forms of the tests; some minutes, or SOAK_MINUTES=60
	@$(BIN)/python -m pytest -m soak -o faulthandler_timeout=3600 $(ARGS)

.PHONY: bench
bench: $(READY)-bench $(MINISTACK)/.ready $(AWSCLI)/.ready ## measure, side by side with what one would use otherwise
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: lint
lint: $(READY) ## check style, format, types and the floors of the house
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

.PHONY: docs
docs: $(READY)-docs ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.PHONY: clean
clean: ## remove the environment, caches and everything built
	@rm -rf $(VENV) .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache htmlcov site
	@rm -rf dist build core/dist plugins/*/dist apps/*/dist examples/*/dist
	@find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# Without a stamp, or when its interpreter is gone, the environment is made from nothing; otherwise only
# what changed is installed.
$(READY): requirements-dev.txt constraints.txt $(DISTS)
	@$(FIND_PYTHON); \
	if [ ! -e $@ ] || ! $(BIN)/python -c '' 2>/dev/null; then \
	  python=$$(find_python) || exit 1; \
	  echo "Setting up $(VENV) with $$python (once; a minute or less)"; \
	  "$$python" -m venv --clear $(VENV); \
	fi
	@$(PIP_INSTALL) hatchling editables
	@$(PIP_INSTALL) --no-build-isolation -r requirements-dev.txt
	@touch $@

$(READY)-bench: $(READY) requirements-bench.txt
	@echo "Setting up what is measured beside unvault (once)"
	@$(PIP_INSTALL) -r requirements-bench.txt
	@touch $@

# It goes with .venv, where that is removed or made anew.
$(MINISTACK)/.ready: constraints-ministack.txt | $(READY)
	@if [ ! -e $@ ] || ! $(MINISTACK)/bin/python -c '' 2>/dev/null; then \
	  echo "Setting up $(MINISTACK) (once; some seconds)"; \
	  $(BIN)/python -m venv --clear $(MINISTACK); \
	fi
	@$(MINISTACK)/bin/python -m pip --disable-pip-version-check install -qq -c constraints-ministack.txt ministack
	@touch $@

# Where it cannot be installed, the tests that need it are skipped, and each time it is said so.
$(CHROMIUM):
	@as_root=; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
	if command -v apt-get >/dev/null && { [ -z "$$as_root" ] || sudo -n true 2>/dev/null; }; then \
	  echo "Installing Debian's package chromium (once; half a minute)"; \
	  $$as_root apt-get update -qq && \
	  $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	fi; \
	[ -e $@ ] || echo "There is no $@, and it could not be installed: tests that need a browser are skipped." \
	  "On Debian: apt-get install --no-install-recommends chromium" >&2

$(AWSCLI)/.ready: constraints-awscli.txt | $(READY)
	@if [ ! -e $@ ] || ! $(AWSCLI)/bin/python -c '' 2>/dev/null; then \
	  echo "Setting up $(AWSCLI) (once; some seconds)"; \
	  $(BIN)/python -m venv --clear $(AWSCLI); \
	fi
	@$(AWSCLI)/bin/python -m pip --disable-pip-version-check install -qq -c constraints-awscli.txt awscli
	@touch $@

$(READY)-docs: $(READY) requirements-docs.txt
	@echo "Setting up the documentation tools (once)"
	@$(PIP_INSTALL) -r requirements-docs.txt
	@touch $@
