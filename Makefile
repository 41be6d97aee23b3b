# watchroom: `make run` and `make test` do everything; the rest are their parts.

CARGO ?= cargo
NPM ?= npm
RUN_ARGS ?=
STRESS_ARGS ?=

.PHONY: help run build page check test test-rust test-page test-web test-stress test-clients test-prometheus setup stress bench soak fuzz conformance clean

help:
	@echo "make run      build page and binary, and serve on http://127.0.0.1:8080"
	@echo "make test     set up what tests need, and run them all"
	@echo "make check    formats, lints, types, documentation"
	@echo "make test-clients   Centrifugo's clients for Python; they are installed from PyPI"
	@echo "make test-prometheus   the same queries to Debian's Prometheus and to us, and its tools and clients as ours"
	@echo "make stress   breaks what is around the server while publications run; STRESS_ARGS (--help, --seed N, --seconds N, …)"
	@echo "make bench    the figures, as ratios within one run"
	@echo "make soak     ten minutes of drawing in a browser"
	@echo "make fuzz     a fuzzer at every decoder of outside bytes, FUZZ_SECONDS (60) each"
	@echo "make conformance  the Autobahn suite against our WebSockets; needs Python 2.7"
	@echo "make clean    remove what was built"

run: build
	./target/release/watchroom $(RUN_ARGS)

build: page
	$(CARGO) build --release

page: static/dist/app.js

# The page is built anew when a source, a style or the lock file is newer.
static/dist/app.js: static/node_modules/.installed static/build.mjs static/tsconfig.json $(shell find static/src static/css static/*.svg -type f)
	cd static && $(NPM) run --silent check && $(NPM) run --silent build

static/node_modules/.installed: static/package-lock.json static/package.json
	@command -v node >/dev/null || { echo "Node 20 or newer is needed to build the page."; exit 1; }
	@node -e 'if (+process.versions.node.split(".")[0] < 20) { console.error("Node " + process.versions.node + " is too old; 20 or newer is needed."); process.exit(1) }'
	cd static && $(NPM) ci --silent --no-audit --no-fund
	touch $@

check: page
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items --quiet

test: setup test-page test-rust test-web test-stress

test-page: page
	cd static && $(NPM) test --silent

test-rust: page
	$(CARGO) test

test-web: build
	scripts/test-web

# All scenarios once, with another seed each time.
test-stress: build
	scripts/stress

# Not part of test: it installs from PyPI.
test-clients: build
	scripts/test-clients

test-prometheus: build
	scripts/test-prometheus

setup:
	scripts/setup

stress: build
	scripts/stress $(STRESS_ARGS)

bench: build
	scripts/bench

soak: build
	WATCHROOM_SOAK=1 scripts/test-web

fuzz: page
	scripts/fuzz

conformance: page
	scripts/conformance

clean:
	rm -rf static/dist static/node_modules fuzz/target fuzz/corpus fuzz/findings
	$(CARGO) clean
