# The tasks of a checkout. Every target first sets up what it needs.
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
# Of pytest, side by side. A worker may also run a VM, QEMU or a debugger.
WORKERS := 2
NATIVE := $(shell find native mtedbg/lab/guest tests/support/programs tests/programs/inputs \
	-name build -prune -o \( -name '*.c' -o -name '*.cc' -o -name '*.h' \) -print)

.PHONY: help setup setup-demo setup-check demo check test sanitize sanitize-host mutants golden lint format bench bench-core bench-native programs-table libraries fuzz crashes oracle soundness stress guests programs moved-programs mutated-programs jits aarch64 pythons debuggers litmus lock wheel release clean
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 21

setup: ## install and build what is missing, for all targets
	@python3 scripts/setup

setup-demo: ## what the demo needs
	@python3 scripts/setup demo

setup-check: ## what the quick check needs
	@python3 scripts/setup check

demo: setup-demo ## a tour: a fault, its patch, a crash, the post-mortem
	@$(BIN)/mtedbg demo

check: lint ## quick check: format, lint, types, unit and golden tests, quick native unit tests
	ctest --test-dir native/build/host --output-on-failure --no-tests=error -LE slow -j $(WORKERS)
	$(BIN)/pytest -q -n $(WORKERS) tests/unit tests/golden

test: setup lint ## all checks and tests
	ctest --test-dir native/build/host --output-on-failure --no-tests=error
	@$(MAKE) sanitize-host
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  -m 'not herd7 and not serial and not jits'
	$(BIN)/pytest -m serial

sanitize: sanitize-host ## emitter, code manager, debug root under AddressSanitizer, UBSan, TSan
	$(BIN)/pytest tests/live/test_sanitized_translator.py

sanitize-host: setup ## the same without the translator, which QEMU runs
	@cd native && for preset in host-asan host-tsan; do \
	  ctest --preset $$preset --no-tests=error || exit 1; done

golden: setup-check ## show what changed in the expected answers, then write them; OPTIONS=--check only shows
	@$(BIN)/python -m tests.golden.update $(OPTIONS)

lint: setup-check ## format, lint, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@clang-format --dry-run --Werror $(NATIVE)

format: setup-check ## format all sources
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .
	clang-format -i $(NATIVE)

fuzz: setup ## fuzz the readers of dead processes' files for an hour; SECONDS=60 for less
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),3600)

crashes: setup ## every crashing program: first lines, calls, damaged copies, groups; MATCH=rusty for some
	@$(BIN)/python -m tests.crashes --workers $(WORKERS) --match "$(MATCH)"

oracle: setup ## compare random instructions with this x86-64 processor; STEPS=100000 for fewer
	@$(BIN)/python -m tests.oracle run --steps $(or $(STEPS),10000000) --seed $(or $(SEED),1000) \
	  --options "$(OPTIONS)"

mutants: setup-check ## put every known fault into the runtime: a unit test must notice; MATCH=barrier
	@$(BIN)/python -m tests.mutants --workers $(WORKERS) --match "$(MATCH)"

soundness: setup ## every enumerated schedule of the memory protocol: hours; ROUNDS=100 for a sample
	@$(BIN)/python -m tests.soundness $(if $(ROUNDS),--rounds $(ROUNDS))

stress: setup ## litmus tests on real threads that are moved, in the VM; ROUNDS=10000 for less
	@$(BIN)/python -m tests.soundness.stress --rounds $(or $(ROUNDS),1000000)

guests: setup ## every guest program in every way, under QEMU and in the VM
	@$(BIN)/python -m tests.live.guest_matrix

programs: setup ## Debian's amd64 programs, as natively? under QEMU and in the VM; goes on where it was; MATCH=python3 ANEW=1
	@$(BIN)/python -m tests.programs --workers $(WORKERS) --match "$(MATCH)" $(if $(ANEW),--anew)

moved-programs: setup ## those with threads, which are moved from processor to processor in the VM; RUNS=10
	@$(BIN)/python -m tests.programs --moved $(or $(RUNS),100) --match "$(MATCH)" $(if $(ANEW),--anew)

mutated-programs: setup ## damaged ELF files of programs; COUNT=100 for fewer
	@$(BIN)/python -m tests.programs --workers $(WORKERS) --mutants $(or $(COUNT),1000)

jits: setup ## real JITs whose programs take minutes under QEMU; `make test` has the rest
	$(BIN)/pytest -q -m jits

aarch64: setup ## the wheels on AArch64 with memory tagging, in the VM; every frozen answer there
	@$(BIN)/python -m tests.live.aarch64_machine

pythons: setup-check ## unit tests and frozen answers under each Python from 3.11 that is here
	@$(BIN)/python -m tests.live.pythons --workers $(WORKERS)

debuggers: setup ## the same answers in GDB 13, 16, 18 and LLDB 19, 21, 22, 23
	@$(BIN)/python -m tests.live.debugger_versions

bench: setup ## time and memory, compared with GDB's and LLDB's own commands: docs/measurements.md
	@$(BIN)/python -m bench

bench-core: setup ## the first report on large cores, and triage of ten thousand small ones
	@$(BIN)/python -m bench cores triage

bench-native: setup ## what the runtime costs, compared with the least that would do
	@$(BIN)/python -m bench.native

programs-table: setup ## programs of Debian: accesses that need order, faults, instructions beside QEMU and box64
	@$(BIN)/python -m bench.order

libraries: setup ## programs of public libraries: which accesses are ordered, and faults
	@$(BIN)/python -m bench.libraries

litmus: setup-check ## run the protocol's litmus files under herd7, which is fetched, and record the verdicts
	@$(BIN)/python -m litmus --fetch --record
	$(BIN)/pytest -q -m herd7 tests/soundness

lock: ## pin anew what pip installs, after a change in pyproject.toml; OPTIONS=--upgrade for newer
	@python3 scripts/lock $(OPTIONS)

wheel: setup ## build both wheels in dist/: the package, and what its lab runs
	@$(BIN)/python scripts/make_wheel.py

release: setup ## the same with checks, SBOMs and checksums, in an empty dist/; uploads nothing
	@$(BIN)/python scripts/release.py

clean: ## remove what was built here; the VM's kernel stays in the cache
	rm -rf .venv build dist native/build mtedbg/_data .mypy_cache .pytest_cache .ruff_cache .hypothesis
