#!/bin/sh
# Builds bin/weir. Without a C and a C++ compiler (or with CGO_ENABLED=0) it has
# no encoders, and the embedded clip plays. scripts/tags.sh says what else this
# machine has.
set -eu
cd "$(dirname "$0")/.."

if ! command -v go >/dev/null; then
	echo "make: no go here: install Go 1.26 or newer" >&2
	exit 1
fi
cgo=1
for compiler in "$(go env CC)" "$(go env CXX)"; do
	compiler=${compiler%% *} # it may be followed by flags
	if ! command -v "$compiler" >/dev/null; then
		echo "make: no $compiler here: building with CGO_ENABLED=0, without encoders; the embedded clip plays"
		cgo=0
		break
	fi
done
if [ "${CGO_ENABLED:-1}" = 0 ] && [ "$cgo" = 1 ]; then
	echo "make: CGO_ENABLED=0: building without encoders; the embedded clip plays"
	cgo=0
fi
mkdir -p bin
tags=$(CGO_ENABLED=$cgo sh scripts/tags.sh)
if [ "$cgo" = 1 ] && [ "${tags#*vpx}" = "$tags" ]; then
	echo "make: no libvpx here (Debian: libvpx-dev pkg-config): building without a VP8 encoder; the embedded clip stands in"
fi
CGO_ENABLED=$cgo go build -tags "$tags" -o bin/weir ./cmd/weir
