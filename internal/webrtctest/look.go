package webrtctest

import (
	"context"
	"fmt"
)

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
