//go:build cgo && linux

package device_test

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/io/audio"
	"github.com/pion/mediadevices/pkg/prop"
	"github.com/pion/mediadevices/pkg/wave"

	"weir/publisher"
	"weir/publisher/device"
	"weir/stream"
)

// A fakeMicrophone gives a rising saw. Like the real driver it waits for ever when nothing comes, until it is closed.
type fakeMicrophone struct {
	fakeCamera

	deaf   bool // guarded by mu; nothing comes any more
	closed chan struct{}
}

func newMicrophone(name string) *fakeMicrophone {
	return &fakeMicrophone{fakeCamera: fakeCamera{label: hex.EncodeToString([]byte(name)), title: "Mic " + name}}
}

func (m *fakeMicrophone) Open() error {
	m.closed = make(chan struct{})
	return m.fakeCamera.Open()
}

func (m *fakeMicrophone) Close() error {
	close(m.closed)
	return m.fakeCamera.Close()
}

// VideoRecord is hidden: this is no camera.
func (m *fakeMicrophone) VideoRecord() {}

func (m *fakeMicrophone) AudioRecord(p prop.Media) (audio.Reader, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.recordErr != nil {
		return nil, m.recordErr
	}
	m.records++
	m.mode = p
	var next int16
	return audio.ReaderFunc(func() (wave.Audio, func(), error) {
		time.Sleep(10 * time.Millisecond)
		m.mu.Lock()
		deaf := m.deaf
		m.mu.Unlock()
		if deaf {
			<-m.closed
			return nil, func() {}, io.EOF
		}
		w := &wave.Int16Interleaved{Data: make([]int16, 960), Size: wave.ChunkInfo{Len: 480, Channels: 2, SamplingRate: 48000}}
		for i := range w.Data {
			w.Data[i] = next
			next++
		}
		return w, func() {}, nil
	}), nil
}

// A camera plays with a microphone, which is open while somebody listens, and is given up when it goes silent.
func TestMicrophone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCamera("video0"), newMicrophone("alsa_input.usb-1")
		null, zero := newMicrophone("null"), newMicrophone("\x00\x00")
		s := newStage(t, c)
		defer s.end()
		s.listen(m, null, zero)
		choices, err := s.inventory.Camera().Choices(t.Context())
		if err != nil || len(choices) != 2 || choices[1].Param != "microphone" || choices[1].Value != "alsa_input.usb-1" {
			t.Fatalf("%+v, %v", choices, err)
		}
		if _, err := s.sources.Start("room", publisher.Start{Source: "camera", Params: json.RawMessage(`{"microphone": "null"}`)}); err == nil {
			t.Error("started with a microphone that there is not")
		} else {
			t.Log(err)
		}
		s.start("room", strings.Replace(small, "{", `{"microphone": "alsa_input.usb-1", `, 1))
		live, _ := s.registry.Find("room")
		tracks := live.Publication().Tracks()
		v, err := live.AddViewer(tracks[len(tracks)-1:])
		if err != nil {
			t.Fatal(err)
		}
		r := &receiver{sound: true}
		v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return r })
		v.Start()
		defer v.Close()
		time.Sleep(10 * time.Second)
		if n := r.packets(); n < 490 || n > 501 {
			t.Errorf("%d packets in 10 s", n)
		}
		if u, camera := m.seen(), c.seen(); u.Records != 1 || u.Mode.SampleRate != 48000 || camera.Records != 0 {
			t.Errorf("used so: %+v, %+v", u, camera)
		}
		m.set(func() { m.deaf = true })
		time.Sleep(5500 * time.Millisecond)
		if st := s.status("room"); st.State == publisher.StateLive || !strings.Contains(st.Reason, device.ErrSilent.Error()) {
			t.Errorf("%s: %s", st.State, st.Reason)
		}
		if u := m.seen(); u.Open != 0 || u.Doubled {
			t.Errorf("left open: %+v", u)
		}
		m.set(func() { m.deaf = false })
		before := r.packets()
		time.Sleep(5 * time.Second)
		if n := r.packets() - before; n < 100 {
			t.Errorf("%d packets after it came back", n)
		}
	})
}

// listen plugs microphones in.
func (s *stage) listen(microphones ...*fakeMicrophone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.microphones = append(s.microphones, microphones...)
	s.time++
}

var _ driver.AudioRecorder = (*fakeMicrophone)(nil)
