# Two commands do everything: `make demo` and `make test`.
# SCRATCH may name a build folder outside the checkout, to keep what is built between checkouts.

# SwiftPM orders compiler flags by hash seed; without this, alternating build and test recompiles
# everything. For build commands only: the programs themselves must run with random hashing.
BUILD_ENV := SWIFT_DETERMINISTIC_HASHING=1
SCRATCH ?= .build
DEBUG := --scratch-path $(SCRATCH)/debug
RELEASE := -c release --scratch-path $(SCRATCH)/release
PACKAGES := libsqlite3-dev libzstd-dev libssl-dev libfuse3-dev fuse3
# What the tests of NFS use as clients: the kernel's own, in a process, and libnfs. Without them those tests are skipped.
# And the programs that the tests of mounts use unchanged; one that is missing is named and left out.
TEST_PACKAGES := user-mode-linux socat kmod nfs-common iproute2 libnfs-utils attr gcc git python3 python3-gdbm rsync sqlite3
INPUT ?=
REPORT ?= atoll-report
DEMO_DIR ?= $(CURDIR)/.build-demo

.PHONY: demo test build release packages test-packages check format format-check bench soak mutants hashes record-hashes clean

# The whole story: a three-region cluster on this machine, both kinds of file system, real files.
demo: release
	ATOLL=$$(./deploy/binary-path.sh $(SCRATCH)/release release) DEMO_DIR=$(DEMO_DIR) REPORT=$(REPORT) INPUT=$(INPUT) ./deploy/demo.sh

release: packages
	$(BUILD_ENV) swift build $(RELEASE) --product atoll

build: packages
	$(BUILD_ENV) swift build $(DEBUG) --build-tests

test: build test-packages
	./deploy/test.sh $(SCRATCH)/debug

# Every figure of docs/benchmarks.md that is measured on this machine, beside its aim. BENCH_PARTS chooses.
bench: release
	ATOLL=$$(./deploy/binary-path.sh $(SCRATCH)/release release) BENCH_DIR=$(DEMO_DIR) REPORT=$(REPORT) \
	    REVISION=$$(git describe --always --dirty 2>/dev/null || echo unknown) ./deploy/bench.sh

# Random worlds under virtual time, from seed SEED on, until one breaks a promise.
SEEDS ?= 1000
SEED ?= 1
soak: release hashes
	$$(./deploy/binary-path.sh $(SCRATCH)/release release) simulate swarm --seed $(SEED) --seeds $(SEEDS) --until-failure

# How many seeds it takes until the checkers see each fault that is built in on purpose.
mutants: release hashes
	$$(./deploy/binary-path.sh $(SCRATCH)/release release) simulate swarm --mutants --seeds 10000

# A release build comes to the trace hashes that are recorded, as the tests look in a debug build; record-hashes
# writes them anew after a change of what runs do.
hashes: release
	$$(./deploy/binary-path.sh $(SCRATCH)/release release) simulate hashes

record-hashes: release
	$$(./deploy/binary-path.sh $(SCRATCH)/release release) simulate hashes --record

packages:
	@./deploy/install-packages.sh $(PACKAGES)

test-packages:
	@./deploy/install-packages.sh $(TEST_PACKAGES) || echo "some tests will be skipped: not installed: $(TEST_PACKAGES)" >&2

# What CI checks before the tests.
check: format-check

format:
	swift format -i -r --configuration .swift-format Package.swift Sources Tests

format-check:
	swift format lint -s -r --configuration .swift-format Package.swift Sources Tests

clean:
	rm -rf $(SCRATCH)/debug $(SCRATCH)/release $(DEMO_DIR)
