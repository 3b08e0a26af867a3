# Everything a contributor runs; `make` alone lists the targets. Each target does its own set-up: in the
# environment that is active, or else in a new one, .venv.
PYTHON ?= python3
VENV ?= $(or $(VIRTUAL_ENV),.venv)
BIN := $(VENV)/bin
# Some linters start others by name.
export PATH := $(abspath $(BIN)):$(PATH)
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
DEBUG_BUILD := build/debug
RACES_BUILD := build/races
# Python itself is not built with the sanitizers: they must come first (and C++'s library with them, for the
# exceptions of other packages), and its own leaks are no news. An allocation that no memory holds fails, as it
# does without them, and does not end the process.
SANITIZED := LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) libstdc++.so.6" \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	PYTHONPATH=$(abspath $(DEBUG_BUILD)/lib)
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
C_FILES := $(shell find src/fastcnn/_kernels/csrc -name "*.[ch]" -o -name "*.inc")

.PHONY: help venv build debug races fuzz valgrind sanitize neon installs reproducible test bench lint format train clean
.DEFAULT_GOAL := help

help:            ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

# A Debian without pip's, Python's or the compiler's package gets it; elsewhere the build says what it misses.
$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip, sysconfig as s; open(s.get_path("include") + "/Python.h")' 2>/dev/null \
		&& command -v $(CC) >/dev/null || ! command -v apt-get >/dev/null \
		|| { $(SUDO) apt-get update && $(SUDO) apt-get install -y python3-venv python3-dev gcc libc6-dev; }
	$(PYTHON) -m venv $(VENV)

$(BIN)/.fastcnn-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@

$(BIN)/.fastcnn-lint: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,lint]"
	@touch $(BIN)/.fastcnn-test $@

venv: $(BIN)/.fastcnn-test ## create the environment and install fastcnn in it, editable, with its test tools

build: $(BIN)/.fastcnn-test ## compile the kernels in place
	$(BIN)/python setup.py -q build_ext --inplace

# What they find is printed where it is found: pytest must not capture it. Tests of memory and time measure theirs too.
debug: $(BIN)/.fastcnn-test ## build with AddressSanitizer and UBSan, apart, and run all tests
	FASTCNN_DEBUG=1 FASTCNN_SANITIZE=memory $(BIN)/python setup.py -q build \
		--build-base $(DEBUG_BUILD) --build-lib $(DEBUG_BUILD)/lib
	$(SANITIZED) $(BIN)/python -m pytest -q --capture=sys tests \
		$(foreach name,build sdist flat_memory hostile_files,--ignore=tests/test_$(name).py)

# Some tests change weights while others predict: those races are the point there. NumPy's own threads are not built
# with the sanitizer.
races: $(BIN)/.fastcnn-test ## build with ThreadSanitizer, apart, and run the tests that use threads
	FASTCNN_DEBUG=1 FASTCNN_SANITIZE=threads $(BIN)/python setup.py -q build \
		--build-base $(RACES_BUILD) --build-lib $(RACES_BUILD)/lib
	LD_PRELOAD="$$($(CC) -print-file-name=libtsan.so)" TSAN_OPTIONS=die_after_fork=0 OPENBLAS_NUM_THREADS=1 \
		PYTHONPATH=$(abspath $(RACES_BUILD)/lib) $(BIN)/python -m pytest -q -p no:cacheprovider \
		-k "not weights_change_while and not interrupt" tests/test_together.py tests/engine/test_runners.py \
		tests/engine/test_cache.py tests/engine/test_compiled.py tests/_kernels/test_cpu.py \
		tests/_kernels/test_program_slots.py tests/_kernels/test_program_conv.py \
		tests/_kernels/test_program_winograd.py tests/_kernels/test_conv2d.py

fuzz: build      ## read a million damaged files; with atheris installed, where new code is reached
	$(BIN)/python -m tests.fuzzing

valgrind: build  ## run kernels, compiled for AVX2, on arrays of a few elements under valgrind
	$(BIN)/python -m tests.valgrind

sanitize: debug races valgrind fuzz ## what continuous integration has no time for

neon:            ## cross-compile for aarch64 and run the tests of the kernels under qemu (Debian, as root)
	tests/aarch64/run.sh

installs:        ## install the sdist with each Python on PATH, old and new dependencies, and clang; make a wheel
	tests/installs/run.sh

reproducible:    ## build twice, in two folders, and compare every byte of wheel and sdist
	tests/installs/run.sh reproducible

test: build      ## run the tests, the examples, and the benches once without timing
	$(BIN)/python -m pytest -q -n auto tests
	$(BIN)/python -m pytest -q bench --benchmark-disable

bench: build     ## time the kernels against plain NumPy, and PyTorch if installed, after checking their answers
	$(BIN)/python -m pytest -q bench

lint: $(BIN)/.fastcnn-lint ## check style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/cython-lint src/fastcnn/_kernels
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)
	$(BIN)/mypy
	$(BIN)/mypy --strict tests/typing/user.py

format: $(BIN)/.fastcnn-lint ## rewrite Python and C in the project's style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)

train: build     ## train the default network on MNIST
	$(BIN)/fastcnn train

clean:           ## remove everything that was built; the environment and runs/ stay
	rm -rf build dist src/fastcnn.egg-info src/fastcnn/_kernels/*.so
	find src tests bench examples -name __pycache__ -prune -exec rm -rf {} +
