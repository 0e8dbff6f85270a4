#!/bin/sh
# Prints the build tags for the libraries that this machine has, with commas
# between them; nothing where cgo or pkg-config is missing.
#
#   vpx   libvpx: an encoder for VP8 (Debian: libvpx-dev)
#
# Those in TAGS come with them, such as "microphone" and "screen", which nothing
# but a wish brings: see the README.
set -eu

has() { pkg-config --exists "$1" 2>/dev/null; }

tags=${TAGS:+,$TAGS}
if [ "${CGO_ENABLED:-1}" != 0 ] && command -v pkg-config >/dev/null; then
	if has vpx; then tags=$tags,vpx; fi
fi
echo "${tags#,}"
