package negotiate

import (
	"slices"
	"strconv"
	"strings"

	"weir/stream"
)

// The RTP header extensions that this program understands and that end here (RFC 8285).
const (
	Mid         = "urn:ietf:params:rtp-hdrext:sdes:mid"                    // RFC 9143 15
	RID         = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"          // RFC 8852
	RepairedRID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id" // RFC 8852
	TransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

// passing are the header extensions that go on to viewers.
func passing() []string {
	return []string{stream.AbsCaptureTime, stream.VideoOrientation, stream.DependencyDescriptor}
}

// readExtensions reads the header extensions of a section that are answered (RFC 8285 6), of those that are known. ids are
// those of the sections before it.
func (n *negotiation) readExtensions(m media, ids map[uint8]string, known []string) map[uint8]string {
	taken := map[uint8]string{}
	for _, value := range append(m.attributes.all("extmap"), n.offer.attributes.all("extmap")...) {
		fields := strings.Fields(value)
		if len(fields) < 2 || !slices.Contains(known, fields[1]) {
			continue
		}
		spelled, way, _ := strings.Cut(fields[0], "/")
		number, err := strconv.ParseUint(spelled, 10, 8)
		id, uri := uint8(number), fields[1]
		if err != nil || id == 0 || id == 15 || way == "recvonly" || way == "inactive" {
			continue
		}
		if other, there := ids[id]; there && other != uri {
			continue // it means something else in this bundle
		}
		if _, there := taken[id]; !there && !contains(taken, uri) {
			taken[id], ids[id] = uri, uri
		}
	}
	return taken
}

// contains says whether one of the ids stands for the extension.
func contains(ids map[uint8]string, uri string) bool {
	for _, other := range ids {
		if other == uri {
			return true
		}
	}
	return false
}

// maxSources bounds the RTP streams that a section may declare.
const maxSources = 16

// readSources reads which RTP streams a section declares, and which of them carry retransmissions (RFC 5576 4).
func readSources(m media) []Source {
	var sources []Source
	find := func(ssrc uint32) int {
		return slices.IndexFunc(sources, func(s Source) bool { return s.SSRC == ssrc })
	}
	for _, value := range m.attributes.all("ssrc") {
		number, _, _ := strings.Cut(value, " ")
		if ssrc, ok := parseSSRC(number); ok && find(ssrc) < 0 && len(sources) < maxSources {
			sources = append(sources, Source{SSRC: ssrc})
		}
	}
	for _, value := range m.attributes.all("ssrc-group") {
		fields := strings.Fields(value)
		if len(fields) != 3 {
			continue
		}
		first, ok := parseSSRC(fields[1])
		second, also := parseSSRC(fields[2])
		at := find(second)
		if !ok || !also || first == second {
			continue
		}
		if at >= 0 { // repairs, and forward error correction, are no streams of their own
			sources = slices.Delete(sources, at, at+1)
		}
		if at = find(first); at >= 0 && fields[0] == "FID" {
			sources[at].RTX = second
		}
	}
	return sources
}

func parseSSRC(text string) (uint32, bool) {
	ssrc, err := strconv.ParseUint(text, 10, 32)
	return uint32(ssrc), err == nil && ssrc != 0
}

// maxLayers bounds the layers of a simulcast.
const maxLayers = 8

// readLayers reads the rids that a section sends as a simulcast (RFC 8853 5.1, RFC 8851). Of alternatives the first is
// taken, and a paused one may begin any time. What Firefox wrote before the RFC, "send rid=a;b", is taken, too.
func readLayers(m media) []string {
	var declared []string
	for _, value := range m.attributes.all("rid") {
		if fields := strings.Fields(value); len(fields) >= 2 && fields[1] == "send" && rid(fields[0]) {
			declared = append(declared, fields[0])
		}
	}
	simulcast, _ := m.attributes.first("simulcast")
	fields := strings.Fields(simulcast)
	var layers []string
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] != "send" {
			continue
		}
		for streams := range strings.SplitSeq(strings.TrimPrefix(fields[i+1], "rid="), ";") {
			first, _, _ := strings.Cut(streams, ",")
			first = strings.TrimPrefix(first, "~")
			if slices.Contains(declared, first) && !slices.Contains(layers, first) && len(layers) < maxLayers {
				layers = append(layers, first)
			}
		}
	}
	return layers
}

// rid says whether s can be the id of a layer (RFC 8851 10).
func rid(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
