# One door: people and CI run these targets only.
CARGO ?= cargo
DATA_DIR ?= .run
FUZZ_SECONDS ?= 60

.PHONY: run build images test lint bench fuzz deps

## build and start all services on the embedded store; prints how to point kubectl at them
run: build
	./target/release/catena up --data-dir $(DATA_DIR)

build:
	$(CARGO) build --release --bin catena

## an image a process, and catena with all of them, in target/images; needs
## buildah, musl-gcc and the target of rustup that deploy/images/build.sh names
images:
	sh deploy/images/build.sh

## everything that must pass; properties are tried with the same values each time
test: deps lint
	$(CARGO) build --bin catena
	PROPTEST_RNG_SEED=1 $(CARGO) test --workspace

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

## workloads against the release build; KUBE_APISERVER and ETCD name binaries to measure beside it
bench: build
	$(CARGO) run --release -p catena-tests-bench

## every decoder under libFuzzer for FUZZ_SECONDS each; needs clang or g++
fuzz:
	sh tests/fuzz/run.sh $(FUZZ_SECONDS)

## real parts that the tests use; what cannot be installed is skipped by the tests that need it
deps:
	@sh tests/deps.sh
