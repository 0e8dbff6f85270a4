package webrtctest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/pion/webrtc/v4"
)

// Offer is the offer as it was posted.
func (p *Player) Offer() string { return p.offer }

// Local is the offer with all candidates, whatever was posted.
func (p *Player) Local() string { return p.local }

// Answer is the answer as it came.
func (p *Player) Answer() string { return p.answer }

// Created is the whole reply to the POST.
func (p *Player) Created() *Reply { return p.created }

// Session is the absolute URL of the session.
func (p *Player) Session() string { return p.session }

// Client is the player's HTTP client, for requests of other kinds.
func (p *Player) Client() *Client { return p.client }

// PeerConnection is what plays.
func (p *Player) PeerConnection() *webrtc.PeerConnection { return p.pc }

// ETag is the newest entity-tag of the session, with its quotes.
func (p *Player) ETag() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.etag
}

// Saw says whether the PeerConnection was ever in one of these states.
func (p *Player) Saw(states ...webrtc.PeerConnectionState) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.states, func(s webrtc.PeerConnectionState) bool { return slices.Contains(states, s) })
}

// Audio is what came of audio so far.
func (p *Player) Audio() Stats { return p.audio.snapshot() }

// Video is what came of video so far.
func (p *Player) Video() Stats { return p.video.snapshot() }

// AudioFrames are the audio packets by timestamp, in the order of their coming.
func (p *Player) AudioFrames() []Frame { return p.audio.allFrames() }

// VideoFrames are the pictures by timestamp, in the order of their coming.
func (p *Player) VideoFrames() []Frame { return p.video.allFrames() }

// Lacks says what is missing until n more packets than before of each kind that
// was offered have come, "" when they are there: for Wait and Until.
func (p *Player) Lacks(n int, audioBefore, videoBefore Stats) string {
	if got := p.Video().Packets - videoBefore.Packets; !p.options.NoVideo && got < n {
		return fmt.Sprintf("video packets: %d of %d, connection %s", got, n, p.pc.ConnectionState())
	}
	if got := p.Audio().Packets - audioBefore.Packets; !p.options.NoAudio && got < n {
		return fmt.Sprintf("audio packets: %d of %d, connection %s", got, n, p.pc.ConnectionState())
	}
	return ""
}

// WaitMedia waits until n more packets of each kind have come than there are now.
func (p *Player) WaitMedia(ctx context.Context, n int) error {
	audio, video := p.Audio(), p.Video()
	return Wait(ctx, func() string { return p.Lacks(n, audio, video) })
}

// Path is the selected pair of addresses, the player's own first; "" for both
// while there is none, as after a restart.
func (p *Player) Path() (local, remote string) {
	pair, err := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return "", ""
	}
	address := func(c *webrtc.ICECandidate) string { return net.JoinHostPort(c.Address, strconv.Itoa(int(c.Port))) }
	return address(pair.Local), address(pair.Remote)
}
