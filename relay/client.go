package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// What one exchange with another server may take.
const (
	maxBody      = 64 << 10 // bytes of an answer that is used
	maxProblem   = 4 << 10  // of a refusal
	maxHeader    = 32 << 10
	maxRedirects = 4
	dialTime     = 5 * time.Second
	// postTime is for the POST with all its redirects: servers may hold it for
	// some 20 s, until there is a publisher.
	postTime = 30 * time.Second
	// shortTime is for any other request.
	shortTime = 5 * time.Second
	// endTime is for the DELETE at the end.
	endTime = 2 * time.Second
)

// client speaks HTTP to the hosts that are allowed.
type client struct {
	// static after newClient
	hosts    hosts
	http     *http.Client
	resolver *net.Resolver
}

// newClient makes a client that trusts the system's certificates and those of a
// file of PEM, "" for none. It asks no proxy.
func newClient(allowed hosts, caFile string, resolver *net.Resolver) (*client, error) {
	c := &client{hosts: allowed, resolver: resolver}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // there is none on this machine
	}
	if caFile != "" {
		pem, err := os.ReadFile(caFile) //nolint:gosec // the configuration names it
		if err != nil {
			return nil, fmt.Errorf("read the certificates: %w", err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the certificates: %s holds none", caFile)
		}
	}
	dialer := &net.Dialer{Timeout: dialTime, Resolver: resolver, ControlContext: c.control}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, DisableCompression: true,
			TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: postTime, MaxResponseHeaderBytes: maxHeader,
			// No bound of connections: each pull and each push has one request at a time,
			// and those of streams that are not live are held by the server for long.
			MaxIdleConns: 64, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// control looks at the address that a connection goes to, whatever name it had.
func (c *client) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: no address", ErrHost)
	}
	return c.hosts.checkDial(to)
}

// loopback says whether a URL's host is this machine, by its loopback addresses.
func (c *client) loopback(ctx context.Context, u *url.URL) bool {
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return addr.Unmap().IsLoopback()
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	addrs, err := c.resolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil || len(addrs) == 0 {
		return false
	}
	for _, addr := range addrs {
		if !addr.Unmap().IsLoopback() {
			return false
		}
	}
	return true
}

// An exchange is a request to another server.
type exchange struct {
	method      string
	url         *url.URL
	contentType string
	body        string
	header      http.Header
	token       string   // goes to origin alone
	origin      *url.URL // the address that the token was given for
}

// A reply is what came of an exchange.
type reply struct {
	status int
	header http.Header
	body   string
	url    *url.URL
	remote netip.AddrPort
}

// do sends a request, and again where it is redirected (RFC 9110 15.4.8, 15.4.9).
// An answer that is no success is a *Refused.
func (c *client) do(ctx context.Context, x exchange, limit time.Duration) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for range maxRedirects + 1 {
		if err := c.hosts.checkURL(x.url); err != nil {
			return nil, err
		}
		r, err := c.once(ctx, x)
		if err != nil {
			return nil, err
		}
		switch {
		case r.status/100 == 2:
			return r, nil
		case r.status != http.StatusTemporaryRedirect && r.status != http.StatusPermanentRedirect:
			return nil, refused(r)
		}
		next, err := x.url.Parse(r.header.Get("Location"))
		if err != nil || r.header.Get("Location") == "" {
			return nil, errors.New("the server redirects to no address")
		}
		if x.url.Scheme == "https" && next.Scheme == "http" {
			return nil, errors.New("the server redirects from https to http")
		}
		next.Fragment = ""
		x.url = next
	}
	return nil, errors.New("the server redirects without an end")
}

// once sends a request and reads the answer.
func (c *client) once(ctx context.Context, x exchange) (*reply, error) {
	r := &reply{url: x.url}
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if addr, ok := info.Conn.RemoteAddr().(*net.TCPAddr); ok {
			r.remote = addr.AddrPort()
		}
	}}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), x.method, x.url.String(), strings.NewReader(x.body))
	if err != nil {
		return nil, errors.New("the address cannot be asked")
	}
	if x.header != nil {
		request.Header = x.header.Clone()
	}
	request.Header.Set("User-Agent", "weir")
	if x.contentType != "" {
		request.Header.Set("Content-Type", x.contentType)
	}
	if x.token != "" && sameOrigin(x.url, x.origin) {
		request.Header.Set("Authorization", "Bearer "+x.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, failure(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read as far as it counts
	r.status, r.header = response.StatusCode, response.Header
	success := r.status/100 == 2
	most := int64(maxBody)
	if !success {
		most = maxProblem
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	switch {
	case !success: // the body may be whatever it is
	case err != nil:
		return nil, failure(err)
	case int64(len(body)) > most:
		return nil, errors.New("the server's answer is too long")
	}
	r.body = string(body)
	return r, nil
}

// failure is an error of the network in words that hold neither the URL nor what
// the server wrote.
func failure(err error) error {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, ErrHost):
		if inner, ok := errors.AsType[*net.OpError](err); ok {
			return inner.Err
		}
		return ErrHost
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &unknown), errors.As(err, &wrongName), errors.As(err, &invalid):
		return errors.New("the server's certificate is not trusted; relay.ca_file names others than the system's")
	case errors.As(err, &dns):
		return errors.New("the server's name is not known")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errDown
	case errors.As(err, &timeout) && timeout.Timeout():
		return errSlow
	default:
		return errors.New("the server cannot be reached, or breaks off")
	}
}

var (
	// errDown is returned where nothing listens.
	errDown = errors.New("nothing listens at the server's address")
	// errSlow is returned where the server takes too long.
	errSlow = errors.New("the server does not answer in time")
)
