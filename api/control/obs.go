package control

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"weir/api/request"
	"weir/stream"
)

// profileFiles are what OBS reads when the folder is imported as a profile (OBS 30 to 32). basic.ini must be there, and
// streamEncoder.json counts in the advanced output mode alone.
type profileFiles struct {
	folder, basic   string
	service, encode any
}

// obsService is service.json: the service of OBS's plugin obs-webrtc.
type obsService struct {
	Type     string             `json:"type"`
	Settings obsServiceSettings `json:"settings"`
}

type obsServiceSettings struct {
	Server string `json:"server"`
	Token  string `json:"bearer_token"`
}

// obsEncoder is streamEncoder.json: the settings of x264 as obs-x264 names them.
type obsEncoder struct {
	RateControl   string `json:"rate_control"`
	BitRate       int    `json:"bitrate"`    // kbit/s
	KeyInterval   int    `json:"keyint_sec"` // seconds; OBS answers no request for a key frame
	BFrames       int    `json:"bf"`         // WebRTC has no order of decoding of its own
	Preset        string `json:"preset"`
	Profile       string `json:"profile"`
	Tune          string `json:"tune"`
	RepeatHeaders bool   `json:"repeat_headers"`
}

// obsBasic is basic.ini. OBS takes WHIP's audio only as Opus.
const obsBasic = `[General]
Name=%s

[Output]
Mode=Advanced
Reconnect=true
RetryDelay=1
MaxRetries=1000

[AdvOut]
ApplyServiceSettings=true
TrackIndex=1
Encoder=obs_x264
AudioEncoder=ffmpeg_opus
Track1Bitrate=128

[Video]
FPSType=0
FPSCommon=30
`

// ProfileForOBS answers with a zip of a profile that OBS imports: this server as its service, with the request's token,
// and an encoder that suits WebRTC. Who asks has been found to be one who may publish.
func (a *API) ProfileForOBS(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	name := r.PathValue("name")
	if !a.options.ValidName(name) {
		return stream.ErrName
	}
	packed, err := profileOf(name, request.PublicURL(r).JoinPath("whip", name).String(), request.Bearer(r)).zip()
	if err != nil {
		return fmt.Errorf("pack a profile for OBS: %w", err)
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="weir-`+name+`.zip"`) // a name needs no escaping
	w.Header().Set("Cache-Control", "no-store")
	if _, err := w.Write(packed); err != nil { //nolint:gosec // no page: a zip file that is to be saved
		return nil //nolint:nilerr // the client has gone: there is nobody to tell
	}
	return nil
}

func profileOf(stream, server, token string) profileFiles {
	folder := "weir-" + stream
	return profileFiles{
		folder: folder, basic: fmt.Sprintf(obsBasic, folder),
		service: obsService{Type: "whip_custom", Settings: obsServiceSettings{Server: server, Token: token}},
		encode: obsEncoder{
			RateControl: "CBR", BitRate: 2500, KeyInterval: 1, Preset: "veryfast", Profile: "high", Tune: "zerolatency", RepeatHeaders: true,
		},
	}
}

func (p profileFiles) zip() ([]byte, error) {
	service, err := json.MarshalIndent(p.service, "", "    ")
	if err != nil {
		return nil, fmt.Errorf("write the service: %w", err)
	}
	encoder, err := json.MarshalIndent(p.encode, "", "    ")
	if err != nil {
		return nil, fmt.Errorf("write the encoder: %w", err)
	}
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, file := range []struct {
		name    string
		content []byte
	}{{"basic.ini", []byte(p.basic)}, {"service.json", service}, {"streamEncoder.json", encoder}} {
		entry, err := archive.Create(p.folder + "/" + file.name)
		if err != nil {
			return nil, fmt.Errorf("add %s: %w", file.name, err)
		}
		if _, err := io.Copy(entry, bytes.NewReader(file.content)); err != nil {
			return nil, fmt.Errorf("add %s: %w", file.name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("end the archive: %w", err)
	}
	return out.Bytes(), nil
}
