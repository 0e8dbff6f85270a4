//go:build e2e

package netns_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"weir/internal/webrtctest"
)

// peerVariable makes the test binary a peer instead: its value is a peer as JSON.
const peerVariable = "E2E_PEER"

// A peer publishes or plays on another host until its standard input ends. It
// prints what happens as lines of JSON, see said.
type peer struct {
	URL     string
	Token   string // of a publisher
	Viewers int    // 0: it publishes; of what is played only the packets that a Feed made are looked into

	// of a publisher, see webrtctest.Feed
	Codec             string
	GOP, Packets      int
	Size              int
	Deaf              bool
	First             uint32
	Interval, AskEach time.Duration // AskEach: how often every viewer asks for a key frame
}

// said is one line of a peer's. Times are in microseconds since 1970; all hosts
// are this machine and have one clock.
type said struct {
	Step    string // "connected", "key" or "ended"
	At      int64
	Picture uint32 // of "key": the key frame that begins to be sent

	// of "ended"
	Sent    []sent
	Heard   webrtctest.Heard
	Asked   []int64 // when key frames were asked for
	Viewers []viewer
}

// sent is a picture that a publisher sent.
type sent struct {
	Picture uint32
	At      int64 // when its first packet went
	Key     bool
}

// viewer is what one viewer got.
type viewer struct {
	Video, Audio webrtctest.Stats
	Begin        int64 // when its offer went out
	Pictures     []seen
	Frames       []webrtctest.Frame // of the video
}

// seen is a picture that came.
type seen struct {
	Picture   uint32
	First     int64 // when its first packet came
	Done      int64 // when the last of its packets came; 0: they did not
	Timestamp uint32
}

// runPeer is the main of a peer.
func runPeer(text string) error {
	var p peer
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return fmt.Errorf("read the peer: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	out := &speaker{encoder: json.NewEncoder(os.Stdout)}
	if p.Viewers == 0 {
		return p.publish(ctx, out)
	}
	return p.play(ctx, out)
}

// A speaker writes a peer's lines.
type speaker struct {
	mu sync.Mutex
	// guarded by mu
	encoder *json.Encoder
}

func (s *speaker) say(line said) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if line.At == 0 {
		line.At = time.Now().UnixMicro()
	}
	if err := s.encoder.Encode(line); err != nil {
		return fmt.Errorf("say: %w", err)
	}
	return nil
}

func (p *peer) publish(ctx context.Context, out *speaker) error {
	publisher, err := webrtctest.Publish(ctx, p.URL, webrtctest.PublishOptions{
		AllInterfaces: true, Codecs: []string{p.Codec}, Fields: []string{"Authorization", "Bearer " + p.Token},
	})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := errors.Join(publisher.Connected(ctx), out.say(said{Step: "connected"})); err != nil {
		return errors.Join(err, publisher.Close())
	}
	end := said{Step: "ended"}
	asked := make(chan []int64)
	go func() { asked <- listen(ctx, publisher) }()
	err = publisher.Feed(ctx, webrtctest.Feed{
		Interval: p.Interval, GOP: p.GOP, Packets: p.Packets, Size: p.Size, Deaf: p.Deaf, First: p.First,
		OnPacket: func(kind string, _ int, packet *rtp.Packet) {
			picture, part, ok := webrtctest.PictureOf(p.Codec, packet.Payload)
			if kind != "video" || !ok || part > 0 {
				return
			}
			s := sent{Picture: picture, At: time.Now().UnixMicro(), Key: p.keyFrame(packet.Payload)}
			end.Sent = append(end.Sent, s)
			if s.Key {
				_ = out.say(said{Step: "key", At: s.At, Picture: picture}) // nobody listens: it ends soon
			}
		},
	})
	end.Asked, end.Heard = <-asked, publisher.Heard()
	_, deleteErr := publisher.Delete(context.WithoutCancel(ctx))
	return errors.Join(err, out.say(end), deleteErr, publisher.Close())
}

// keyFrame says whether the payload of a Feed begins a key frame.
func (p *peer) keyFrame(payload []byte) bool {
	if p.Codec == "VP8" {
		return payload[0] == 0x10 && payload[1] == 0
	}
	return payload[0] != 0x41
}

// listen notes when key frames were asked for, until ctx ends.
func listen(ctx context.Context, p *webrtctest.Publisher) (at []int64) {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for n := int64(0); ; {
		select {
		case <-ctx.Done():
			return at
		case now := <-ticker.C:
			for ; n < p.Heard().KeyFrames; n++ {
				at = append(at, now.UnixMicro())
			}
		}
	}
}

// play lets all viewers join, some at a time, and says so when each has media.
func (p *peer) play(ctx context.Context, out *speaker) error {
	const atOnce = 8
	all := make([]*watching, p.Viewers)
	room := make(chan struct{}, atOnce)
	var joining sync.WaitGroup
	errs := make([]error, p.Viewers)
	for i := range all {
		room <- struct{}{}
		joining.Go(func() {
			defer func() { <-room }()
			all[i], errs[i] = p.join(ctx)
		})
	}
	joining.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := out.say(said{Step: "connected"}); err != nil {
		return err
	}
	p.ask(ctx, all)
	end := said{Step: "ended"}
	var err error
	for _, w := range all {
		end.Viewers = append(end.Viewers, w.viewer())
		err = errors.Join(err, w.player.Close())
	}
	return errors.Join(err, out.say(end))
}

// ask lets each viewer ask for a key frame now and then, not all at once, until
// ctx ends.
func (p *peer) ask(ctx context.Context, all []*watching) {
	if p.AskEach == 0 {
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(p.AskEach / time.Duration(len(all)))
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = all[i%len(all)].player.AskKeyFrame() // closed: the pictures will tell
		}
	}
}

// watching is one viewer that watches.
type watching struct {
	// static after join
	peer   *peer
	player *webrtctest.Player
	begin  time.Time

	mu sync.Mutex
	// guarded by mu
	pictures []seen
	parts    map[uint32]*parts // by timestamp
}

// parts is what came of a picture under one timestamp.
type parts struct {
	at    int // in pictures
	which map[int]bool
}

func (p *peer) join(ctx context.Context) (*watching, error) {
	w := &watching{peer: p, parts: map[uint32]*parts{}, begin: time.Now()}
	var err error
	w.player, err = webrtctest.Play(ctx, p.URL, webrtctest.Options{AllInterfaces: true, OnPacket: w.packet})
	if err != nil {
		return nil, fmt.Errorf("play: %w", err)
	}
	ready, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := webrtctest.Wait(ready, func() string { return w.player.Lacks(1, webrtctest.Stats{}, webrtctest.Stats{}) }); err != nil {
		return nil, errors.Join(err, w.player.Close())
	}
	return w, nil
}

func (w *watching) packet(kind string, packet *rtp.Packet) {
	if kind != "video" {
		return
	}
	now := time.Now().UnixMicro()
	codec := w.peer.Codec
	if codec == "" {
		codec = w.player.Video().Codec
	}
	picture, part, ok := webrtctest.PictureOf(codec, packet.Payload)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.parts[packet.Timestamp]
	if got == nil {
		got = &parts{at: len(w.pictures), which: map[int]bool{}}
		w.parts[packet.Timestamp] = got
		w.pictures = append(w.pictures, seen{Picture: picture, First: now, Timestamp: packet.Timestamp})
	}
	got.which[part] = true
	if s := &w.pictures[got.at]; s.Done == 0 && len(got.which) == w.peer.Packets {
		s.Done = now
	}
}

func (w *watching) viewer() viewer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return viewer{Video: w.player.Video(), Audio: w.player.Audio(), Begin: w.begin.UnixMicro(), Pictures: slices.Clone(w.pictures), Frames: w.player.VideoFrames()}
}

// A running peer is another process, on a host.
type running struct {
	t       *testing.T
	command *exec.Cmd
	stdin   io.Closer
	lines   chan said
	errors  *logBuffer
}

// run starts a peer. It ends with the test, if not before.
func (p peer) run(t *testing.T, host string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, command: on(context.Background(), host, self), lines: make(chan said, 1024), errors: &logBuffer{}}
	r.command.Env = append(r.command.Env, peerVariable+"="+string(text))
	r.command.Stderr = r.errors
	stdout, err := r.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if r.stdin, err = r.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.lines)
		decoder := json.NewDecoder(bufio.NewReader(stdout))
		for {
			var line said
			if decoder.Decode(&line) != nil {
				return
			}
			r.lines <- line
		}
	}()
	t.Cleanup(func() {
		if r.command.ProcessState == nil {
			_ = r.command.Process.Kill()
			_ = r.command.Wait()
		}
	})
	return r
}

// said waits for the next line of this step.
func (r *running) said(step string) said {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				r.t.Fatalf("the peer has ended before %q: %s", step, r.errors)
			}
			if line.Step == step {
				return line
			}
		case <-deadline:
			r.t.Fatalf("the peer did not say %q in %v: %s", step, patience, r.errors)
		}
	}
}

// end lets the peer end by itself.
func (r *running) end() said {
	r.t.Helper()
	if err := r.stdin.Close(); err != nil {
		r.t.Fatal(err)
	}
	line := r.said("ended")
	if err := r.command.Wait(); err != nil {
		r.t.Errorf("the peer: %v: %s", err, r.errors)
	}
	return line
}

// kill ends it by SIGKILL.
func (r *running) kill() {
	r.t.Helper()
	if err := r.command.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	_ = r.command.Wait() // killed
}
