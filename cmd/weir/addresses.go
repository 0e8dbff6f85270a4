package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// defaultStream is the name of the stream that runs from the start.
const defaultStream = "test"

// A welcome is what a person needs first: what to open, and which port media
// takes.
type welcome struct {
	listening net.Addr
	live      bool   // the stream "test" runs
	token     string // to administer with; "" where what is printed is kept
	kept      string // the file that holds it; "" for the configuration
}

func (w welcome) String() string {
	a, ok := w.listening.(*net.TCPAddr)
	if !ok {
		return "listening on " + w.listening.String() + "\n"
	}
	hosts := []string{a.IP.String()}
	if a.IP.IsUnspecified() {
		hosts = reachable(a.IP.To4() != nil)
	}
	var b strings.Builder
	for i, host := range hosts {
		base := "http://" + net.JoinHostPort(host, fmt.Sprint(a.Port))
		switch {
		case i == 0 && w.token != "":
			fmt.Fprintf(&b, "open   %s/#token=%s\n", base, url.QueryEscape(w.token))
		case i == 0 && w.kept != "":
			fmt.Fprintf(&b, "tokens %s\npage   %s/\n", w.kept, base)
		case i == 0:
			fmt.Fprintf(&b, "tokens from the configuration\npage   %s/\n", base)
		default:
			fmt.Fprintf(&b, "page   %s/\n", base)
		}
		if w.live {
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
