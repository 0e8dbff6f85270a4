package ingress_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/transport/v4/packetio"
)

// sent are the compounds that were sent since the last call.
func (p *publisher) sent() [][]rtcp.Packet {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.compounds
	p.compounds = nil
	return all
}

// blocks are the report blocks sent since the last call, by SSRC, the newest of
// each.
func (p *publisher) blocks(tb testing.TB) map[uint32]rtcp.ReceptionReport {
	tb.Helper()
	all := map[uint32]rtcp.ReceptionReport{}
	for _, compound := range p.sent() {
		if report, ok := compound[0].(*rtcp.ReceiverReport); ok {
			if len(report.Reports) > 31 {
				tb.Errorf("%d blocks in a report", len(report.Reports))
			}
			for _, block := range report.Reports {
				all[block.SSRC] = block
			}
		}
	}
	return all
}

// control sends RTCP as pion would hand it over.
func (p *publisher) control(tb testing.TB, ssrc uint32, packets ...rtcp.Packet) {
	tb.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := p.Buffer(packetio.RTCPBufferPacket, ssrc).Write(b); err != nil {
		tb.Fatal(err)
	}
}

// Every compound begins with a receiver report and says who we are, unless the
// publisher takes less (RFC 3550 6.1, RFC 4585 3.1, RFC 5506).
func TestCompounds(t *testing.T) {
	for _, reduced := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			section := sectionOf()
			section.ReducedSize = reduced
			p := publisherOf(t, section)
			p.write(t, picture(low, 0, keyFrame, 10))
			p.write(t, picture(low, 3, delta, 10))
			p.track.RequestKeyFrame()
			time.Sleep(2500 * time.Millisecond)
			alone, kinds := 0, map[string]int{}
			for _, compound := range p.sent() {
				for _, packet := range compound {
					kinds[fmt.Sprintf("%T", packet)]++
				}
				if reduced && len(compound) == 1 {
					alone++
					continue
				}
				if _, ok := compound[0].(*rtcp.ReceiverReport); !ok || len(compound) < 2 {
					t.Errorf("a compound of %d packets begins with %T", len(compound), compound[0])
					continue
				}
				if s, ok := compound[1].(*rtcp.SourceDescription); !ok || s.Chunks[0].Items[0].Text != "cname" {
					t.Errorf("a compound goes on with %v", compound[1])
				}
			}
			if reduced != (alone > 0) {
				t.Errorf("%d packets alone", alone)
			}
			for _, kind := range []string{"*rtcp.TransportLayerNack", "*rtcp.PictureLossIndication", "*rtcp.ReceiverReport"} {
				if kinds[kind] == 0 {
					t.Errorf("no %s; sent %v", kind, kinds)
				}
			}
		})
	}
}

// Each FIR has a number of its own, or else the publisher takes it for the one
// before (RFC 5104 4.3.1.2): also those from before its first packet.
func TestFullIntraRequestsAreNumbered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		section := sectionOf()
		section.Feedback, section.Sources = []string{"ccm fir"}, section.Sources[:1]
		p := publisherOf(t, section)
		var numbers []uint8
		for n := range 5 {
			p.track.RequestKeyFrame()
			time.Sleep(time.Second)
			if n > 1 {
				p.write(t, picture(low, n, delta, 10))
			}
		}
		synctest.Wait() // for a request of this very moment
		for _, compound := range p.sent() {
			for _, packet := range compound {
				switch packet := packet.(type) {
				case *rtcp.FullIntraRequest:
					if len(packet.FIR) != 1 || packet.FIR[0].SSRC != low {
						t.Errorf("asked with %v", packet)
					}
					numbers = append(numbers, packet.FIR[0].SequenceNumber)
				case *rtcp.PictureLossIndication:
					t.Error("a PLI, which was not offered")
				}
			}
		}
		for i, number := range numbers {
			if number != uint8(i+1) {
				t.Fatalf("the requests have the numbers %v", numbers)
			}
		}
		if got := p.Stats()[0]; len(numbers) < 5 || got.KeyFrames != uint64(len(numbers)) {
			t.Errorf("%d requests came, %d are counted", len(numbers), got.KeyFrames)
		}
	})
}

// Reports are on who was heard since the last one, and on everyone in turn where
// one has no room for all.
func TestReportsAreOnWhoIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		section := sectionOf()
		section.Sources = nil
		p := publisherOf(t, section)
		const streams = 40
		for range 3 {
			for ssrc := range uint32(streams) {
				p.write(t, picture(100+ssrc, int(time.Now().UnixMilli()), keyFrame, 10))
			}
			time.Sleep(time.Second)
		}
		if got := p.blocks(t); len(got) != streams {
			t.Errorf("reports on %d streams, want %d", len(got), streams)
		}
		time.Sleep(2 * time.Second)
		p.blocks(t)
		p.write(t, picture(100+streams-1, 0, keyFrame, 10))
		time.Sleep(3 * time.Second)
		if got := p.blocks(t); len(got) != 1 || got[100+streams-1].SSRC == 0 {
			t.Errorf("reports on %v, want the one that was heard", got)
		}
	})
}

// A stream that says goodbye is forgotten soon, whatever else it was; what came
// of it stays counted.
func TestGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t)
		p.write(t, picture(low, 0, keyFrame, 10))
		p.write(t, picture(low, 2, delta, 10))
		p.control(t, low, &rtcp.Goodbye{Sources: []uint32{low}})
		p.write(t, picture(low, 1, delta, 10)) // later than the goodbye
		p.write(t, picture(high, 0, keyFrame, 10))
		time.Sleep(3 * time.Second)
		p.blocks(t)
		p.write(t, picture(low, 50, keyFrame, 10)) // it begins anew: nothing is missing
		time.Sleep(1500 * time.Millisecond)
		if got := p.blocks(t)[low]; got.TotalLost != 0 || got.LastSequenceNumber != number+50 {
			t.Errorf("reports %+v of a stream that began anew", got)
		}
		if got := p.Stats()[0].Reception; got.Packets != 5 || got.Bytes != 5*12 || got.Recovered != 1 {
			t.Errorf("counts %+v", got)
		}
		if packets, octets := p.Counted(); packets != 5 || octets != 5*12 {
			t.Errorf("counted %d packets, %d bytes", packets, octets)
		}
		if got := p.line(); !slices.Equal(got, []int{0, 2, 1, 3, 4}) {
			t.Errorf("the track got %v", got)
		}
	})
}

// However often a publisher changes its SSRC, the live one is taken, and reported
// on.
func TestManyChangesOfSSRC(t *testing.T) {
	for _, says := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPublisher(t)
			const changes = 200
			for n := range changes {
				ssrc := uint32(1000 + n)
				p.write(t, picture(ssrc, n*100, keyFrame, 10))
				p.write(t, picture(ssrc, n*100+1, delta, 10))
				if says {
					p.control(t, ssrc, &rtcp.Goodbye{Sources: []uint32{ssrc}})
				}
				time.Sleep(200 * time.Millisecond)
			}
			p.write(t, picture(1000+changes-1, (changes-1)*100+2, delta, 10))
			p.blocks(t)
			time.Sleep(1100 * time.Millisecond)
			if got := p.blocks(t); got[1000+changes-1].SSRC == 0 || len(got) > 6 {
				t.Errorf("reports on %v", got)
			}
			checkLine(t, p, 2*changes+1)
			if got := p.Stats()[0].Reception; got.Packets != 2*changes+1 || got.Streams != changes {
				t.Errorf("counts %+v", got)
			}
		})
	}
}
