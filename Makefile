# Everything a newcomer needs is a target here; each does its own set-up.
#
#   make run     a living feed, from made-up communities and captured traffic
#   make build   the program with its dashboard: target/release/atrarium
#   make dashboard   the dashboard alone, which the program takes in when it is built
#   make network the real peers on this machine, with a community in them
#   make test    every test
#   make bench   one table of measurements, and target/bench.json
#   make soak TIME=1800   the program for half an hour under ten times today's network while its parts are killed, and target/soak.json
#   make lint    formatting, clippy, licences
#   make fuzz TARGET=frames TIME=600   what strangers send, put to the test by chance; tests/fuzz says what there is
#   make paint   how soon the dashboard's pages are painted on a slow machine

CARGO ?= cargo
WASM_TARGET := wasm32-wasip2
PEERS := tests/peers/node_modules/.installed
SCHEMATHESIS := target/schemathesis/.installed
BROWSER := tests/browser/node_modules/.installed
DASHBOARD := host/dashboard/dist/app/index.html

.PHONY: run network build test bench soak fuzz lint setup dashboard browser chromium paint screenshots peers postgresql schemathesis examples node python

run: build
	./target/release/atrarium demo

network: build peers
	node tests/peers/network.mjs

build: setup $(DASHBOARD)
	$(CARGO) build --release --locked -p atrarium

# The binary is built in the same call as the tests, so both have the failpoints and the same dependencies.
test: setup peers schemathesis examples browser $(DASHBOARD)
	cd host/dashboard && npm run --silent test
	$(CARGO) build --workspace --locked --all-targets
	$(CARGO) test --workspace --locked --no-fail-fast
	$(CARGO) test --locked --manifest-path tests/fuzz/Cargo.toml

bench: setup
	$(CARGO) bench --locked -p atrarium-tests --bench bench

# TIME seconds at RATE events a second; chance is the same with the same SEED. The program that is killed has failpoints and takes the
# place of a release in target/release: `make build` puts that back. Both calls name the same packages, so they share what is built.
SOAKED := -p atrarium -p atrarium-tests
soak: TIME ?= 1800
soak: setup $(DASHBOARD)
	$(CARGO) build --release --locked $(SOAKED) --bin atrarium --bench soak
	TIME=$(TIME) RATE=$(RATE) SEED=$(SEED) $(CARGO) bench --locked $(SOAKED) --bench soak

lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	$(CARGO) clippy --locked --manifest-path tests/fuzz/Cargo.toml --tests -- --deny warnings
	@if command -v cargo-deny >/dev/null 2>&1; then $(CARGO) deny check licenses bans sources; else echo "cargo-deny is not installed: licences are not checked"; fi

# A target for so many seconds. The sanitizer is a flag that the stable compiler takes under this variable alone.
TARGET ?= frames
fuzz: TIME ?= 600
fuzz:
	@command -v cargo-fuzz >/dev/null || $(CARGO) install cargo-fuzz --locked
	cd tests/fuzz && mkdir -p target/corpus/$(TARGET) && RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --fuzz-dir . --features libfuzzer $(TARGET) target/corpus/$(TARGET) corpus/$(TARGET) \
		-- $(if $(filter uploads,$(TARGET)),-max_len=65536,-dict=words.dict -max_len=8192) -timeout=10 -max_total_time=$(TIME)

# The components' target; without it their standard library is missing.
setup:
	@rustc --print target-libdir --target $(WASM_TARGET) 2>/dev/null | xargs -r test -d \
		|| rustup target add $(WASM_TARGET) \
		|| { echo "Atrarium's components need Rust's $(WASM_TARGET) target: run 'rustup target add $(WASM_TARGET)'" >&2; exit 1; }

# The pages that are built into the program. Checked and tested by itself; `make test` does both.
dashboard: $(DASHBOARD)

$(DASHBOARD): host/dashboard/node_modules/.installed $(shell find host/dashboard/src host/dashboard/build host/dashboard/public -type f ! -name '*.gen.ts' ! -name schema.d.ts) $(wildcard host/dashboard/*.*)
	cd host/dashboard && npm run --silent build

host/dashboard/node_modules/.installed: host/dashboard/package-lock.json | node
	cd host/dashboard && npm ci --prefer-offline --no-audit --no-fund
	@touch $@

# A PLC directory, a PDS and an AppView, which the program is proved against.
peers: postgresql $(PEERS)

# One of the packages is compiled, with the headers that came with Node if they did; else they are downloaded.
$(PEERS): tests/peers/package-lock.json | node
	cd tests/peers && with=$$(node -p 'path.resolve(process.execPath, "../..")') \
		&& if test -f "$$with/include/node/node.h"; then export npm_config_nodedir="$$with"; fi \
		&& npm ci --prefer-offline --no-audit --no-fund
	@touch $@

# The AppView's database. Debian's programs for it don't lie in the PATH.
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq postgresql; } \
		|| { echo "The real AppView needs PostgreSQL: run 'apt-get install postgresql' as root, or whatever installs it here" >&2; exit 1; }

# The dashboard is proved in a real browser.
browser: chromium $(BROWSER)

$(BROWSER): tests/browser/package-lock.json | node
	cd tests/browser && npm ci --prefer-offline --no-audit --no-fund
	@touch $@

chromium:
	@test -x "$${CHROMIUM:-/usr/bin/chromium}" \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk fonts-noto-color-emoji; } \
		|| { echo "The dashboard is tested in Chromium: run 'apt-get install chromium' as root, or name an installed one in CHROMIUM" >&2; exit 1; }

# What the walk through the dashboard has seen, in place of the pictures that are here.
screenshots: setup peers browser $(DASHBOARD)
	$(CARGO) test --workspace --locked --test it -- real_peers::browser
	rm -rf host/dashboard/screenshots && cp -r target/browser/screenshots host/dashboard/screenshots
	@if command -v pngquant >/dev/null; then pngquant --force --ext .png --quality 70-95 host/dashboard/screenshots/*.png; fi

# How soon the largest thing on a page is painted, with a processor four times slower. A report: nothing depends on it.
paint: build peers browser
	node tests/browser/paint.mjs

# What tries to prove the API's document wrong.
schemathesis: $(SCHEMATHESIS)

$(SCHEMATHESIS): tests/schemathesis/requirements.txt | python
	python3 -m venv --clear target/schemathesis
	target/schemathesis/bin/pip install --quiet --disable-pip-version-check --requirement tests/schemathesis/requirements.txt
	@touch $@

# The example mixes that aren't written in Rust, tested and built by their own Makefiles, as target/examples/<name>.wasm.
examples: node python
	@mkdir -p target/examples
	@for name in welcome tongues; do \
		$(MAKE) --no-print-directory -C components/examples/$$name test mix.wasm \
			&& cp components/examples/$$name/mix.wasm target/examples/$$name.wasm || exit 1; done

node:
	@command -v node >/dev/null && command -v npm >/dev/null \
		|| { echo "The pages, the real peers and the examples need Node 20.19 or newer with npm: install them (https://nodejs.org), then run make again" >&2; exit 1; }
	@node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' \
		|| { echo "The pages, the real peers and the examples need Node 20.19 or newer; this is $$(node --version)" >&2; exit 1; }

# Debian has the module that makes environments in a package of its own.
python:
	@python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq python3-venv; } \
		|| { echo "The API's tests and the examples need Python 3.10 or newer with venv: run 'apt-get install python3-venv' as root, or whatever installs it here" >&2; exit 1; }
