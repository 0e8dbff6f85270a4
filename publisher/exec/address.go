package exec

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// lookup is Options.Lookup.
func lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name) //nolint:wrapcheck // it names what was looked up
}

// leads returns an error if an input's host has, among its addresses, one that is within and not listed as an address. FFmpeg
// looks the host up once more.
func (f *FFmpeg) leads(ctx context.Context, in input) error {
	if in.host == "" {
		return nil
	}
	all, err := f.opts.Lookup(ctx, in.host)
	if err != nil {
		return fmt.Errorf("look up the input's host: %w", err)
	}
	for _, addr := range all {
		if within(addr) && !f.opts.Allowed.address(in.name, addr, in.port) {
			return fmt.Errorf("%s leads to %s, which is an address of this machine, its link or its cloud: list %s in %s if that is meant",
				in.shown, addr, entry(in.name, addr.Unmap().String(), in.port), Key)
		}
	}
	return nil
}

// within says whether an address is of this machine, of its link, or of its cloud's services, which give secrets away.
func within(addr netip.Addr) bool {
	addr = addr.WithZone("").Unmap()
	if b := addr.As16(); addr.Is6() && netip.MustParsePrefix("64:ff9b::/96").Contains(addr) { // of IPv4 (RFC 6052)
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	services := []netip.Addr{
		netip.AddrFrom4([4]byte{168, 63, 129, 16}), netip.AddrFrom4([4]byte{100, 100, 100, 200}), netip.MustParseAddr("fd00:ec2::254"),
	}
	return addr.IsLoopback() || addr.IsUnspecified() || addr.IsLinkLocalUnicast() || addr.IsLinkLocalMulticast() ||
		addr.IsInterfaceLocalMulticast() || addr.Is4() && addr.As4()[0] == 0 || slices.Contains(services, addr)
}
