package control

import (
	"encoding/json"
	"net/http"
	"slices"

	"weir/publisher"
	"weir/stream"
)

// factsAnswer is what everybody may know of a public stream.
type factsAnswer struct {
	Name   string   `json:"name"`
	Live   bool     `json:"live"`
	Codecs []string `json:"codecs"`
}

// streamAnswer is a stream as who administers sees it.
type streamAnswer struct {
	factsAnswer

	Private bool          `json:"private"`
	Viewers int           `json:"viewers"`
	Source  *sourceAnswer `json:"source"` // null: none of ours feeds it
	Tracks  []trackAnswer `json:"tracks"`

	Findings []findingAnswer `json:"findings"`
}

type sourceAnswer struct {
	Kind       string            `json:"kind"`
	State      publisher.State   `json:"state"`
	Reason     string            `json:"reason"`
	Since      string            `json:"since"`
	NextTry    string            `json:"next_try,omitempty"`
	Params     json.RawMessage   `json:"params"`
	Restarts   int               `json:"restarts"`
	Runs       int               `json:"runs"`
	Failures   map[string]int    `json:"failures"`
	Renditions []renditionAnswer `json:"renditions"`
	Playback   *playbackAnswer   `json:"playback,omitempty"`

	policyAnswer
}

// playbackAnswer is in whole milliseconds, rounded down.
type playbackAnswer struct {
	Position int64 `json:"position_ms"`
	Duration int64 `json:"duration_ms"` // 0: not known
	Paused   bool  `json:"paused"`
}

type renditionAnswer struct {
	Codec     string `json:"codec"`
	Units     uint64 `json:"units"`
	Skipped   uint64 `json:"skipped"`
	Empty     uint64 `json:"empty"`
	KeyFrames uint64 `json:"key_frames"`
	Encoders  uint64 `json:"encoders"`
	Packets   uint64 `json:"packets"`
	Bytes     uint64 `json:"bytes"`
	Running   bool   `json:"running"`
}

type trackAnswer struct {
	Kind             string            `json:"kind"`
	Codec            string            `json:"codec"`
	Fmtp             string            `json:"fmtp"`
	Title            string            `json:"title"`
	Packets          uint64            `json:"packets"`
	Bytes            uint64            `json:"bytes"`
	KeyFrameRequests uint64            `json:"key_frame_requests"`
	Drops            map[string]uint64 `json:"drops"`
}

// Facts answers what everybody may know of the stream of path value "stream". One that is hidden is as one that nobody
// publishes; that is asked anew when its facts are there, for it may have begun, or become private, meanwhile.
func (a *API) Facts(w http.ResponseWriter, r *http.Request, hidden func(*http.Request) bool) error {
	name := r.PathValue("stream")
	facts := factsOf(name, nil)
	if !hidden(r) {
		facts = a.facts(name)
	}
	if hidden(r) {
		facts = factsOf(name, nil)
	}
	return writeJSON(w, http.StatusOK, facts)
}

// facts are those of a stream, whoever asks; a name that nobody publishes has them too.
func (a *API) facts(name string) factsAnswer {
	found, ok := a.options.Streams.Find(name)
	if !ok {
		return factsOf(name, nil)
	}
	return factsOf(name, found.Sent())
}

func factsOf(name string, tracks []*stream.Track) factsAnswer {
	answer := factsAnswer{Name: name, Live: len(tracks) > 0, Codecs: []string{}}
	for _, t := range tracks {
		if codec := t.Spec().Format.Name; !slices.Contains(answer.Codecs, codec) {
			answer.Codecs = append(answer.Codecs, codec)
		}
	}
	return answer
}

// lookAt describes a stream that somebody feeds or watches, or that has a source; false for any other name.
func (a *API) lookAt(name string) (streamAnswer, bool) {
	answer := streamAnswer{factsAnswer: factsOf(name, nil), Tracks: []trackAnswer{}, Findings: a.findingsOf(name)}
	found, known := a.options.Streams.Find(name)
	if known {
		tracks := found.Tracks()
		answer.factsAnswer, answer.Viewers = factsOf(name, found.Sent()), found.Viewers()
		for _, t := range tracks {
			answer.Tracks = append(answer.Tracks, trackOf(t))
		}
	}
	status, supervised := a.options.Sources.Status(name)
	if supervised {
		answer.Private, answer.Source = status.Private, sourceOf(status)
	}
	return answer, known || supervised
}

func trackOf(t *stream.Track) trackAnswer {
	spec, stats := t.Spec(), t.Stats()
	return trackAnswer{
		Kind: t.Kind().String(), Codec: spec.Format.Name, Fmtp: spec.Format.Fmtp, Title: spec.Title,
		Packets: stats.Packets, Bytes: stats.Bytes, KeyFrameRequests: stats.KeyFrameRequests, Drops: stats.Drops,
	}
}

func sourceOf(s publisher.Status) *sourceAnswer {
	answer := &sourceAnswer{
		Kind: s.Source, State: s.State, Reason: s.Reason, Since: instant(s.Since), Params: s.Params, Restarts: s.Restarts,
		Runs: s.Runs, Failures: s.Failures, Renditions: []renditionAnswer{}, policyAnswer: policyOf(s),
	}
	if answer.Failures == nil {
		answer.Failures = map[string]int{}
	}
	if s.Place != nil {
		answer.Playback = &playbackAnswer{
			Position: s.Place.Position.Milliseconds(), Duration: s.Place.Duration.Milliseconds(), Paused: s.Place.Paused,
		}
	}
	if !s.NextTry.IsZero() {
		answer.NextTry = instant(s.NextTry)
	}
	if len(answer.Params) == 0 {
		answer.Params = json.RawMessage("{}")
	}
	for _, r := range s.Renditions {
		answer.Renditions = append(answer.Renditions, renditionAnswer{
			Codec: r.Spec.Format.Name, Units: r.Units, Skipped: r.Skipped, Empty: r.Empty, KeyFrames: r.KeyFrames,
			Encoders: r.Encoders, Packets: r.Packets, Bytes: r.Bytes, Running: r.Running,
		})
	}
	return answer
}
