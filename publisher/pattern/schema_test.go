package pattern_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/publisher"
	"weir/publisher/pattern"
	"weir/stream"
)

// accept starts a pattern by its kind as far as its parameters, and returns
// what Decode made of them.
func accept(t *testing.T, params string) (got pattern.Params, err error) {
	t.Helper()
	made := errors.New("made")
	s, err := publisher.NewSupervisor(publisher.SupervisorOptions{
		Registry: stream.New(stream.Options{}),
		Kinds: []publisher.Kind{{Name: "pattern", Schema: pattern.Schema(), New: func(name string, params json.RawMessage) (publisher.Source, error) {
			p, err := pattern.Decode(name, params)
			if err != nil {
				return nil, err
			}
			got = p
			return nil, made
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Start("test", publisher.Start{Source: "pattern", Params: json.RawMessage(params)})
	if errors.Is(err, made) {
		err = nil
	}
	return got, err
}

func TestDefaults(t *testing.T) {
	got, err := accept(t, `{}`)
	if err != nil || got != pattern.Default("test") {
		t.Errorf("schema's defaults are %+v (%v), want %+v", got, err, pattern.Default("test"))
	}
}

// The schema and Params.Validate draw the same lines: each bound can be had, one
// step beyond neither takes it.
func TestSchemaAgreesWithParams(t *testing.T) {
	set := map[string]func(*pattern.Params, int){
		"width":    func(p *pattern.Params, v int) { p.Width = v },
		"height":   func(p *pattern.Params, v int) { p.Height = v },
		"rate":     func(p *pattern.Params, v int) { p.Rate = v },
		"bit_rate": func(p *pattern.Params, v int) { p.BitRate = v },
		"left_hz":  func(p *pattern.Params, v int) { p.LeftHz = v },
		"right_hz": func(p *pattern.Params, v int) { p.RightHz = v },
	}
	var schema struct {
		Properties map[string]struct{ Minimum, Maximum, MultipleOf int }
	}
	if err := json.Unmarshal(pattern.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if len(schema.Properties) != len(set) {
		t.Errorf("schema has %d parameters, %d are known here", len(schema.Properties), len(set))
	}
	for name, property := range schema.Properties {
		step := max(property.MultipleOf, 1)
		for v, valid := range map[int]bool{
			property.Minimum - step: false, property.Minimum: true, property.Maximum: true, property.Maximum + step: false,
			property.Minimum + 1: step == 1,
		} {
			p := pattern.Default("test")
			set[name](&p, v)
			if err := p.Validate(); (err == nil) != valid {
				t.Errorf("%s %d: Validate says %v", name, v, err)
			}
			got, err := accept(t, fmt.Sprintf(`{%q: %d}`, name, v))
			if (err == nil) != valid || valid && got != p {
				t.Errorf("%s %d: schema says %v", name, v, err)
			}
		}
	}
}

// What the schema cannot say is told in the same way.
func TestTooLargeTogether(t *testing.T) {
	if _, err := accept(t, `{"width": 4096, "height": 2304}`); err != nil {
		t.Errorf("the largest: %v", err)
	}
	_, err := accept(t, `{"width": 4096, "height": 2306}`)
	problems, ok := errors.AsType[*publisher.ParamError](err)
	if !ok || len(problems.Problems) != 1 || problems.Problems[0].Name != "height" ||
		problems.Problems[0].Detail != "must be at most 2304 px where the picture is 4096 px wide" {
		t.Errorf("got %v", err)
	}
}

// Whatever the schema takes can be drawn.
func TestDrawWhatSchemaTakes(t *testing.T) {
	for _, s := range [][2]int{{160, 90}, {160, 4096}, {4096, 90}, {162, 92}} {
		p := pattern.Default(strings.Repeat("x", 64))
		p.Width, p.Height = s[0], s[1]
		d, err := pattern.NewPainter(p)
		if err != nil {
			t.Errorf("%d x %d: %v", s[0], s[1], err)
			continue
		}
		if code, err := pattern.Read(d.Draw(7, time.Now())); err != nil || code.Frame != 7 {
			t.Errorf("%d x %d: read %+v, %v", s[0], s[1], code, err)
		}
	}
}

func TestChangeBitRate(t *testing.T) {
	p := pattern.Default("test")
	got := 0
	change := p.ChangeBitRate(func(bps int) { got = bps })
	const rest = `"width":1280,"height":720,"rate":30,"left_hz":440,"right_hz":880`
	for _, c := range []struct {
		params string
		done   bool
		got    int
	}{
		{`{` + rest + `,"bit_rate":900000}`, true, 900000},
		{`{` + strings.Replace(rest, "720", "360", 1) + `,"bit_rate":800000}`, false, 900000},
		{`{` + rest + `,"bit_rate":2500000}`, true, 2500000},
	} {
		done, err := change(json.RawMessage(c.params))
		if err != nil || done != c.done || got != c.got {
			t.Errorf("%s: done %v, %v, bit rate %d", c.params, done, err, got)
		}
	}
	if done, err := change(json.RawMessage(`{}`)); done || err == nil {
		t.Errorf("no parameters at all: %v, %v", done, err)
	}
}
