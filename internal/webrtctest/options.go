package webrtctest

import (
	"fmt"
	"net"
	"strings"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Options say how a Player plays. The zero value offers audio and video, H.264
// before VP8, with all its candidates, all on 127.0.0.1.
type Options struct {
	NoAudio, NoVideo bool
	AudioFirst       bool     // otherwise video is the first section
	Codecs           []string // of video in order of preference: "H264", "VP8"
	NoRTX            bool     // offer no retransmission streams
	NoNACK           bool     // ask for nothing again

	// Trickle posts the offer without candidates and PATCHes them at once;
	// HideCandidates does not even PATCH them, see Player.Trickle.
	Trickle, HideCandidates bool
	// IgnoreCandidates leaves the server's candidates out of the answer, so
	// that only the server can begin.
	IgnoreCandidates bool
	// AllInterfaces uses every IPv4 address of the machine, not 127.0.0.1.
	AllInterfaces bool
	IPv6          bool // and IPv6 addresses; with AllInterfaces only

	Offer    func(sdp string) string // changes the offer before it is sent
	Answer   func(sdp string) string // changes the answer before it is taken
	Fields   []string                // of every request: names and values in turn
	Profiles []dtls.SRTPProtectionProfile

	// OnPacket is handed every packet that comes, in the track's own
	// goroutine; the packet is used again after it returns.
	OnPacket func(kind string, packet *rtp.Packet)
}

// connect makes the PeerConnection with its transceivers.
func (p *Player) connect() error {
	media, err := p.options.mediaEngine()
	if err != nil {
		return err
	}
	if p.net, err = newCutNet(); err != nil {
		return err
	}
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
		webrtc.WithSettingEngine(p.options.settingEngine(p.net)),
	)
	if p.pc, err = api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle}); err != nil {
		return fmt.Errorf("make a PeerConnection: %w", err)
	}
	p.pc.OnConnectionStateChange(p.onState)
	p.pc.OnTrack(p.onTrack)
	kinds := []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio}
	if p.options.AudioFirst {
		kinds[0], kinds[1] = kinds[1], kinds[0]
	}
	for _, kind := range kinds {
		if kind == webrtc.RTPCodecTypeVideo && p.options.NoVideo || kind == webrtc.RTPCodecTypeAudio && p.options.NoAudio {
			continue
		}
		recvonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
		if _, err := p.pc.AddTransceiverFromKind(kind, recvonly); err != nil {
			return fmt.Errorf("add a transceiver: %w", err)
		}
	}
	return nil
}

func (o *Options) settingEngine(n *cutNet) webrtc.SettingEngine {
	s := settings(n, o.AllInterfaces, o.AllInterfaces && o.IPv6)
	if len(o.Profiles) > 0 {
		s.SetSRTPProtectionProfiles(o.Profiles...)
	}
	return s
}

func settings(n *cutNet, all, v6 bool) webrtc.SettingEngine {
	const replayWindow = 4096 // packets: retransmissions come late
	// pion gives a pair up after seven checks, within two seconds; browsers go
	// on for longer, and a busy machine needs it.
	const checksOfAPair = 60
	var s webrtc.SettingEngine
	s.SetNet(n)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICEMaxBindingRequests(checksOfAPair)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if v6 {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	}
	if !all {
		s.SetIncludeLoopbackCandidate(true)
		s.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	}
	s.SetSRTPReplayProtectionWindow(replayWindow)
	return s
}

// mediaEngine registers what the player offers, under the payload types that
// Chromium uses.
func (o *Options) mediaEngine() (*webrtc.MediaEngine, error) {
	engine := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1;stereo=1"},
		PayloadType:        111,
	}
	if err := engine.RegisterCodec(opus, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("register opus: %w", err)
	}
	names := o.Codecs
	if names == nil {
		names = []string{"H264", "VP8"}
	}
	for _, name := range names {
		for _, codec := range videoCodecs(name) {
			if o.NoRTX && codec.MimeType == webrtc.MimeTypeRTX {
				continue
			}
			if err := engine.RegisterCodec(codec, webrtc.RTPCodecTypeVideo); err != nil {
				return nil, fmt.Errorf("register %s: %w", name, err)
			}
		}
	}
	return engine, nil
}

func videoCodecs(name string) []webrtc.RTPCodecParameters {
	const clock = 90000
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}
	with := func(payloadType uint8, fmtp string) []webrtc.RTPCodecParameters {
		return []webrtc.RTPCodecParameters{
			{
				RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "video/" + name, ClockRate: clock, SDPFmtpLine: fmtp, RTCPFeedback: feedback},
				PayloadType:        webrtc.PayloadType(payloadType),
			},
			{
				RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: clock, SDPFmtpLine: fmt.Sprintf("apt=%d", payloadType)},
				PayloadType:        webrtc.PayloadType(payloadType + 1),
			},
		}
	}
	if name == "H264" {
		return append(
			with(102, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
			with(104, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f")...,
		)
	}
	return with(96, "")
}

// cutMime splits a MIME type such as video/H264.
func cutMime(mime string) (kind, codec string, ok bool) { return strings.Cut(mime, "/") }
