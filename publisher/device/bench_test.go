//go:build cgo && unix

package device_test

import (
	"syscall"
	"testing"
	"time"

	"weir/publisher"
	"weir/publisher/device"
	"weir/publisher/pattern"
)

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkH264 draws and encodes 720p. core-% is the share of one core that this takes at 30 pictures a second.
func BenchmarkH264(b *testing.B) {
	p := pattern.Default("test")
	painter, err := pattern.NewPainter(p)
	if err != nil {
		b.Fatal(err)
	}
	e, err := device.OpenH264(params(p))
	if err != nil {
		b.Fatal(err)
	}
	begin, bytes := cpu(), 0
	n := int64(0)
	for ; b.Loop(); n++ {
		unit, err := e.Encode(painter.Draw(n, time.UnixMilli(n*1000/30)), false)
		if err != nil {
			b.Fatal(err)
		}
		bytes += len(unit)
	}
	b.ReportMetric(float64(cpu()-begin)/float64(n)*30/float64(time.Second)*100, "core-%")
	b.ReportMetric(float64(bytes)*8*30/float64(n)/1000, "kbit/s")
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpus encodes sound. core-% is the share of one core that this takes in real time.
func BenchmarkOpus(b *testing.B) {
	sound := pattern.NewSound(pattern.Default("test"))
	e, err := device.Opus(publisher.AudioParams{Channels: 2, BitRate: 96_000})
	if err != nil {
		b.Fatal(err)
	}
	begin := cpu()
	n := int64(0)
	for ; b.Loop(); n++ {
		if _, err := e.Encode(sound.Samples(n)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu()-begin)/float64(n)*50/float64(time.Second)*100, "core-%")
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}
