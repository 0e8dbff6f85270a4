package negotiate

import (
	"slices"
	"strings"

	"github.com/pion/ice/v4"

	"weir/internal/wish"
)

// maxOfferCandidates bounds the candidates that are taken from an offer.
const maxOfferCandidates = 100

// readTransport reads ICE credentials, candidates, DTLS fingerprint and role of the one transport. Only the tagged section
// of a BUNDLE group has to state them (RFC 9143 7.1.3), then the session level counts, then whoever does.
func (n *negotiation) readTransport() error {
	order := []attributes{n.offer.media[n.plan.tagged].attributes, n.offer.attributes}
	for i, m := range n.offer.media {
		if i != n.plan.tagged && n.plan.Sections[i].live() {
			order = append(order, m.attributes)
		}
	}
	if !slices.ContainsFunc(order, func(a attributes) bool { return a.has("rtcp-mux") }) {
		return refuse(422, "rtcp_mux_missing", "The offer does not multiplex RTP and RTCP.", "Offer a=rtcp-mux in each section: rtcpMuxPolicy 'require'.")
	}
	for _, step := range []func([]attributes) error{n.readICE, n.readFingerprint, n.readSetup} {
		if err := step(order); err != nil {
			return err
		}
	}
	n.readCandidates()
	return nil
}

// readICE reads credentials and options (RFC 8839 5.3 to 5.6). User fragment and password come from one place.
func (n *negotiation) readICE(order []attributes) error {
	p := n.plan
	for _, place := range order {
		ufrag, found := place.first("ice-ufrag")
		if !found {
			continue
		}
		p.Ufrag = ufrag
		if p.Pwd, found = place.first("ice-pwd"); !found {
			p.Pwd, _ = n.offer.attributes.first("ice-pwd")
		}
		break
	}
	if !ValidCredentials(p.Ufrag, p.Pwd) {
		return refuse(400, "ice_credentials", "The line a=ice-ufrag or a=ice-pwd is missing, or its value not of 4 and 22 to 256 characters.",
			"Send the SDP offer as createOffer makes it.")
	}
	p.Lite = n.offer.attributes.has("ice-lite")
	for _, place := range order {
		if options, found := place.first("ice-options"); found {
			p.ICEOptions = options
			break
		}
	}
	p.EndOfCandidates = n.offer.attributes.has("end-of-candidates") || order[0].has("end-of-candidates")
	return nil
}

// ValidCredentials says whether a user fragment and a password can be ICE credentials.
func ValidCredentials(ufrag, pwd string) bool { return credential(ufrag, 4) && credential(pwd, 22) }

// credential checks the length of a user fragment or password (RFC 8839 5.4) and that it is printable. The alphabet of
// the RFC is not insisted on.
func credential(s string, least int) bool {
	return len(s) >= least && len(s) <= 256 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// readFingerprint takes the first fingerprint that can be checked (RFC 8122 5): a hash that is weaker than SHA-256 cannot.
func (n *negotiation) readFingerprint(order []attributes) error {
	for _, place := range order {
		values := place.all("fingerprint")
		for _, value := range values {
			if algorithm, digest, ok := parseFingerprint(value); ok {
				n.plan.FingerprintAlgorithm, n.plan.Fingerprint = algorithm, digest
				return nil
			}
		}
		if len(values) > 0 {
			return &wish.Refusal{
				Status: 400, Code: "fingerprint", Detail: "The line a=fingerprint is malformed, or of a hash that is not accepted.",
				Remedy: "State the SHA-256 fingerprint of the player's certificate.", Has: []string{"sha-256", "sha-384", "sha-512"},
			}
		}
	}
	return refuse(400, "fingerprint_missing", "The offer has no a=fingerprint.", "Send the SDP offer as createOffer makes it.")
}

// parseFingerprint reads "sha-256 AA:BB:..." and returns the hash in lower case, the value in upper case.
func parseFingerprint(text string) (algorithm, digest string, ok bool) {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return "", "", false
	}
	algorithm, digest = strings.ToLower(fields[0]), strings.ToUpper(fields[1])
	bytes := map[string]int{"sha-256": 32, "sha-384": 48, "sha-512": 64}[algorithm]
	if bytes == 0 || len(digest) != 3*bytes-1 {
		return "", "", false
	}
	for i := range len(digest) {
		c := digest[i]
		hex := c >= '0' && c <= '9' || c >= 'A' && c <= 'F'
		if i%3 == 2 && c != ':' || i%3 != 2 && !hex {
			return "", "", false
		}
	}
	return algorithm, digest, true
}

// readSetup reads the DTLS role (RFC 8842 5.2). An offer without one is taken as actpass, as every browser means it.
func (n *negotiation) readSetup(order []attributes) error {
	for _, place := range order {
		setup, found := place.first("setup")
		if !found {
			continue
		}
		switch setup = strings.ToLower(setup); setup {
		case "actpass", "active", "passive":
			n.plan.Setup = setup
			return nil
		default:
			return refuse(400, "setup", "The value of a=setup is none of actpass, active, passive.", "Offer a=setup:actpass.")
		}
	}
	n.plan.Setup = "actpass"
	n.plan.lenient(LenientSetup)
	return nil
}

// readCandidates collects the candidates of all sections that share the ICE credentials: clients put them into the first
// section, or repeat them in each. Candidates that do not parse, or have an address that would have to be resolved (other
// than mDNS names), are dropped without a word (WHEP 4.5.2).
func (n *negotiation) readCandidates() {
	seen := make(map[string]bool)
	for _, m := range n.offer.media {
		if ufrag, found := m.attributes.first("ice-ufrag"); found && ufrag != n.plan.Ufrag {
			if ufrag != "" {
				n.plan.others = append(n.plan.others, ufrag) // as many as sections, at most
			}
			continue // another transport, given up by bundling
		}
		for _, value := range m.attributes.all("candidate") {
			candidate := "candidate:" + value
			if seen[candidate] || len(n.plan.Candidates) == maxOfferCandidates {
				continue
			}
			seen[candidate] = true
			if _, err := ice.UnmarshalCandidate(candidate); err == nil {
				n.plan.Candidates = append(n.plan.Candidates, candidate)
			}
		}
	}
}
