package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/api"
	"weir/api/control"
	"weir/publisher"
)

// Devices are those of all kinds that name one, with what they can do; a kind without says why.
func TestDevices(t *testing.T) {
	schema := json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{"device":{"type":"string"}}}`)
	none := errors.New("no screen is there")
	w := newWorld(t, worldOptions{change: func(o *api.Options) {
		o.Sources = kindsOf{o.Sources, []publisher.Kind{
			{Name: "camera", Schema: schema, Choices: func(context.Context) ([]publisher.Choice, error) {
				return []publisher.Choice{{Param: "device", Value: "usb-1", Title: "Eye", Report: json.RawMessage(`{"in_use":false,"formats":[]}`)}}, nil
			}},
			{Name: "file", Choices: func(context.Context) ([]publisher.Choice, error) {
				t.Error("asked for files")
				return nil, nil
			}},
			{Name: "screen", Schema: schema, Absent: func(context.Context) error { return none }, Choices: func(context.Context) ([]publisher.Choice, error) {
				return nil, none
			}},
			{Name: "tape", Schema: schema, Missing: errors.New("built without tapes")},
		}}
	}})
	got := decode[struct {
		Devices []struct {
			Source, Param, Name, Title string
			Report                     map[string]any
		}
		Lacking []struct{ Source, Reason string }
	}](t, w.administer(t, "GET", "/api/v1/devices", ""), http.StatusOK)
	if len(got.Devices) != 1 || got.Devices[0].Source != "camera" || got.Devices[0].Param != "device" || got.Devices[0].Name != "usb-1" ||
		got.Devices[0].Title != "Eye" || got.Devices[0].Report["formats"] == nil {
		t.Errorf("%+v", got.Devices)
	}
	want := []struct{ Source, Reason string }{{"screen", "No screen is there."}, {"tape", "Built without tapes."}}
	if diff := cmp.Diff(want, got.Lacking); diff != "" {
		t.Error(diff)
	}
	// What is not there now is not available, and says why.
	sources := decode[struct {
		Sources []struct {
			Name, Reason string
			Available    bool
		}
	}](t, w.administer(t, "GET", "/api/v1/sources", ""), http.StatusOK)
	if s := sources.Sources[2]; s.Available || s.Reason != "No screen is there." {
		t.Errorf("%+v", s)
	}
	if a := w.administer(t, "GET", "/api/v1/devices?x=1", ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("unknown query: %d", a.StatusCode)
	}
}

// kindsOf has other kinds than the Sources it is made of.
type kindsOf struct {
	control.Sources

	kinds []publisher.Kind
}

func (k kindsOf) Kinds() []publisher.Kind { return k.kinds }

// A page of a foreign origin cannot watch a camera, nor find one, nor make one public: the browser sends no token along, and
// none of what it gets tells that there is one.
func TestForeignPageCannotWatchCamera(t *testing.T) {
	w := newWorld(t, worldOptions{running: true})
	if a := w.administer(t, "POST", "/api/v1/streams/room", `{"source":"camera"}`); a.StatusCode != http.StatusCreated {
		t.Fatalf("start: %d %s", a.StatusCode, a.Body)
	}
	const foreign = "https://elsewhere.example"
	from := func(method, target, body string, fields ...string) answer {
		return call{method: method, target: target, body: body, fields: append(fields, "Origin", foreign)}.send(t, w.face)
	}
	offer := chromiumOffer(t)
	for _, form := range []string{"/whep/room", "/room/whep"} {
		got := from("POST", form, offer, "Content-Type", "application/sdp")
		nobody := from("POST", strings.Replace(form, "room", "attic", 1), offer, "Content-Type", "application/sdp")
		if got.StatusCode != http.StatusConflict || got.withoutID() != strings.ReplaceAll(nobody.withoutID(), "attic", "room") {
			t.Errorf("%s: %d %s\na name that nobody uses: %d %s", form, got.StatusCode, got.Body, nobody.StatusCode, nobody.Body)
		}
	}
	if list := from("GET", "/api/v1/streams", ""); strings.Contains(list.Body, "room") {
		t.Errorf("listed: %s", list.Body)
	}
	for _, target := range []string{"/api/v1/devices", "/api/v1/streams/room"} {
		if a := from("GET", target, ""); a.StatusCode != http.StatusUnauthorized || a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", target, a.StatusCode)
		}
	}
	for method, target := range map[string]string{"POST": "/api/v1/streams/other", "PATCH": "/api/v1/streams/room"} {
		a := from(method, target, `{"source":"camera","public":true}`, "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site",
			"Authorization", "Bearer "+adminToken)
		if a.StatusCode != http.StatusForbidden || a.problem(t).Code != "foreign_origin" {
			t.Errorf("%s %s: %d %s", method, target, a.StatusCode, a.Body)
		}
	}
	if a := from("POST", "/whep/room", offer, "Content-Type", "application/sdp", "Authorization", "Bearer "+adminToken); a.StatusCode != http.StatusCreated {
		t.Errorf("with a token: %d %s", a.StatusCode, a.Body)
	}
}
