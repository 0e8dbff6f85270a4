package main

import (
	"fmt"
	"net"
	"strings"
)

// defaultStream is the name of the stream that runs from the start.
const defaultStream = "test"

// addresses is what a person needs first: what to open, and which port media
// takes.
func addresses(listening net.Addr, live bool) string {
	a, ok := listening.(*net.TCPAddr)
	if !ok {
		return "listening on " + listening.String() + "\n"
	}
	hosts := []string{a.IP.String()}
	if a.IP.IsUnspecified() {
		hosts = reachable(a.IP.To4() != nil)
	}
	var b strings.Builder
	for _, host := range hosts {
		base := "http://" + net.JoinHostPort(host, fmt.Sprint(a.Port))
		if live {
			fmt.Fprintf(&b, "watch  %s/watch/%s\n", base, defaultStream)
			fmt.Fprintf(&b, "WHEP   %s/whep/%s\n", base, defaultStream)
			continue
		}
		fmt.Fprintf(&b, "WHEP   %s/whep/{stream}\n", base)
	}
	fmt.Fprintf(&b, "media  UDP port %d\n", a.Port)
	return b.String()
}

// reachable lists this machine's addresses, loopback first, link-local ones
// left out.
func reachable(v4only bool) []string {
	hosts := []string{"127.0.0.1"}
	found, err := net.InterfaceAddrs()
	if err != nil {
		return hosts
	}
	for _, a := range found {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast() || (v4only && n.IP.To4() == nil) {
			continue
		}
		hosts = append(hosts, n.IP.String())
	}
	return hosts
}
