package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// certificates makes the DTLS certificate that new sessions share, and the next
// one when the first question comes after half its life. A session keeps the
// one it began with. The wall clock decides, because that is what peers compare
// NotAfter with. Its methods may be called from any goroutine.
type certificates struct {
	// static after newCertificates
	life time.Duration

	mu sync.Mutex
	// guarded by mu
	current certificate
}

// certificate is one with its fingerprint as SDP writes it (RFC 8122 5).
type certificate struct {
	webrtc.Certificate

	fingerprint string    // "sha-256 AA:BB:..."
	renew       time.Time // wall clock: when new sessions should have another
}

func newCertificates(life time.Duration) *certificates { return &certificates{life: life} }

// forSession is the certificate that a session which begins now should have.
func (c *certificates) forSession() (certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now().Round(0); now.Before(c.current.renew) && c.current.renew.Sub(now) <= c.life {
		return c.current, nil
	}
	made, err := makeCertificate(c.life)
	if err != nil {
		return certificate{}, err
	}
	c.current = made
	return made, nil
}

func makeCertificate(life time.Duration) (certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate{}, fmt.Errorf("make certificate key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return certificate{}, fmt.Errorf("make certificate serial: %w", err)
	}
	now := time.Now().Round(0)
	made, err := webrtc.NewCertificate(key, x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "WebRTC"},
		NotBefore:    now.Add(-24 * time.Hour), // players' clocks may be behind
		NotAfter:     now.Add(life),
	})
	if err != nil {
		return certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	prints, err := made.GetFingerprints()
	if err != nil || len(prints) == 0 {
		return certificate{}, fmt.Errorf("fingerprint certificate: %w", err)
	}
	return certificate{
		Certificate: *made,
		fingerprint: prints[0].Algorithm + " " + strings.ToUpper(prints[0].Value), // UHEX: Firefox takes no lower case
		renew:       now.Add(life / 2),
	}, nil
}
