#!/usr/bin/env bash
# stages.sh STAGE...: runs the named stages one after the other, all of them
# even if one fails, prints the seconds each took and how many tests passed.
# Their logs lie in .cache/stages.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=$PWD/.cache/stages
mkdir -p "$logs"
in_ci=0 # the status of what is missing: nothing, or under CI a failure
if [ "${CI:-}" = true ]; then in_ci=1; fi
export PATH=$PWD/.tools/bin:$PATH

# shellcheck source=scripts/install.sh
. scripts/install.sh

passed=0 failed=0 skipped=0
table=()
declare -A job=()

# background NAME COMMAND... starts a job; await NAME waits for it and passes on
# its status. A job that was never started has succeeded.
background() {
	local name=$1
	shift
	"$@" >"$logs/$name.log" 2>&1 &
	job[$name]=$!
}

await() {
	[ -n "${job[$1]:-}" ] || return 0
	local pid=${job[$1]} status=0
	unset "job[$1]"
	wait "$pid" || status=$?
	cat "$logs/$1.log"
	return "$status"
}

# tagged prints build tags: those for what this machine has, and those given.
tagged() {
	local tags
	tags=$(sh scripts/tags.sh) && IFS=, && echo "${tags:+$tags${1:+,}}$*"
}

# gotest runs go test and keeps the whole output; see count.
gotest() {
	local log=$logs/$stage-tests.log status=0
	go test -v "$@" >>"$log" 2>&1 || status=$?
	[ "$status" = 0 ] || echo "whole output: ${log#"$PWD"/}"
	return "$status"
}

# count adds up the tests of a stage and shows those that did not pass.
count() {
	local log=$logs/$stage-tests.log
	[ -f "$log" ] || return 0
	passed=$((passed + $(grep -c '^--- PASS' "$log" || true)))
	failed=$((failed + $(grep -c '^--- FAIL' "$log" || true)))
	skipped=$((skipped + $(grep -c '^--- SKIP' "$log" || true)))
	awk -f scripts/summary.awk "$log"
}

# What takes long goes on beside the next stages.
stage_install() {
	background linter install_linter
	local status=0
	install_packages || status=1
	background node install_node
	background gstreamer install_gstreamer
	return $status
}

# Without the install stage only the linter is fetched.
stage_tools() {
	if [ -z "${job[linter]:-}" ]; then background linter install_linter; fi
	await linter
}

stage_format() {
	if have command:shellcheck; then shellcheck scripts/*.sh .ci/run || return; fi
	have command:golangci-lint || { lacking "no golangci-lint here; formats are not checked"; return; }
	golangci-lint fmt --diff || { echo "run: golangci-lint fmt" && return 1; }
}

stage_tidy() {
	go mod tidy -diff >"$logs/tidy.log" ||
		{ head -n 40 "$logs/tidy.log" && echo "run: go mod tidy" && return 1; }
}

# The linter looks at this system's files, with the checks of go vet among its own.
stage_vet() {
	have command:golangci-lint || go vet -tags "$(tagged e2e soak)" ./... || return
	GOOS=darwin CGO_ENABLED=0 go vet ./...
}

stage_lint() {
	have command:golangci-lint || { lacking "no golangci-lint here; nothing is linted"; return; }
	golangci-lint run --build-tags "$(tagged e2e soak)" ./...
}

# The core needs no C: it is built without, and tested where that can tell: the
# other rooms are the same with C, and are tested without it by the soak.
stage_pure() {
	CGO_ENABLED=0 go build -o .cache/weir-pure ./cmd/weir &&
		CGO_ENABLED=0 gotest -short -parallel 4 ./cmd/... ./publisher/... || return # many tests wait more than they work
	gotest -run '^TestAppendAllocatesNothing$' ./session || return # the race detector's stage cannot count
	[ "$(go env CGO_ENABLED)" = 0 ] || gotest -short -run '^TestWithoutVPX' ./publisher/device ./cmd/weir
}

stage_short() { gotest -short -tags "$(tagged)" ./...; }

stage_race() {
	[ "$(go env CGO_ENABLED)" = 1 ] || { lacking "no g++ here; data races are not looked for"; return; }
	gotest -race -shuffle=on -parallel 4 -timeout 15m -tags "$(tagged)" ./...
}

# fuzz runs one target. Go now and then takes the end of the time for a failure of
# its own: it is tried again once.
fuzz() {
	local log=$logs/$stage-tests.log before run=$logs/$stage-one.log
	set -- -run '^$' -fuzz "^$1\$" -fuzztime "${FUZZTIME:-30000x}" -fuzzminimizetime 100x "$2"
	touch "$log" && before=$(wc -c <"$log")
	if gotest "$@"; then return; fi
	tail -c +$((before + 1)) "$log" >"$run"
	if ! grep -q 'context deadline exceeded' "$run" || grep -q 'Failing input' "$run"; then return 1; fi
	echo "that was Go's own deadline: once more"
	head -c "$before" "$log" >"$run" && mv "$run" "$log"
	gotest "$@"
}

# The seeds of all targets run in the other stages. Here those that read what
# strangers send first, or all of them, run for a while: so many inputs unless
# FUZZTIME is a time. What is found is hardly made smaller: trying each part of a
# file of some hundred bytes would take longer than all the rest.
stage_fuzz() {
	local file name chosen=' FuzzFragment FuzzEntityTag FuzzLink FuzzEgress FuzzKeyFrameStart FuzzFile '
	while IFS=: read -r file name; do
		[ "${FUZZTARGETS:-}" = all ] || [[ $chosen == *" $name "* ]] || continue
		echo "$name in ${file%/*}"
		fuzz "$name" "./${file%/*}" || return
	done < <(git grep -o -E 'func Fuzz[A-Za-z0-9]+' -- '*_test.go' | sed 's/func //' | sort |
		awk '/^api\// { last = last $0 "\n"; next } { print } END { printf "%s", last }') # api takes minutes to build for it
}

# The other tests of cmd/weir have run, and go vet has seen these. Most of the pages'
# tests run in parallel, what counts and measures before them by itself. Nothing
# waits shorter than a slow machine needs: the time limits are for what hangs.
stage_e2e() {
	local own status=0
	await node && await gstreamer && sh scripts/build.sh || return
	own=$(grep -l '^//go:build.*e2e' cmd/weir/*_test.go | xargs sed -n 's/^func \(Test[A-Za-z0-9_]*\)(.*/\1/p' | paste -s -d '|')
	[ -n "$own" ] || return
	gotest -vet=off -tags "$(tagged e2e)" -timeout 20m -run "^($own)\$" ./cmd/weir || status=1
	gotest -vet=off -tags "$(tagged e2e)" -parallel 4 -timeout 60m ./e2e || status=1
	gotest -vet=off -tags "$(tagged e2e)" -parallel 4 -timeout 20m ./e2e/netns || status=1
	return "$status"
}

stage_soak() {
	await node && await gstreamer && install_camera && install_screen || return
	GOOS=windows CGO_ENABLED=0 go vet ./... && CGO_ENABLED=0 gotest -short ./... || return
	[ "$(go env CGO_ENABLED)" = 0 ] || go vet -tags "$(tagged microphone)" ./... || return
	if have command:Xvfb && have pkg:x11 && have pkg:xext; then
		gotest -tags "$(tagged soak screen)" -count=1 -run '^TestScreen$' ./publisher/device || return
	fi
	gotest -tags "$(tagged soak)" -count=1 -run '^TestVivid$' ./publisher/device || return # alone: it counts pictures
	gotest -tags "$(tagged soak)" -count=1 -timeout 2h -skip '^TestVivid$' ./... &&
		E2E_SOAK=1 gotest -tags "$(tagged e2e)" -count=1 -p 1 -timeout 1h ./whip ./cmd/... ./e2e/...
}

stage_bench() {
	go test -tags "$(tagged)" -run '^$' -bench "${BENCH:-.}" -benchmem ./... || return
	[ -n "${BENCH:-}" ] ||
		go run -tags e2e ./e2e/fan -floor "${FLOOR:-}"
}

for stage in "$@"; do
	rm -f "$logs/$stage-tests.log"
	echo "=== $stage"
	[ "$stage" = install ] || have command:g++ || export CGO_ENABLED=0
	began=$SECONDS before=$failed result=ok
	"stage_$stage" || result=FAILED
	count
	if [ $result = FAILED ] && [ "$failed" = "$before" ]; then failed=$((failed + 1)); fi
	table+=("$(printf '%-8s %5d s  %s' "$stage" $((SECONDS - began)) $result)")
done

printf '%s\n' "${table[@]}" "all      $(printf '%5d' $SECONDS) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
