# `make demo` and `make test` are all that a newcomer needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Steps write to the same target directory, so they go one after another.
.NOTPARALLEL:

TARGET := $(or $(CARGO_TARGET_DIR),target)
# A pinned cargo-deny is built once, for its own sake and not into the binary.
DENY_VERSION := 0.20.2
DENY := $(TARGET)/tools/bin/cargo-deny
HAS_NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)
# One S3 service for all tests that need one.
RGW := tests/tools/rgw
# And one that is emulated, and minds If-None-Match on versions.
MINISTACK := tests/tools/ministack
# And one PostgreSQL.
POSTGRES := tests/tools/postgres
# What asks the catalog, and is tested on both engines.
CATALOG_ROOMS := catalog:: access:: policy:: matter:: hold:: search:: ingest:: jobs::
# The tests are built by clippy's compiler, so that to lint is no second build.
LINTED := test-rust test-browser
TESTS := $(if $(HAS_NEXTEST),cargo nextest run,cargo test) --locked
# What takes long is optimised: tens of gigabytes go through it. With debug assertions,
# without which nothing ends at a crash point.
TESTS_LONG := $(if $(HAS_NEXTEST),cargo nextest run --profile long --cargo-profile long,cargo test --profile long) --locked
# What the demo journals instead of its own company: mbox (also .zst), Maildir
# or folders of EML.
MAIL ?=
DEMO_DATA ?= demo-data
# Ports of the demo, where 8080 and 2525 are taken.
HTTP ?=
SMTP ?=
# What `make bench` measures, where not everything.
ONLY ?=
DEMO_PORTS = $(if $(HTTP),--http $(HTTP)) $(if $(SMTP),--smtp $(SMTP))

.PHONY: help
help:
	@echo "make demo                  an archive with mail in it, and its web page;"
	@echo "                           MAIL=PATH... DEMO_DATA=DIR HTTP=PORT SMTP=PORT"
	@echo "make test                  every check, as CI runs them"
	@echo "make test-long             what takes longer: crash loops and the like"
	@echo "make bench                 the figures in the README; ONLY=stored, pst, ingest or"
	@echo "                           documents for some of them"
	@echo "make quality               how well documents are read, by format"
	@echo "make deps                  what the above need, installed or listed"

.PHONY: deps
deps:
	@deploy/deps.sh test

.PHONY: demo
demo:
	@deploy/deps.sh demo
	@$(MAKE) --no-print-directory web
	@echo "building (the first time takes some minutes)"
	@cargo build --locked --bin muniment
	@exec $(TARGET)/debug/muniment demo --data $(DEMO_DATA) $(DEMO_PORTS) $(MAIL)

# The web app is embedded in the binary, so it is built first, and again only
# when one of its files changed.
.PHONY: web
web: $(if $(wildcard web/package.json),web/dist/index.html)

WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	@cd web && npm run --silent build
	@touch $@

.PHONY: test
test:
	@deploy/deps.sh test
	@$(MAKE) --no-print-directory test-web web test-rust test-browser
	@if [ -e $(TARGET)/tests.log ]; then tail -n 3 $(TARGET)/tests.log; fi

PST_READER := tests/tools/pst-extractor
$(PST_READER)/node_modules/.package-lock.json: $(PST_READER)/package-lock.json
	@cd $(PST_READER) && npm ci --no-audit --no-fund
	@touch $@

$(LINTED): export RUSTC_WORKSPACE_WRAPPER := clippy-driver
$(LINTED): export CLIPPY_ARGS := -D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__

.PHONY: test-rust
test-rust: $(PST_READER)/node_modules/.package-lock.json
	cargo fmt --check
	cargo build --locked --tests --bench figures --bench quality
	@$(MAKE) --no-print-directory deny
	@mkdir -p $(TARGET)
	$(RGW) $(MINISTACK) $(POSTGRES) $(TESTS) 2>&1 | tee $(TARGET)/tests.log
	MUNIMENT_TEST_CATALOG=postgres $(POSTGRES) $(TESTS) --lib -- $(CATALOG_ROOMS)

# Advisories change under a fixed tree and need the network: not part of a test.
.PHONY: deny
deny: $(DENY)
	$(DENY) --all-features check --hide-inclusion-graph bans licenses sources

$(DENY):
	cargo install --quiet --debug --locked --root $(TARGET)/tools --target-dir $(TARGET)/tools/build \
		cargo-deny --version $(DENY_VERSION)
	@rm -rf $(TARGET)/tools/build

.PHONY: test-web test-browser
ifeq ($(wildcard web/package.json),)
test-web test-browser:
	@echo "SKIPPED: $@: there is no web/package.json"
else
test-web: web/node_modules/.package-lock.json
	cd web && npm run --silent lint
	cd web && npm run --silent typecheck
	cd web && npm run --silent test

# With a test named, it is the binary that the tests were built with.
test-browser: web
	cargo build --locked --bin muniment --test it
	cd web && npm run --silent e2e
endif

.PHONY: test-long
test-long: $(PST_READER)/node_modules/.package-lock.json
	@deploy/deps.sh test
	MUNIMENT_TEST_LONG=1 $(RGW) $(MINISTACK) $(POSTGRES) $(TESTS_LONG)

.PHONY: bench
bench: web
	$(RGW) cargo bench --locked --bench figures -- $(ONLY)

# Documents by format, against other tools; MUNIMENT_QUALITY_FILES=1 tells of each.
.PHONY: quality
quality: web
	@deploy/deps.sh quality
	cargo test --locked --bench quality
