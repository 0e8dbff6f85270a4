package whip_test

import (
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"weir/internal/webrtctest"
	"weir/internal/wishtest"
)

// A carried codec, and what the packets of its pictures, or its sound, begin with.
type carried struct {
	parameters webrtc.RTPCodecParameters
	key        []string // of a key frame, a packet each; nil: sound
	other      string
	player     string // the player's fmtp, where it is not the publisher's
}

func carriedCodecs() map[string]carried {
	parameters := func(mime string, rate uint32, channels uint16, fmtp string, pt webrtc.PayloadType) webrtc.RTPCodecParameters {
		return webrtc.RTPCodecParameters{PayloadType: pt, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: mime, ClockRate: rate, Channels: channels, SDPFmtpLine: fmtp,
		}}
	}
	// In packetization mode 0 each packet is one NAL unit (RFC 6184 6.2).
	single := carried{
		parameters(webrtc.MimeTypeH264, 90000, 0, "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f", 106),
		[]string{"\x67\x42\xe0\x1f", "\x68\xce\x3c\x80", "\x65\x88\x84"},
		"\x41\x9a", "",
	}
	byModeOne := single // who takes mode 1 takes it too
	byModeOne.player = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	return map[string]carried{
		"H264 mode 0": single, "H264 mode 0, played in mode 1": byModeOne,
		"H265": {parameters(webrtc.MimeTypeH265, 90000, 0, "profile-id=1;tier-flag=0;level-id=93;tx-mode=SRST", 45), []string{"\x40\x01", "\x42\x01", "\x44\x01", "\x26\x01\xaf"}, "\x02\x01\xd0", ""},
		"VP9":  {parameters(webrtc.MimeTypeVP9, 90000, 0, "profile-id=0", 98), []string{"\x0c"}, "\x4c", ""},
		"AV1":  {parameters(webrtc.MimeTypeAV1, 90000, 0, "", 46), []string{"\x18\x0a\x0b"}, "\x10\x32\x30", ""},
		"PCMU": {parameters(webrtc.MimeTypePCMU, 8000, 0, "", 0), nil, "\xff", ""},
		"PCMA": {parameters(webrtc.MimeTypePCMA, 8000, 0, "", 8), nil, "\xd5", ""},
		"G722": {parameters(webrtc.MimeTypeG722, 8000, 0, "", 9), nil, "\xfa", ""},
		"opus": {parameters(webrtc.MimeTypeOpus, 48000, 2, "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1", 111), nil, "\xfc", ""},
	}
}

// Every codec goes from a publisher to a player, packet by packet as it came; a
// picture's first packet is a key frame's; alone, without the other kind.
func TestEveryCodecIsCarried(t *testing.T) {
	t.Parallel()
	for name, c := range carriedCodecs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, serverOptions{})
			kind := webrtc.RTPCodecTypeVideo
			if c.key == nil {
				kind = webrtc.RTPCodecTypeAudio
			}
			publisher := bare(t, c.parameters, kind)
			track, err := webrtc.NewTrackLocalStaticRTP(c.parameters.RTPCodecCapability, kind.String(), "weir")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := publisher.AddTrack(track); err != nil {
				t.Fatal(err)
			}
			post(t, publisher, s.base+"/whip/live", publishToken)
			f := feeder{track: track, codec: c, sent: map[string]bool{}}
			f.run(t)

			if c.player != "" {
				c.parameters.SDPFmtpLine = c.player
			}
			player := bare(t, c.parameters, kind)
			var got heard
			player.OnTrack(got.track)
			if _, err := player.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
				t.Fatal(err)
			}
			webrtctest.Until(t, wishtest.Soon, func() string {
				live, ok := s.registry.Find("live")
				if !ok || live.Tracks()[0].Stats().Packets == 0 {
					return "a live stream"
				}
				return ""
			})
			post(t, player, s.base+"/whep/live", playToken)
			webrtctest.Until(t, wishtest.Soon, func() string {
				if got.count() < 60 {
					return "sixty packets"
				}
				return ""
			})
			got.judge(t, &f)
		})
	}
}

// bare is a PeerConnection that knows one codec.
func bare(t *testing.T, parameters webrtc.RTPCodecParameters, kind webrtc.RTPCodecType) *webrtc.PeerConnection {
	t.Helper()
	var media webrtc.MediaEngine
	if err := media.RegisterCodec(parameters, kind); err != nil {
		t.Fatal(err)
	}
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(&media), webrtc.WithInterceptorRegistry(&interceptor.Registry{}), webrtc.WithSettingEngine(s))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	})
	return pc
}

// post makes the session.
func post(t *testing.T, pc *webrtc.PeerConnection, url, token string) {
	t.Helper()
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(pc.LocalDescription().SDP))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/sdp")
	request.Header.Set("Authorization", "Bearer "+token)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %d, %v\n%s", url, response.StatusCode, err, answer)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}); err != nil {
		t.Fatal(err)
	}
}

// A feeder sends until the test ends; every thirtieth picture is a key frame.
type feeder struct {
	track *webrtc.TrackLocalStaticRTP
	codec carried
	mu    sync.Mutex
	sent  map[string]bool // guarded by mu
}

func (f *feeder) run(t *testing.T) {
	t.Helper()
	stop, ended := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-ended })
	go func() {
		defer close(ended)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		sequence := uint16(65500)
		for n := uint32(0); ; n++ {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			starts := []string{f.codec.other}
			if f.codec.key != nil && n%30 == 0 {
				starts = f.codec.key
			}
			for i, start := range starts {
				payload := binary.BigEndian.AppendUint32([]byte(start), n)
				f.mu.Lock()
				f.sent[string(payload)] = true
				f.mu.Unlock()
				sequence++
				header := rtp.Header{
					Version: 2, SequenceNumber: sequence, Timestamp: n * f.codec.parameters.ClockRate / 50,
					Marker: i == len(starts)-1 && f.codec.key != nil,
				}
				if err := f.track.WriteRTP(&rtp.Packet{Header: header, Payload: payload}); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
}

// heard is what a player got.
type heard struct {
	mu sync.Mutex
	// guarded by mu
	mime     string
	payloads []string
	numbers  []uint16
}

func (h *heard) track(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		h.mu.Lock()
		h.mime = track.Codec().MimeType
		h.payloads, h.numbers = append(h.payloads, string(p.Payload)), append(h.numbers, p.SequenceNumber)
		h.mu.Unlock()
	}
}

func (h *heard) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.payloads)
}

func (h *heard) judge(t *testing.T, f *feeder) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.mime != f.codec.parameters.MimeType {
		t.Errorf("%s came", h.mime)
	}
	if f.codec.key != nil && !strings.HasPrefix(h.payloads[0], f.codec.key[0]) {
		t.Errorf("the first packet is %x", h.payloads[0])
	}
	for i, payload := range h.payloads {
		if !f.sent[payload] {
			t.Errorf("packet %d, %x, was never sent", i, payload)
		}
		if i > 0 && h.numbers[i] != h.numbers[i-1]+1 {
			t.Errorf("packet %d has the number %d after %d", i, h.numbers[i], h.numbers[i-1])
		}
	}
}
