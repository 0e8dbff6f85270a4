//go:build e2e && linux

package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/pion/rtp"
	"golang.org/x/sys/unix"

	"weir/stream"
)

const (
	burstRate     = 30   // a second
	payloadSize   = 1200 // bytes
	keyFrameEvery = 60   // bursts
	clockRate     = 90000
)

// A feed writes synthetic H.264: each burst is one picture in fragments
// (RFC 6184 5.8), every 60th an IDR picture behind its parameter sets.
// One goroutine at a time may use it.
type feed struct {
	publication *stream.Publication
	track       *stream.Track
	bursts      int
	sequence    uint16
	timestamp   uint32 // clock rate units
}

// burst writes one picture of n packets.
func (f *feed) burst(n int) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	key := f.bursts%keyFrameEvery == 0
	f.bursts++
	f.timestamp += clockRate / burstRate
	for i := range n {
		var payload []byte
		if key && i == 0 {
			payload = parameterSets()
		} else {
			payload = fragment(key, i == 0 || key && i == 1, i == n-1, now.Nano())
		}
		f.sequence++
		f.track.WriteRTP(f.publication, &rtp.Packet{
			Header: rtp.Header{
				Version: 2, PayloadType: 96, Marker: i == n-1,
				SequenceNumber: f.sequence, Timestamp: f.timestamp,
			},
			Payload: payload,
		})
	}
	return nil
}

// fragment is one FU-A. Its first eight bytes are the time in ns, where fanload
// looks for it, but the upper two give way to the FU indicator and header.
func fragment(key, first, last bool, now int64) []byte {
	const (
		indicator    = 0x60 | 28 // NRI 3, FU-A
		start, end   = 0x80, 0x40
		idr, picture = 5, 1
	)
	b := make([]byte, payloadSize)
	for i := range b {
		b[i] = byte(i * 7)
	}
	binary.BigEndian.PutUint64(b, uint64(now))
	b[0], b[1] = indicator, picture
	if key {
		b[1] = idr
	}
	if first {
		b[1] |= start
	}
	if last {
		b[1] |= end
	}
	return b
}

// parameterSets is a STAP-A (RFC 6184 5.7.1) of the parameter sets of 720p and
// of an SEI unit that fills it up to the size of the other packets.
func parameterSets() []byte {
	sps := []byte{0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x28, 0x02, 0xdd, 0x80, 0xb5, 0x01, 0x01, 0x01, 0x40}
	pps := []byte{0x68, 0xce, 0x3c, 0x80}
	b := []byte{0x60 | 24}
	for _, unit := range [][]byte{sps, pps} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(unit)))
		b = append(b, unit...)
	}
	sei := make([]byte, payloadSize-len(b)-2)
	sei[0] = 6
	b = binary.BigEndian.AppendUint16(b, uint16(len(sei)))
	return append(b, sei...)
}

// run writes bursts of n packets for a time, on an absolute schedule, and says
// how many packets it wrote and how late it was in the end.
func (f *feed) run(span time.Duration, n int) (packets int, late time.Duration, err error) {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	count := int(span.Seconds() * burstRate)
	for i := range count {
		timer.Reset(time.Until(start.Add(time.Duration(i) * time.Second / burstRate)))
		<-timer.C
		if err := f.burst(n); err != nil {
			return packets, 0, err
		}
		packets += n
	}
	// The last burst's time is part of the window: the workers send it.
	timer.Reset(time.Until(start.Add(span)))
	<-timer.C
	return packets, time.Since(start) - span, nil
}
