package control

import "weir/coach"

// Coach knows what publishers should change: a *coach.Coach.
type Coach interface {
	Findings(stream string) []coach.Finding
}

type findingAnswer struct {
	Code     coach.Code     `json:"code"`
	Severity coach.Severity `json:"severity"`
	Since    string         `json:"since"`
	Track    string         `json:"track"`
	Text     string         `json:"text"`
	Remedies remediesAnswer `json:"remedies"`
}

type remediesAnswer struct {
	OBS       string `json:"obs"`
	FFmpeg    string `json:"ffmpeg"`
	GStreamer string `json:"gstreamer"`
}

// findingsOf are those of a stream, the worst first.
func (a *API) findingsOf(stream string) []findingAnswer {
	all := []findingAnswer{}
	if a.options.Coach == nil {
		return all
	}
	for _, one := range a.options.Coach.Findings(stream) {
		all = append(all, findingAnswer{
			Code: one.Code, Severity: one.Severity, Since: instant(one.Since), Track: one.Track, Text: one.Text,
			Remedies: remediesAnswer(one.Remedies),
		})
	}
	return all
}
