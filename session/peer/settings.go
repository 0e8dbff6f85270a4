package peer

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"weir/session/negotiate"
)

// newPeerConnection makes one with the plan's codecs and without
// interceptors: what they would do for viewers the stream does for all at once,
// and what they would do for a publisher package ingress does.
func (c *Conn) newPeerConnection(s Setup, cert certificate) (*webrtc.PeerConnection, error) {
	media := &webrtc.MediaEngine{}
	for _, codec := range s.Plan.Codecs() {
		if err := media.RegisterCodec(parameters(codec), webrtc.NewRTPCodecType(codec.Kind)); err != nil {
			return nil, fmt.Errorf("register codec: %w", err)
		}
	}
	settings, err := c.settings(s)
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	configuration := webrtc.Configuration{
		BundlePolicy: webrtc.BundlePolicyMaxBundle, Certificates: []webrtc.Certificate{cert.Certificate},
	}
	for _, server := range s.Servers {
		configuration.ICEServers = append(configuration.ICEServers, webrtc.ICEServer{
			URLs: []string{server.URL}, Username: server.Username, Credential: server.Credential,
		})
	}
	pc, err := api.NewPeerConnection(configuration)
	if err != nil {
		return nil, fmt.Errorf("make peer connection: %w", err)
	}
	return pc, nil
}

// parameters are a plan's codec in pion's words.
func parameters(c negotiate.Codec) webrtc.RTPCodecParameters {
	capability := webrtc.RTPCodecCapability{
		MimeType: c.Kind + "/" + c.Format.Name, ClockRate: c.Format.ClockRate, Channels: uint16(c.Format.Channels), SDPFmtpLine: c.Format.Fmtp,
	}
	for _, feedback := range c.Feedback {
		name, parameter, _ := strings.Cut(feedback, " ")
		capability.RTCPFeedback = append(capability.RTCPFeedback, webrtc.RTCPFeedback{Type: name, Parameter: parameter})
	}
	return webrtc.RTPCodecParameters{RTPCodecCapability: capability, PayloadType: webrtc.PayloadType(c.Number)}
}

// replayWindow is how many packets late one may come and still be taken, in
// packets of its RTP stream: many publishers send lost packets again as they
// were, on the same stream.
const replayWindow = 8192

func (c *Conn) settings(s Setup) (webrtc.SettingEngine, error) {
	o := c.factory.options
	e := webrtc.SettingEngine{LoggerFactory: newPionLog(s.Logger, slog.LevelDebug)}
	role := webrtc.DTLSRoleServer
	if s.Plan.Setup == "passive" {
		role = webrtc.DTLSRoleClient
	}
	if err := e.SetAnsweringDTLSRole(role); err != nil {
		return e, fmt.Errorf("set DTLS role: %w", err)
	}
	e.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	e.SetDTLSInsecureSkipHelloVerify(true) // ICE has proved the address
	e.SetDTLSRetransmissionInterval(100 * time.Millisecond)
	e.SetDTLSConnectContextMaker(func() (context.Context, func()) {
		return context.WithDeadline(context.Background(), s.Deadline())
	})
	mdns := ice.MulticastDNSModeDisabled
	if o.MDNS {
		mdns = ice.MulticastDNSModeQueryOnly
	}
	e.SetICEMulticastDNSMode(mdns)
	e.SetNet(c.factory.net)
	if s.Offers {
		// Two servers with one port each could have one session with each other: what
		// is no STUN is told apart by the address that it comes from. So who offers
		// has sockets of its own.
		e.SetNet(ownNet{Net: c.factory.net, route: c.route})
		e.SetIPFilter(c.route.hasIP)
	} else {
		e.SetICEUDPMux(c.route)
	}
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	e.SetIncludeLoopbackCandidate(c.route.loopback)
	// Checks are sent each twelfth of the time, at least every 2 s. Here a packet of
	// any kind from the other end counts as a sign of it; see Conn.Answers.
	disconnected := o.Consent / 6
	e.SetICETimeouts(disconnected, o.Consent-disconnected, min(2*time.Second, o.Consent/12))
	e.DisableMediaEngineCopy(true) // it is this session's alone
	if s.Receives {
		e.SetSRTPReplayProtectionWindow(replayWindow)
	}
	e.BufferFactory = s.Buffer
	return e, nil
}
