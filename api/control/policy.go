package control

import (
	"encoding/json"
	"time"

	"weir/api/request"
	"weir/publisher"
)

// policyBody is when a stream's source may be asked to run.
type policyBody struct {
	onDemand  *bool
	stopAfter *int            // milliseconds
	restart   json.RawMessage // as it came
	change    publisher.RestartChange
}

// readRestart reads the member of that name.
func (b *policyBody) readRestart() error {
	if b.restart == nil {
		return nil
	}
	var delay, longest *int
	err := request.ReadInner("restart", b.restart,
		request.Member{Name: "attempts", Into: &b.change.Attempts}, request.Member{Name: "delay_ms", Into: &delay},
		request.Member{Name: "longest_ms", Into: &longest})
	b.change.Delay, b.change.Longest = durationOf(delay), durationOf(longest)
	return err
}

// durationOf is a time of so many; one beyond all bounds stays beyond them.
func durationOf(n *int) *time.Duration {
	const most = int(1000 * time.Hour / time.Millisecond)
	if n == nil {
		return nil
	}
	return new(time.Duration(max(min(*n, most), -1)) * time.Millisecond)
}

// policyAnswer is when a stream's source runs.
type policyAnswer struct {
	OnDemand  bool          `json:"on_demand"`
	StopAfter int64         `json:"stop_after_ms"`
	Restart   restartAnswer `json:"restart"`
}

type restartAnswer struct {
	Attempts int   `json:"attempts"`
	Delay    int64 `json:"delay_ms"`
	Longest  int64 `json:"longest_ms"`
}

func policyOf(s publisher.Status) policyAnswer {
	return policyAnswer{
		OnDemand: s.OnDemand, StopAfter: s.StopAfter.Milliseconds(),
		Restart: restartAnswer{s.Restart.Attempts, s.Restart.Delay.Milliseconds(), s.Restart.Longest.Milliseconds()},
	}
}
