package stream

import "weir/stream/cache"

// Header extensions that pass from a publisher to its viewers.
const (
	// AbsCaptureTime is when the media was captured.
	AbsCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
	// VideoOrientation is how a picture has to be turned (3GPP TS 26.114 7.4.5).
	VideoOrientation = "urn:3gpp:video-orientation"
	// DependencyDescriptor says which frames of AV1 need which (AV1 RTP, appendix A).
	DependencyDescriptor = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

// extensionKind is the order of those that pass in tables by kind; -1: it does
// not pass.
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

// allow gives the kind of an extension, if it passes, its id.
func allow(ids *cache.ExtensionIDs, uri string, id uint8) {
	if kind := extensionKind(uri); kind >= 0 {
		ids[kind] = id
	}
}
