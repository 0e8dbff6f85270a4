# `make` lists the targets. `run` and `build` need Go, git, make, gcc and g++.

.DEFAULT_GOAL := help
.PHONY: help run build check test soak fuzz bench

# Where git cannot read the repository (another owner), builds go unstamped.
ifneq ($(shell git status --porcelain >/dev/null 2>&1 && echo yes),yes)
export GOFLAGS := $(GOFLAGS) -buildvcs=false
endif

FUZZTIME ?= 1m
FLOOR ?=
BENCH ?=
ARGS ?=

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
	@echo
	@echo '  make run ARGS="-addr :8080"     flags for the program; bin/weir -h lists them'
	@echo '  make build TAGS=microphone      and screen, with a comma between: see README'
	@echo '  make fuzz FUZZTIME=10m          for each target'
	@echo '  make bench BENCH=VP8            one benchmark alone: what 720p in VP8 costs of a core'
	@echo '  make bench FLOOR=DIR            beside the measuring instruments in DIR'

run: build ## build, start, print the address to open
	@exec bin/weir $(ARGS)

build: ## bin/weir; without g++ one without encoders, with libvpx-dev VP8's too
	@sh scripts/build.sh

check: ## formatters, linters, short tests: about a minute
	@bash scripts/stages.sh tools format tidy vet lint pure short

test: ## everything CI runs; installs what the tests need
	@bash scripts/stages.sh install tools format tidy vet lint pure race fuzz e2e

soak: ## the slow tests: rules broken one at a time, long runs
	@bash scripts/stages.sh install soak

fuzz: ## every fuzz target for FUZZTIME
	@FUZZTIME=$(FUZZTIME) FUZZTARGETS=all bash scripts/stages.sh fuzz

bench: ## benchmarks, and the fan-out beside the instruments in FLOOR
	@FLOOR=$(FLOOR) BENCH=$(BENCH) bash scripts/stages.sh bench
