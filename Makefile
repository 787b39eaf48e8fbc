# Everything a newcomer needs is a target here; each does its own set-up.
#
#   make run     a living feed, from made-up communities and captured traffic
#   make build   the program: target/release/atrarium
#   make test    every test
#   make bench   one table of measurements, and target/bench.json
#   make lint    formatting, clippy, licences

CARGO ?= cargo
WASM_TARGET := wasm32-wasip2

.PHONY: run build test bench lint setup

run: build
	./target/release/atrarium demo

build: setup
	$(CARGO) build --release --locked -p atrarium

# The binary is built in the same call as the tests, so both have the failpoints and the same dependencies.
test: setup
	$(CARGO) build --workspace --locked --all-targets
	$(CARGO) test --workspace --locked --no-fail-fast

bench: setup
	$(CARGO) bench --locked -p atrarium-tests --bench bench

lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	@if command -v cargo-deny >/dev/null 2>&1; then $(CARGO) deny check licenses bans sources; else echo "cargo-deny is not installed: licences are not checked"; fi

# The components' target; without it their standard library is missing.
setup:
	@rustc --print target-libdir --target $(WASM_TARGET) 2>/dev/null | xargs -r test -d \
		|| rustup target add $(WASM_TARGET) \
		|| { echo "Atrarium's components need Rust's $(WASM_TARGET) target: run 'rustup target add $(WASM_TARGET)'" >&2; exit 1; }
