package relay_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/publisher"
	"weir/relay"
)

// authority makes a certificate for 127.0.0.1, and a file with that of who has
// signed it.
func authority(t *testing.T) (leaf tls.Certificate, caFile string) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	caKey, leafKey := key(), key()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the test's own"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
	}
	der, err := x509.CreateCertificate(rand.Reader, server, ca, &leafKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: leafKey}, caFile
}

// A stream is pushed with a token through a proxy that speaks TLS, and pulled.
func TestThroughTLS(t *testing.T) {
	t.Parallel()
	const token = "a-token-through-tls"
	leaf, caFile := authority(t)
	to := newNode(t, nodeOptions{token: token})
	behind := &url.URL{Scheme: "http", Host: to.address}
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) }})
	proxy.TLS = &tls.Config{Certificates: []tls.Certificate{leaf}}
	proxy.StartTLS()
	t.Cleanup(func() { proxy.CloseClientConnections(); proxy.Close() })

	from := newNode(t, nodeOptions{change: func(o *relay.Options) { o.CAFile = caFile }})
	from.feed(t, "live")
	st := from.push(t, "live", proxy.URL+"/whip/copy", token)
	from.state(t, "live", st.ID, publisher.StateLive)
	player := webrtctestPlay(t, to, "copy", token)
	comes(t, player, 50)
	from.pull(t, "back", proxy.URL+"/whep/copy", token)
	from.reason(t, "back", "508")
	if err := from.relay.EndPush(t.Context(), "live", st.ID); err != nil {
		t.Fatal(err)
	}
	if got := to.requests("DELETE /session/"); len(got) == 0 || !strings.HasSuffix(got[0], token) {
		t.Errorf("sessions deleted: %d", len(got))
	}

	stranger := newNode(t, nodeOptions{})
	stranger.feed(t, "live")
	st = stranger.push(t, "live", proxy.URL+"/whip/other", token)
	if got := stranger.state(t, "live", st.ID, publisher.StateWaiting); !strings.Contains(got.Reason, "certificate is not trusted") {
		t.Errorf("without the file of certificates: %s", got.Reason)
	}
	if _, err := relay.New(relay.Options{
		Sessions: from.sessions, Registry: from.registry, Hops: from.hops, CAFile: filepath.Join(t.TempDir(), "none"),
	}); err == nil {
		t.Error("a file of certificates that is not there is no mistake")
	}
}
