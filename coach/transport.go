package coach

import (
	"fmt"
	"time"

	"weir/stream"
)

const (
	// lossLooks is over how many looks loss is measured.
	lossLooks = 10
	// rateLooks is over how many the bit rate is.
	rateLooks = 5
)

// transport is what is known of the way here.
type transport struct {
	reports []stream.PublisherReport // at the last looks
	rates   []float64                // bits a second
}

// take takes the publisher's report, and what its tracks take by now. One of
// which a look has nothing new, since a second is over a little later, counts as
// before; one that is not fed any more does not count.
func (t *transport) take(r stream.PublisherReport, pupils []*pupil, now time.Time) {
	const lately = 3 * lookEvery
	t.reports = keep(t.reports, r, lossLooks+1)
	rate := 0.0
	for _, u := range pupils {
		if now.Sub(u.now.at) < lately {
			rate += u.bits
		}
	}
	t.rates = keep(t.rates, rate, rateLooks)
}

// check judges them. most is the limit, bits a second.
func (t *transport) check(most int, judge func(verdict)) {
	if len(t.rates) == rateLooks {
		t.checkRate(float64(most), judge)
	}
	if len(t.reports) > lossLooks {
		t.checkLoss(judge)
	}
}

// bitRate is the mean over the last looks, bits a second.
func (t *transport) bitRate() float64 {
	sum := 0.0
	for _, r := range t.rates {
		sum += r
	}
	return sum / float64(max(len(t.rates), 1))
}

func (t *transport) checkRate(most float64, judge func(verdict)) {
	const fine = 0.9 // of the limit
	rate := t.bitRate()
	if rate <= most && rate > fine*most {
		return
	}
	judge(verdict{
		code: BitRateHigh, wrong: rate > most, remedies: atRate(fine * most),
		text: fmt.Sprintf("The stream takes %.1f Mbit/s, more than the limit of %.1f Mbit/s: every viewer needs as much.", rate/1e6, most/1e6),
	})
}

func (t *transport) checkLoss(judge func(verdict)) {
	const (
		enough   = 100  // packets, to speak of a part of them
		lossMost = 0.02 // of all packets
		lossFine = 0.01
		missed   = 10  // packets, to speak of what came again
		fewAgain = 0.1 // of them
		manySo   = 0.5
	)
	first, before, now := t.reports[0], t.reports[len(t.reports)-2], t.reports[len(t.reports)-1]
	lost, again := gone(first, now)
	all := float64(now.Packets-first.Packets) + lost
	if all >= enough {
		part := (lost + again) / all
		recently, recovered := gone(before, now)
		switch {
		case part < lossFine, part >= lossMost && recently+recovered > 0:
			judge(verdict{
				code: PacketLoss, wrong: part >= lossMost, remedies: atRate(t.bitRate() * 0.7),
				text: fmt.Sprintf("%.1f %% of the packets get lost on the way to this server; of these %.0f %% came when they were asked for again.",
					100*part, 100*again/max(lost+again, 1)),
			})
		}
	}
	if asked := now.NACKs - first.NACKs; lost+again >= missed && asked >= missed {
		switch part := again / (lost + again); {
		case part < fewAgain, part >= manySo:
			judge(verdict{
				code: NACKUnanswered, wrong: part < fewAgain, remedies: withHistory(),
				text: fmt.Sprintf("%.0f packets got lost on the way to this server and were asked for again (NACK), but %.0f of them came: each loss breaks the picture or the sound.",
					lost+again, again),
			})
		}
	}
}

// gone is how many packets did not come between two reports: lost in the end,
// and those that came when they were asked for again. What was never asked for
// was not lost but out of order.
func gone(from, to stream.PublisherReport) (lost, again float64) {
	return float64(to.Lost - from.Lost), float64(min(to.Recovered-from.Recovered, to.NACKs-from.NACKs))
}
