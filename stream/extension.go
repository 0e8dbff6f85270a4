package stream

import "github.com/pion/rtp"

// Header extensions that pass from a publisher to its viewers.
const (
	// AbsCaptureTime is when the media was captured.
	AbsCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
	// VideoOrientation is how a picture has to be turned (3GPP TS 26.114 7.4.5).
	VideoOrientation = "urn:3gpp:video-orientation"
	// DependencyDescriptor says which frames of AV1 need which (AV1 RTP, appendix A).
	DependencyDescriptor = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

// passing is their number, and passes their order in tables by kind.
const passing = 3

func extensionKind(uri string) int {
	switch uri {
	case AbsCaptureTime:
		return 0
	case VideoOrientation:
		return 1
	case DependencyDescriptor:
		return 2
	default:
		return -1
	}
}

// Passes says whether a header extension is handed on. All others end here:
// what they say is about one transport, or is made anew.
func Passes(uri string) bool { return extensionKind(uri) >= 0 }

// extensions are the elements of one packet, by kind; nil: it has none.
type extensions [passing][]byte

// extensionIDs are ids by kind; 0: not negotiated.
type extensionIDs [passing]uint8

// read picks the elements of a packet that pass; nil if there are none. They are
// frozen with the packet.
func (ids *extensionIDs) read(h *rtp.Header) *extensions {
	if !h.Extension {
		return nil
	}
	var found *extensions
	for kind, id := range ids {
		if id == 0 {
			continue
		}
		if b := h.GetExtension(id); len(b) > 0 && len(b) < 256 {
			if found == nil {
				found = &extensions{}
			}
			found[kind] = b
		}
	}
	return found
}

// write puts elements into a header under a viewer's ids, in the form of one
// byte if they fit in it and else, where the viewer takes that, in the form of
// two bytes (RFC 8285 4.2, 4.3). What does not fit is left out.
func (ids *extensionIDs) write(h *rtp.Header, e *extensions, mixed bool) {
	long := false
	if mixed {
		for kind, id := range ids {
			long = long || id != 0 && len(e[kind]) > 0 && (id > 14 || len(e[kind]) > 16)
		}
	}
	for kind, id := range ids {
		b := e[kind]
		if id == 0 || len(b) == 0 || !long && (id > 14 || len(b) > 16) {
			continue
		}
		if !h.Extension {
			h.Extension, h.ExtensionProfile = true, rtp.ExtensionProfileOneByte
			if long {
				h.ExtensionProfile = rtp.ExtensionProfileTwoByte
			}
		}
		_ = h.SetExtension(id, b) // id and length have been looked at
	}
}
