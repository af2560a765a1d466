# Every everyday command, in one place. `make` alone lists them.

ENSURE := deploy/local/ensure.sh
CLUSTER := deploy/local/cluster.sh
STOCK := crates/hubbub/tests/stock
# The crates that need no service: rules and translators.
PURE := -p domain -p wire

.DEFAULT_GOAL := help
.PHONY: help run build check test test-rust test-stock fuzz-api describe cluster cluster-status cluster-logs \
	cluster-down clean-cluster services-install bench bench-instructions

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## build and start the whole product in one process (nothing to install); ARGS="--listen …"
	cargo run -p hubbub -- dev $(ARGS)

build: ## build everything, for development
	cargo build --workspace

check: ## formatting, lints, documentation, tests of the pure crates; needs no service
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace
	cargo test $(PURE)
	@$(MAKE) --no-print-directory check-scripts

# Where shellcheck is not installed, nothing is said about the scripts.
check-scripts:
	if command -v shellcheck >/dev/null; then shellcheck -x loadtest/*.sh loadtest/bench/*.sh; fi

test: test-rust ## every test, against a real Redis and Postgres that the tests start themselves
	@$(MAKE) --no-print-directory test-stock

test-rust:
	$(ENSURE) redis postgres haproxy
	cargo test --workspace

# Unmodified clients as their users have them. They start $PROGRAM, which no HUBBUB_ variable can name: each of those has
# to be a setting.
test-stock:
	$(ENSURE) redis postgres haproxy node python
	# The program that the tests before were built with: another set of features would build everything again.
	cargo test --workspace --no-run --quiet
	cd $(STOCK) && npm ci --no-audit --no-fund && \
		PROGRAM="$${CARGO_TARGET_DIR:-$(CURDIR)/target}/debug/hubbub" npm test

# The same test as in `make test`, for as long as wanted; a failure prints the seed that FUZZ_SEED repeats.
FUZZ_SECONDS ?= 600
fuzz-api: ## requests at random against the HTTP API's description; FUZZ_SECONDS=600 per role, FUZZ_SEED=…
	$(ENSURE) redis postgres haproxy node python
	cargo build -p hubbub
	cd $(STOCK) && npm ci --no-audit --no-fund && \
		FUZZ_SECONDS=$(FUZZ_SECONDS) PROGRAM="$${CARGO_TARGET_DIR:-$(CURDIR)/target}/debug/hubbub" \
		node --test api-fuzz.test.mjs

# Bench targets are built here alone; the tests never build them. What each one shows stands at its head.
bench: ## micro-benchmarks in release: dialects, cursor, seal, fan-out, the publish script on a Redis of its own; prints medians
	$(ENSURE) redis
	cargo bench -p wire -p domain -p broker -p gateway \
		--bench dialects --bench words --bench publish --bench fanout

bench-instructions: ## instructions by delivery and by message, counted by valgrind; the same on a busy machine
	cargo bench -p gateway --bench instructions

# All of them need two cores for themselves; what is measured is said in loadtest/bench.
compare: release peer ## this gateway beside stock socket.io, measured here and now (half an hour); CASES="a b …" REPETITIONS=3
	loadtest/targets.sh -r $(REPETITIONS) -c "$(CASES)"

targets: release peer ## as compare, and every other figure that is promised (two hours)
	loadtest/targets.sh -r 3
	loadtest/bench/growth.sh -r 3
	loadtest/bench/more.sh idle drain box history replay jitter avalanche leave rolling start size

growth: release ## what a delivery costs where there are more rooms, members, connections or nodes
	loadtest/bench/growth.sh -r $(REPETITIONS)

REPETITIONS ?= 1
CASES ?= a b bmax c d e
.PHONY: release peer
release:
	$(ENSURE) redis postgres
	cargo build --release -p hubbub -p swarm

peer:
	$(ENSURE) node
	cd loadtest/peers/socketio && npm ci --no-audit --no-fund

describe: ## write docs/openapi.json and docs/asyncapi.json anew from the code
	cargo run -q -p gateway --example openapi > target/openapi.json
	cargo run -q -p wire --example asyncapi > target/asyncapi.json
	mv target/openapi.json target/asyncapi.json docs/

cluster: ## a cluster of real processes on this machine (scratch data); prints its public address last
	@$(CLUSTER) up

cluster-status: ## which parts of the cluster run, and where
	@$(CLUSTER) status

cluster-logs: ## the end of every part's log
	@$(CLUSTER) logs

cluster-down: ## end exactly those processes
	@$(CLUSTER) down

clean-cluster: ## end them and remove their data and logs
	@$(CLUSTER) clean

services-install: ## install what tests and cluster need: Redis, Postgres, HAProxy, Node, Python
	@$(ENSURE) redis postgres haproxy node python
