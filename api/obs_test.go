package api_test

import (
	"archive/zip"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The zip holds one folder, as OBS imports it.
func TestProfileForOBS(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := call{
		method: "GET", target: "/api/v1/streams/lobby/obs-profile", host: "weir.example:8080",
		fields: []string{"Authorization", "Bearer " + publishToken},
	}.send(t, w.face)
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/zip" ||
		a.Header.Get("Content-Disposition") != `attachment; filename="weir-lobby.zip"` || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	files := unpack(t, a.Body)
	if diff := cmp.Diff(map[string]any{
		"type": "whip_custom", "settings": map[string]any{"server": "http://weir.example:8080/whip/lobby", "bearer_token": publishToken},
	}, parse(t, files["weir-lobby/service.json"])); diff != "" {
		t.Errorf("service.json (-want +got):\n%s", diff)
	}
	encoder := parse(t, files["weir-lobby/streamEncoder.json"])
	for key, want := range map[string]any{"bf": 0.0, "keyint_sec": 1.0, "tune": "zerolatency", "rate_control": "CBR", "repeat_headers": true} {
		if encoder[key] != want {
			t.Errorf("streamEncoder.json: %s is %v, want %v", key, encoder[key], want)
		}
	}
	basic := sections(t, files["weir-lobby/basic.ini"])
	for key, want := range map[string]string{
		"General.Name": "weir-lobby", "Output.Mode": "Advanced", "AdvOut.Encoder": "obs_x264", "AdvOut.AudioEncoder": "ffmpeg_opus", "Output.Reconnect": "true",
	} {
		if basic[key] != want {
			t.Errorf("basic.ini: %s is %q, want %q", key, basic[key], want)
		}
	}
	if len(files) != 3 {
		t.Errorf("%d files", len(files))
	}
}

// The server's address is the one under which the client has found it.
func TestProfileNamesTheServer(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for _, test := range []struct {
		name, remote, want string
		tls                bool
		fields             []string
	}{
		{name: "as asked", remote: "192.0.2.1:1000", want: "http://weir.example/whip/lobby"},
		{name: "by HTTPS", remote: "192.0.2.1:1000", tls: true, want: "https://weir.example/whip/lobby"},
		{
			name: "through a proxy", remote: "127.0.0.1:1000", want: "https://outside.example/whip/lobby",
			fields: []string{"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https, http", "X-Forwarded-Host", "outside.example, inside"},
		},
		{
			name: "through a proxy by the RFC", remote: "[::1]:1000", want: "https://outside.example:444/whip/lobby",
			fields: []string{"Forwarded", `For=192.0.2.7;Proto=https;host="outside.example:444", for=192.0.2.8;proto=http`},
		},
		{
			name: "a stranger's word", remote: "192.0.2.1:1000", want: "http://weir.example/whip/lobby",
			fields: []string{"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "outside.example"},
		},
		{
			name: "another scheme", remote: "127.0.0.1:1000", want: "http://weir.example/whip/lobby",
			fields: []string{"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "javascript"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/streams/lobby/obs-profile", http.NoBody)
			r.Host, r.RemoteAddr = "weir.example", test.remote
			if test.tls {
				r.TLS = new(tls.ConnectionState)
			}
			r.Header.Set("Authorization", "Bearer "+publishToken)
			for i := 0; i < len(test.fields); i += 2 {
				r.Header.Set(test.fields[i], test.fields[i+1])
			}
			answered := httptest.NewRecorder()
			w.face.ServeHTTP(answered, r)
			service := parse(t, unpack(t, answered.Body.String())["weir-lobby/service.json"])
			if settings, ok := service["settings"].(map[string]any); !ok || settings["server"] != test.want {
				t.Errorf("the server is %v, want %s", service["settings"], test.want)
			}
		})
	}
}

func unpack(t *testing.T, body string) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range archive.File {
		file, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name] = string(content)
	}
	return files
}

func parse(t *testing.T, text string) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return object
}

// sections reads an INI file: "Section.Key" to value.
func sections(t *testing.T, text string) map[string]string {
	t.Helper()
	section, values := "", map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, pair := strings.Cut(line, "=")
		switch {
		case line == "":
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = line[1 : len(line)-1]
		case pair && section != "":
			values[section+"."+name] = value
		default:
			t.Errorf("basic.ini has the line %q", line)
		}
	}
	return values
}
