package api

import (
	"encoding/json"
	"time"

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
	o := object{members: []member{{"attempts", &b.change.Attempts}, {"delay_ms", &delay}, {"longest_ms", &longest}}}
	if err := o.read(b.restart); err != nil {
		return err
	}
	for i := range o.unknown {
		o.unknown[i].Name = "restart." + o.unknown[i].Name
	}
	for i := range o.wrong {
		o.wrong[i].Name = "restart." + o.wrong[i].Name
	}
	b.change.Delay, b.change.Longest = durationOf(delay), durationOf(longest)
	return o.verdict()
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

// fieldOf is how the API calls what of a policy is wrong: times are whole milliseconds here.
func fieldOf(name string) string {
	switch name {
	case "stop_after", "restart.delay", "restart.longest":
		return name + "_ms"
	default:
		return name
	}
}
