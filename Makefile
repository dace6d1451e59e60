# The two commands: `make test` runs every check, `make demo` shows the agent. Each sets up what it needs first.
# Needs Debian 12 or 13 and the right to install packages (root or sudo); the rest goes below build/ and .venv/.

.DEFAULT_GOAL := help
.PHONY: help setup setup-installer generated test lint audit test-linux test-windows test-desktop test-desktop-agent test-desktop-dialogs test-installer test-httpx2 test-web laid-out installer mutants demo bench tour fresh clean

export UV_PYTHON_DOWNLOADS := never
# The caller's environment must not change what Python and Wine do.
unexport PYTHONDONTWRITEBYTECODE WINEPREFIX WINEARCH WINEDLLOVERRIDES

BIN := .venv/bin
# One more than the two cores: a part that clicks, or waits for a server, leaves its core to another. The longest begin.
SIDE_BY_SIDE := 3
SAY := @printf '\n== %s\n'
# The Windows side has its caches in build/: it shares the source tree with Linux.
# Wine says "WinError 1359" (internal error) where a new process dies before it is ready: the machine's trouble, seldom, and no verdict on the
# test that has started it, which runs once more. Every other failure counts, and so does a second one of this kind.
WINDOWS_PYTEST := -m pytest tests -m "not linux and not desktop" --reruns=1 --only-rerun=WinError.1359 \
	-o cache_dir=build/windows/pytest-cache --basetemp=build/windows/pytest

help:
	@echo 'make test   set up and run every check (lint, types, tests on Linux, in Windows, on a Windows desktop)'
	@echo 'make installer   set up and make all that people are given (setup, MSI, portable test), in build/installer/release'
	@echo 'make demo   set up and follow the practical sheets on a Windows desktop, word by word; pictures in build/demo/index.html'
	@echo 'make tour   set up and play every fault to the agent on a Windows desktop; pictures in build/tour/index.html'
	@echo 'make bench  set up, build the setup and measure the installed program beside others; the table in docs/benchmarks.md'
	@echo 'make fresh RELEASE=trixie   make a fresh Debian 13 below build/, and run make test and make demo in it (bookworm: 12)'
	@echo 'make generated   write every generated file anew (documents, pages, catalogue)'
	@echo 'Parts of make test: lint test-linux test-windows test-desktop test-installer. Only the set-up: setup.'
	@echo 'How strong the tests of the changed modules are: mutants. The network suite with the continuation of httpx: test-httpx2. The pages of iea-desk web in a real browser: test-web. Remove all that was made: clean.'
	@echo 'Known vulnerabilities of the locked packages, asked of osv.dev: audit.'

setup:
	@tools/setup.sh

setup-installer:
	@tools/setup.sh --installer

# The program is laid out first, so that the parts that click it need not wait for it.
test: setup-installer
	@$(MAKE) --no-print-directory laid-out
	$(SAY) 'Lint, types, and tests on Linux, in the Windows Python and with real clicks on Windows desktops, side by side'
	@$(MAKE) --no-print-directory --jobs=$(SIDE_BY_SIDE) --keep-going --output-sync=target test-windows test-desktop-dialogs test-linux lint test-desktop-agent test-installer
	$(SAY) 'All green'

lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --platform linux
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/lint-imports
	$(BIN)/python tools/check_prose.py
	$(BIN)/python tools/check_secrets.py

# Known vulnerabilities of the locked packages, as osv.dev knows them: it needs the network, so make test does without. What never ships is audited too.
audit:
	@tools/uv.sh
	build/uv/bin/uv audit --frozen --preview-features audit-command

test-linux:
	$(BIN)/python -m pytest tests --ignore=tests/browser --ignore=tests/desktop --ignore=tests/rig --ignore=tests/installer -m "not windows and not desktop"

test-windows:
	$(BIN)/python -m rig desktop $(if $(CI),--env CI=$(CI)) -- $(WINDOWS_PYTEST)

# Clicking is mostly waiting: it is split in two, so that something else always runs beside it.
AGENT_ON_DESKTOP := tests/desktop/test_agent.py tests/desktop/test_tray.py

test-desktop: test-desktop-agent test-desktop-dialogs

# What people are given is clicked: the launchers and the packed modules, laid out as the setup does it. Without the variable the same files click the sources.
test-desktop-agent test-desktop-dialogs: export IEA_RIG_PROGRAM := $(CURDIR)/build/installer/laid-out
test-desktop-agent test-desktop-dialogs: laid-out

laid-out:
	@$(BIN)/python -m installer --folder-only
	@$(BIN)/python -m rig installed_program

test-desktop-agent:
	$(BIN)/python -m pytest tests/rig $(AGENT_ON_DESKTOP)

# all other files there, so that a new one is included
test-desktop-dialogs:
	$(BIN)/python -m pytest tests/desktop $(AGENT_ON_DESKTOP:%=--ignore=%)

# What people are given: its parts, the launchers, and the setup in a Windows of its own.
test-installer:
	$(BIN)/python -m pytest tests/installer

# What uses the network, with httpx's continuation in the place of httpx (docs/decisions/0014). On Linux, some three minutes; no part of make test.
test-httpx2: setup
	$(BIN)/python -m pytest -p tests.httpx2 tests/services tests/sandbox tests/assembly tests/peers -m "not windows and not desktop"

# The pages of `iea-desk web` in Debian's Chromium, with axe-core: 20 s, after a minute and 400 MB for the browser. That is why it is no part of make test,
# where the same pages are asked over HTTP and their HTML is checked.
test-web:
	@tools/setup.sh --web
	$(BIN)/python -m pytest tests/browser

# MODULES='domain/lease loop', or all; without it those that differ from main. SEED=1 draws others, COUNT=200 more of them.
mutants: setup
	$(BIN)/python -m tools.mutants $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT)) $(MODULES)

# CERTIFICATE='--certificate our.p12 --password file' signs it; URL='--url https://…' is where people will download it
installer: setup-installer
	$(BIN)/python -m installer $(CERTIFICATE) $(URL)

# DEMO='--scaling 150' for the display scaling; its pictures are in build/demo-150/
demo: setup-installer
	$(BIN)/python -m rig wine_demo $(DEMO)

# BENCH='--idle 2 --runs 3' is shorter; --only icon,memory measures these parts alone. The figures of a machine that does something else are worth nothing.
bench: export IEA_RIG_PROGRAM := $(CURDIR)/build/installer/laid-out
bench: setup-installer laid-out
	$(BIN)/python -m rig bench --write $(BENCH)

# TOUR='--only 503 refuse' plays these faults only
tour: setup
	$(BIN)/python -m rig wine_tour $(TOUR)

# The other release of Debian, or this one without anything installed; as root.
fresh:
	@tools/fresh.sh $(RELEASE)

# In this order: the pages contain the index of problems and the catalogue's texts.
generated: setup
	$(BIN)/python tools/translations.py
	$(BIN)/python tools/draw_states.py
	$(BIN)/python tools/draw_sections.py
	$(BIN)/python tools/render_pages.py
	$(BIN)/python -m tests.services.fault_table

clean:
	rm -rf build dist .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
