package ingress_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
)

// arrival is a packet that came.
type arrival struct {
	number    int // extended
	timestamp uint32
	at        time.Time
}

// model is the report block that RFC 3550 wants at a time, by what came until
// then and until the report before (A.1, A.3, A.8). The jitter is not rounded.
func model(came []arrival, before, at time.Time) (block rtcp.ReceptionReport, jitter float64) {
	const rate = 90000
	var expected, received, expectedPrior, receivedPrior int
	highest, transit := 0, 0.0
	for i, a := range came {
		if a.at.After(at) {
			break
		}
		received++
		if highest = max(highest, a.number); a.number == highest { // in order
			now := a.at.Sub(came[0].at).Seconds()*rate - float64(a.timestamp-came[0].timestamp)
			if i > 0 {
				jitter += (math.Abs(now-transit) - jitter) / 16
			}
			transit = now
		}
		expected = highest - came[0].number + 1
		if !a.at.After(before) {
			expectedPrior, receivedPrior = expected, received
		}
	}
	block = rtcp.ReceptionReport{SSRC: low, LastSequenceNumber: uint32(highest), TotalLost: uint32(expected - received)}
	if lost := (expected - expectedPrior) - (received - receivedPrior); lost > 0 {
		block.FractionLost = uint8(lost * 256 / (expected - expectedPrior))
	}
	return block, jitter
}

// Report blocks say what the RFC's own reckoning does, over a wrap, with losses,
// packets that come late, uneven arrivals and sender reports.
func TestReceptionReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		section := sectionOf()
		section.Feedback, section.Payloads[0].Feedback = nil, nil // nothing is asked for again
		p := publisherOf(t, section)
		const first = 65500 // the number; it wraps after 1.2 s
		const report = 0xe0123456_789abcde
		var reported time.Time
		var came []arrival
		start := time.Now().Add(777 * time.Microsecond)
		put := func(n int) {
			pkt := picture(low, first-number+n, delta, 10)
			p.write(t, pkt)
			came = append(came, arrival{number: first + n, timestamp: pkt.Timestamp, at: time.Now()})
		}
		for n := range 180 { // 6 s
			time.Sleep(time.Until(start.Add(time.Duration(n)*time.Second/30 + time.Duration(n*n%7)*time.Millisecond)))
			switch {
			case n < 60 && n%10 == 4, n >= 60 && n < 90 && n%3 == 1: // lost
			case n%40 == 20: // late
			case n%40 == 21:
				put(n)
				put(n - 1)
			default:
				put(n)
			}
			if n == 70 {
				p.control(t, low, &rtcp.SenderReport{SSRC: low, NTPTime: report, RTPTime: uint32(frame * n)})
				reported = time.Now()
			}
		}
		synctest.Wait()
		before, blocks, lossy := time.Time{}, 0, 0
		for i, compound := range p.compounds {
			r, ok := compound[0].(*rtcp.ReceiverReport)
			if !ok || len(r.Reports) == 0 {
				continue
			}
			at := p.times[i]
			want, jitter := model(came, before, at)
			before = at
			if !reported.IsZero() && reported.Before(at) {
				want.LastSenderReport = 0x3456789a
				want.Delay = uint32(at.Sub(reported).Seconds() * 65536)
			}
			got := r.Reports[0]
			if blocks++; want.FractionLost > 0 {
				lossy++
			}
			if math.Abs(float64(got.Jitter)-jitter) > 2 || jitter < 20 {
				t.Errorf("%v after: jitter %d, want %.1f", at.Sub(start), got.Jitter, jitter)
			}
			if off := int64(got.Delay) - int64(want.Delay); off > 1 || off < -1 {
				t.Errorf("%v after: held a sender report for %d, want %d", at.Sub(start), got.Delay, want.Delay)
			}
			got.Jitter, got.Delay, want.Delay = 0, 0, 0
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%v after: %s", at.Sub(start), d)
			}
		}
		if blocks < 5 || lossy < 3 || lossy == blocks {
			t.Errorf("%d reports, %d of loss", blocks, lossy)
		}
	})
}
