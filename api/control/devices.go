package control

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"weir/api/request"
	"weir/publisher"
)

// devicesTime is that which all devices together have to say what they can do.
const devicesTime = 5 * time.Second

// deviceParam is the parameter by which a kind of source names its device: such kinds have devices to choose from.
const deviceParam = "device"

// deviceAnswer is a device that a source can be started with.
type deviceAnswer struct {
	Source string          `json:"source"` // the kind
	Param  string          `json:"param"`
	Name   string          `json:"name"` // the parameter's value
	Title  string          `json:"title"`
	Report json.RawMessage `json:"report,omitempty"`
}

// lackAnswer is a kind of source without devices, and why.
type lackAnswer struct {
	Source string `json:"source"`
	Reason string `json:"reason"`
}

type devicesAnswer struct {
	Devices []deviceAnswer `json:"devices"`
	Lacking []lackAnswer   `json:"lacking"`
}

// ListDevices lists the devices of all kinds of source that have any, as they are at this moment.
func (a *API) ListDevices(w http.ResponseWriter, r *http.Request) error {
	if _, err := request.Query(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), devicesTime)
	defer cancel()
	answer := devicesAnswer{Devices: []deviceAnswer{}, Lacking: []lackAnswer{}}
	for _, k := range a.options.Sources.Kinds() {
		if namesDevice(k) {
			answer.add(ctx, k)
		}
	}
	return writeJSON(w, http.StatusOK, answer)
}

func (a *devicesAnswer) add(ctx context.Context, k publisher.Kind) {
	err := k.Missing
	var choices []publisher.Choice
	if err == nil && k.Choices != nil {
		choices, err = k.Choices(ctx)
	}
	if err != nil {
		a.Lacking = append(a.Lacking, lackAnswer{Source: k.Name, Reason: sentence(err.Error())})
	}
	for _, c := range choices {
		a.Devices = append(a.Devices, deviceAnswer{Source: k.Name, Param: c.Param, Name: c.Value, Title: c.Title, Report: c.Report})
	}
}

// namesDevice says whether the kind has a parameter that names a device.
func namesDevice(k publisher.Kind) bool {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if len(k.Schema) == 0 || json.Unmarshal(k.Schema, &schema) != nil {
		return false
	}
	_, ok := schema.Properties[deviceParam]
	return ok
}
