#!/usr/bin/env bash
# vendor.sh lays down in static/vendor what the pages use of others: the pinned
# versions, fetched with npm pack and held to the integrity recorded here. After
# a new version its sums go into static/vendor_test.go and THIRD_PARTY.md.
set -euo pipefail
cd "$(dirname "$0")/.."

into=$PWD/static/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# unpack PACKAGE@VERSION INTEGRITY leaves the package's files in $package.
unpack() {
	local archive sum
	archive=$(cd "$work" && npm pack --silent --ignore-scripts "$1")
	sum=sha512-$(openssl dgst -sha512 -binary "$work/$archive" | base64 -w0)
	if [ "$sum" != "$2" ]; then
		echo "vendor.sh: $1 has integrity $sum, not $2" >&2
		return 1
	fi
	package=$work/${archive%.tgz}
	mkdir "$package"
	tar -xzf "$work/$archive" -C "$package" --strip-components=1 --no-same-owner
}

# lay FROM TO copies one file.
lay() { install -m 0644 "$package/$1" "$into/$2"; }

mkdir -p "$into"

unpack uplot@1.6.32 sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==
lay dist/uPlot.esm.js uplot.js
lay dist/uPlot.min.css uplot.css
lay LICENSE uplot.LICENSE.txt

unpack uqr@0.1.3 sha512-0rjE8iEJe4YmT9TOhwsZtqCMRLc5DXZUI2UEYUUg63ikBkqqE5EYWaI0etFe/5KUcmcYwLih2RND1kq+hrUJXA==
lay dist/index.mjs uqr.js
lay LICENSE uqr.LICENSE.txt

unpack swagger-ui-dist@5.35.0 sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==
lay swagger-ui-bundle.js swagger-ui-bundle.js
lay swagger-ui-bundle.js.LICENSE.txt swagger-ui-bundle.js.LICENSE.txt
lay swagger-ui.css swagger-ui.css
lay LICENSE swagger-ui.LICENSE.txt
lay NOTICE swagger-ui.NOTICE.txt

unpack redoc@3.0.1 sha512-KDfoKaYW19LCl4YStgBnwlaNjYEFfs5zCNt1s1WZ2YM5u8d26Yuzd2l43fZO851ZsgIMe/D640fDJkD8eaRQKQ==
lay bundles/redoc.standalone.js redoc.standalone.js
lay LICENSE redoc.LICENSE.txt

(cd "$into" && sha256sum -- *)
