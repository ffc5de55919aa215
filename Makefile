# The few commands that a person needs; meson and ninja do the work.
#
#   make CC=clang build       another compiler        (a fresh build folder)
#   make BUILD=/tmp/b build   another build folder
#   make fuzz SECONDS=600     seconds for each target

BUILD ?= build
SECONDS ?= 60
DESTDIR ?=
PREFIX ?= /usr/local

.DEFAULT_GOAL := build
.PHONY: help deps build demo demo-down check bench fuzz install clean fmt

help:
	@echo 'make build    installs what is missing and builds $(BUILD)/spean'
	@echo 'make demo     builds, and runs an exchange on this machine (root)'
	@echo 'make demo-down  takes the demo away again'
	@echo 'make check    builds, and passes all tests (root)'
	@echo 'make bench    measures beside bird2 (root)'
	@echo 'make fuzz     fuzzes every parser, SECONDS each ($(SECONDS))'
	@echo 'make install  into DESTDIR, PREFIX ($(PREFIX))'
	@echo 'make deps     only installs what is missing, for all of these'
	@echo 'make fmt      formats the code'
	@echo 'make clean    removes what was built'

deps:
	@tools/deps.sh

$(BUILD)/build.ninja:
	meson setup $(BUILD) --buildtype=release --prefix=$(PREFIX) >$(BUILD).log 2>&1 \
		|| { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

build:
	@tools/deps.sh build
	@$(MAKE) -s $(BUILD)/build.ninja
	@ninja -C $(BUILD) src/daemon/spean
	@ln -sf src/daemon/spean $(BUILD)/spean

demo:
	@tools/deps.sh build demo
	@$(MAKE) -s build
	@tools/demo.sh $(BUILD)/spean

demo-down:
	@$(BUILD)/spean lab down

check:
	@tools/deps.sh check
	@BUILD=$(BUILD) python3 tools/check.py

bench:
	@tools/deps.sh build bench
	@$(MAKE) -s build
	@bench/run.sh

fuzz:
	@tools/deps.sh check
	@FUZZ_S=$(SECONDS) tools/fuzz.sh

install: build
	@ninja -C $(BUILD)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

fmt:
	@tools/deps.sh fmt
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz
