# shellcheck shell=bash
# Installs what the tests need and this machine lacks: sourced by stages.sh,
# whose variables it uses. What cannot be had is a failure under CI; elsewhere
# its tests are skipped.

: "${logs:?}" "${in_ci:?}"

exec 3>&1
# say prints at once, also from a job in the background.
say() { echo "make: $*" >&3; }

# lacking says what is missing and with it not tested.
lacking() {
	say "$*"
	return "$in_ci"
}

GOLANGCI=2.15.0

# One command or file that proves each Debian package.
PACKAGES=(
	"chromium command:chromium"
	"firefox-esr command:firefox-esr"
	"curl command:curl"
	"fonts-dejavu-core file:/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
	"ffmpeg command:ffmpeg"
	"iproute2 command:ip"
	"nftables command:nft"
	"ethtool command:ethtool"
	"shellcheck command:shellcheck"
	"pkg-config command:pkg-config"
	"g++ command:g++"
	"libvpx-dev pkg:vpx"
	"libgstreamer1.0-dev pkg:gstreamer-1.0"
	"libgstreamer-plugins-base1.0-dev pkg:gstreamer-sdp-1.0"
	"libgstreamer-plugins-bad1.0-dev pkg:gstreamer-webrtc-1.0"
	"gstreamer1.0-plugins-base plugin:libgstopus.so"
	"gstreamer1.0-plugins-good plugin:libgstrtp.so"
	"gstreamer1.0-plugins-bad plugin:libgstwebrtc.so"
	"gstreamer1.0-libav plugin:libgstlibav.so"
	"gstreamer1.0-nice plugin:libgstnice.so"
)

have() {
	case $1 in
	file:*) [ -e "${1#*:}" ] ;;
	command:*) command -v "${1#*:}" >/dev/null ;;
	pkg:*) pkg-config --exists "${1#*:}" 2>/dev/null ;;
	plugin:*) compgen -G "/usr/lib/*/gstreamer-1.0/${1#*:}" >/dev/null ;;
	esac
}

# install_packages installs the missing Debian packages, or says how to.
install_packages() {
	local entry missing=()
	for entry in "${PACKAGES[@]}"; do
		have "${entry#* }" || missing+=("${entry% *}")
	done
	command -v npm >/dev/null || missing+=(nodejs npm)
	[ ${#missing[@]} -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null; then
		lacking "no apt-get here; tests that need one of these are skipped: ${missing[*]}"
		return
	fi
	if [ "$(id -u)" != 0 ]; then
		lacking "not root; tests that need these are skipped until: sudo apt-get install -y ${missing[*]}"
		return
	fi
	say "apt-get install ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$logs/apt.log" 2>&1 && return 0
	tail -n 15 "$logs/apt.log"
	lacking "apt-get failed; tests that need those are skipped"
}

# install_linter leaves golangci-lint of the pinned version in .tools/bin.
install_linter() {
	local found
	found=$(command -v golangci-lint || true)
	if [ -n "$found" ] && "$found" version 2>/dev/null | grep -q "version v\?${GOLANGCI} "; then
		return 0
	fi
	say "golangci-lint $GOLANGCI into .tools/bin (some minutes, once)"
	GOBIN=$PWD/.tools/bin GOFLAGS=-buildvcs=false CGO_ENABLED=0 go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$GOLANGCI" ||
		lacking "golangci-lint cannot be built; nothing is linted"
}

# install_node installs the npm packages of the browser tests.
install_node() {
	[ -f e2e/package-lock.json ] || return 0
	if ! command -v npm >/dev/null; then
		lacking "no npm here; tests in Node and in browsers are skipped"
		return
	fi
	# npm writes this file last; newer than the lockfile, it is complete.
	[ e2e/node_modules/.package-lock.json -nt e2e/package-lock.json ] && return 0
	say "npm ci in e2e"
	(cd e2e && npm ci --no-audit --no-fund --loglevel=error) ||
		lacking "npm ci failed; tests in Node and in browsers are skipped"
}

# install_gstreamer builds GStreamer's WHEP player and WHIP client. It takes what
# other stages leave: their tests run meanwhile.
install_gstreamer() {
	if ! command -v cargo >/dev/null; then
		lacking "no cargo here (1.92 or newer); the GStreamer tests are skipped"
		return
	fi
	[ e2e/gstreamer/target/release/pipeline -nt e2e/gstreamer/Cargo.lock ] && return 0
	say "cargo build in e2e/gstreamer (about two minutes, once)"
	(cd e2e/gstreamer && nice -n 19 cargo build --locked --release --quiet) ||
		lacking "cargo build failed; the GStreamer tests are skipped"
}

# install_screen brings what the capture of a screen is built with and tested on.
install_screen() {
	if have command:Xvfb && have pkg:x11 && have pkg:xext; then return 0; fi
	if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
		lacking "no Xvfb, libx11-dev or libxext-dev (root on Debian can bring them); no screen is captured"
		return
	fi
	say "apt-get install xvfb libx11-dev libxext-dev"
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends xvfb libx11-dev libxext-dev; } >"$logs/screen.log" 2>&1 ||
		lacking "apt-get failed; no screen is captured"
}

# install_camera brings the machine in which a camera is tested: qemu, and
# Debian's kernel, which is only unpacked, into .cache/vivid.
install_camera() {
	local place=.cache/vivid kernel
	have command:qemu-system-x86_64 && compgen -G "$place/boot/vmlinuz-*" >/dev/null &&
		compgen -G "$place/lib/modules/*/kernel/drivers/net/ethernet/intel/e1000" >/dev/null && return 0
	if [ "$(uname -m)" != x86_64 ] || ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
		lacking "no qemu-system-x86_64, or no kernel in $place (root on Debian for amd64 can bring both); no real camera is tested"
		return
	fi
	say "qemu-system-x86 and a kernel into $place"
	rm -rf "$place" && mkdir -p "$place"
	{
		apt-get update -q
		have command:qemu-system-x86_64 || DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends qemu-system-x86
		kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
		(cd "$place" && apt-get download -q "$kernel" &&
			dpkg-deb --fsys-tarfile ./linux-image-*.deb |
			tar -xf - --wildcards './boot/vmlinuz-*' './lib/modules/*/kernel/drivers/media/*' \
				'./lib/modules/*/kernel/drivers/net/ethernet/intel/e1000/*' && rm -f ./linux-image-*.deb)
	} >"$logs/camera.log" 2>&1 && return 0
	tail -n 15 "$logs/camera.log"
	lacking "qemu or the kernel cannot be had; no real camera is tested"
}
