# Shows of `go test -v` output what a reader needs: the packages, skipped tests
# with their reason, failed ones with their output, and whatever is not a test's:
# compiler errors, panics, data races.

/^=== (RUN|CONT|NAME|PAUSE)/ { test = $3; next }
/^ *--- (PASS|SKIP|FAIL|BENCH)/ {
	name = $3
	if ($2 == "FAIL:") printf "%s", output[name]
	if ($2 == "SKIP:") printf "%s", last[name]
	if ($2 != "PASS:") print
	delete output[name]
	delete last[name]
	next
}
/^(ok|FAIL|\?|PASS|exit status|coverage:)/ {
	if ($1 == "ok" || NF > 1) if ($0 !~ /no test files/) print
	test = ""
	spill = 0
	next
}
/^(panic:|fatal error:|SIG|WARNING: DATA RACE|# )/ { spill = 80 }
spill > 0 { print; spill--; next }
test == "" { if ($0 !~ /^(fuzz: elapsed|-test.shuffle)/) print; next }
{
	last[test] = $0 "\n"
	if (length(output[test]) < 8000) output[test] = output[test] $0 "\n"
}
