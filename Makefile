# make test is what a contributor and the CI run. The other targets take longer and are for a quiet hour.

GO ?= go
# One name per line of go list; packages with fuzz targets are found by their text, so that new ones need no entry here.
FUZZTIME ?= 20s
SOAK ?= 2000

.PHONY: test toolchain vet soak bench bench-peers bench-packages fuzz validate programs products engines

test: toolchain vet
	$(GO) test -timeout=20m ./...

vet:
	$(GO) vet ./...

# The CPU target compiles with the LLVM of the computer. Everything else works without it, so a failed installation is not fatal: the
# tests that need it say so and are skipped.
toolchain:
	@sh scripts/toolchain.sh

# Random programs, many more than a test run has: the targets against each other, the engines against each other, and verdicts against
# the simulator; training processes killed at random. Multigrid up to 256^3.
soak: toolchain
	$(GO) test -count=1 -timeout=8h -v -run TestTargetsAgree ./tests/random -cases $(SOAK)
	$(GO) test -count=1 -timeout=8h -v -run Random ./target/cpu -cases $(SOAK)
	$(GO) test -count=1 -timeout=8h -v ./tests/engines -cases $(SOAK)
	$(GO) test -count=1 -timeout=8h -v ./target/wse/verdict -cases $(SOAK) -hands $(SOAK)
	$(GO) test -count=1 -timeout=8h -v -run TestKilled ./runtime/train -kills $(SOAK)
	WFC_LARGE=1 $(GO) test -count=1 -timeout=8h -v -run TestMultigridFlat ./tests/solvers

# The simulator against published cycles: docs/validation.md and docs/validation.json.
validate:
	$(GO) test -count=1 -run TestCommittedPage -v ./target/wse/validate -update

# The programs of models/ on the simulated wafer: docs/programs.md.
programs:
	$(GO) run ./bench/wafer

# Products of matrices in every distribution: docs/products.md.
products:
	$(GO) run ./bench/products

# The fast engine of the simulated wafer against the plain one: the figures of docs/engines.md.
engines:
	$(GO) run ./bench/engines
	$(GO) test ./tests/train -run '^$$' -bench Engines -benchtime 5x
	$(GO) run ./bench/engines -costs

# The CPU target in whole programs; with peers it writes docs/performance.md. Quiet hours only. Then the benchmarks of the packages.
bench: toolchain
	$(GO) run ./bench/native

bench-peers: toolchain
	$(GO) run ./bench/native -peers -o docs/performance.md

bench-packages:
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz:
	@set -e; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$p; \
	  done; \
	done
