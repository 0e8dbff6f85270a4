//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"weir/internal/codec"
	"weir/publisher"
)

// An rtspCamera is an RTSP server with one stream, rtsp://ADDR/cam: the clip, over and over, for who has the password.
type rtspCamera struct {
	server         *gortsplib.Server
	stream         *gortsplib.ServerStream
	video, audio   *description.Media
	user, password string

	mu      sync.Mutex
	players int // that have begun, ever
	left    int // that have said so, by TEARDOWN
}

// newCamera runs a camera until the test ends.
func newCamera(t *testing.T, user, password string) *rtspCamera {
	t.Helper()
	pictures, sounds := clipUnits(t)
	h264 := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	for unit := range codec.NALUnits(pictures[0]) {
		switch unit[0] & 0x1f {
		case 7:
			h264.SPS = unit
		case 8:
			h264.PPS = unit
		}
	}
	c := &rtspCamera{
		user: user, password: password,
		video: &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{h264}},
		audio: &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{&format.Opus{PayloadTyp: 97, ChannelCount: 2}}},
	}
	c.server = &gortsplib.Server{Handler: c, RTSPAddress: "127.0.0.1:0"}
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	c.stream = &gortsplib.ServerStream{Server: c.server, Desc: &description.Session{Medias: []*description.Media{c.video, c.audio}}}
	if err := c.stream.Initialize(); err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() { c.send(end, c.video, 96, pictures, 90_000/30, 30) })
	sending.Go(func() { c.send(end, c.audio, 97, sounds, 48_000/50, 50) })
	t.Cleanup(func() { close(end); sending.Wait(); c.stream.Close(); c.server.Close() })
	return c
}

// addr is where it listens.
func (c *rtspCamera) addr() string { return c.server.NetListener().Addr().String() }

// send sends units at a rate, until end is closed.
func (c *rtspCamera) send(end <-chan struct{}, m *description.Media, payloadType uint8, units [][]byte, step uint32, rate int) {
	f := publisher.H264()
	if m == c.audio {
		f = publisher.Opus()
	}
	p, err := publisher.NewPacketizer(f)
	if err != nil {
		panic(err)
	}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for n, timestamp := 0, uint32(1000); ; n, timestamp = n+1, timestamp+step {
		for _, pkt := range p.Packets(units[n%len(units)], timestamp) {
			pkt.PayloadType = payloadType
			_ = c.stream.WritePacketRTP(m, pkt) // nobody may play
		}
		select {
		case <-end:
			return
		case <-tick.C:
		}
	}
}

func (c *rtspCamera) seen() (players, left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.players, c.left
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (c *rtspCamera) OnDescribe(x *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if !x.Conn.VerifyCredentials(x.Request, c.user, c.password) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (c *rtspCamera) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (c *rtspCamera) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.players++
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose implements gortsplib.ServerHandlerOnSessionClose.
func (c *rtspCamera) OnSessionClose(x *gortsplib.ServerHandlerOnSessionCloseCtx) {
	if _, ok := errors.AsType[liberrors.ErrServerSessionTornDown](x.Error); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.left++
	}
}

// clipUnits are the embedded clip's pictures and packets of sound.
func clipUnits(t *testing.T) (pictures, sounds [][]byte) {
	t.Helper()
	dir := filepath.Join("..", "publisher", "clip")
	video, err := os.ReadFile(filepath.Join(dir, "clip.h264"))
	if err != nil {
		t.Fatal(err)
	}
	for unit := range codec.NALUnits(video) {
		if unit[0]&0x1f == 9 {
			pictures = append(pictures, nil)
			continue
		}
		last := &pictures[len(pictures)-1]
		*last = append(append(*last, 0, 0, 0, 1), unit...)
	}
	audio, err := os.ReadFile(filepath.Join(dir, "clip.opus"))
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := oggreader.NewWith(bytes.NewReader(audio))
	if err != nil {
		t.Fatal(err)
	}
	for {
		page, _, err := r.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return pictures, sounds[1:] // behind the tags
		}
		if err != nil {
			t.Fatal(err)
		}
		sounds = append(sounds, page)
	}
}
