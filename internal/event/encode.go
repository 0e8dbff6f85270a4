package event

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	mostData   = 4096 // bytes of one event
	mostName   = 64
	timeLayout = "2006-01-02T15:04:05.000Z" // of a UTC time: always as long as itself
	start      = `{"at":"`
)

// cleanName returns the name as a line of an event stream can carry it.
func cleanName(name string) string {
	fits := func(c rune) bool { return c > ' ' && c < 0x7f }
	if len(name) <= mostName && !strings.ContainsFunc(name, func(c rune) bool { return !fits(c) }) {
		return name
	}
	clean := strings.Map(func(c rune) rune {
		if fits(c) {
			return c
		}
		return '_'
	}, name)
	return strings.Clone(clean[:min(len(clean), mostName)])
}

// encode returns the event's data, with room for the time that stamp fills in.
func encode(name string, attrs []slog.Attr) []byte {
	o := object{out: append(make([]byte, 0, 256), start+timeLayout+`"`...)}
	o.addAll(attrs, []string{"at"})
	if o.tooLong {
		o.out = append(o.out[:len(start)+len(timeLayout)+1], `,"name":`...)
		o.out = append(append(o.out, quoted(name)...), `,"truncated":true`...)
	}
	return slices.Clip(slices.Clone(append(o.out, '}')))
}

// stamp writes the time into the data that encode made.
func stamp(data []byte, at time.Time) {
	copy(data[len(start):len(start)+len(timeLayout)], at.AppendFormat(make([]byte, 0, len(timeLayout)), timeLayout))
}

// An object is JSON on its way; what lies open is closed by who opened it.
type object struct {
	out     []byte
	tooLong bool
}

// addAll adds members but those whose keys were there before, and returns all
// keys that are there now.
func (o *object) addAll(attrs []slog.Attr, keys []string) []string {
	for _, a := range attrs {
		value := a.Value.Resolve()
		key := a.Key
		if value.Kind() == slog.KindDuration {
			key += "_ms"
		}
		switch {
		case o.tooLong:
			return keys
		case value.Kind() == slog.KindGroup && a.Key == "": // as slog has it: its members stand here
			keys = o.addAll(value.Group(), keys)
		case a.Key != "" && !slices.Contains(keys, key):
			keys = append(keys, key)
			o.add(key, value, len(keys) > 1)
		}
	}
	return keys
}

func (o *object) add(key string, value slog.Value, more bool) {
	if more {
		o.out = append(o.out, ',')
	}
	if len(key) > mostData {
		o.tooLong = true
		return
	}
	o.out = append(append(o.out, quoted(key)...), ':')
	switch value.Kind() {
	case slog.KindInt64:
		o.out = strconv.AppendInt(o.out, value.Int64(), 10)
	case slog.KindUint64:
		o.out = strconv.AppendUint(o.out, value.Uint64(), 10)
	case slog.KindFloat64:
		o.addFloat(value.Float64())
	case slog.KindBool:
		o.out = strconv.AppendBool(o.out, value.Bool())
	case slog.KindDuration:
		o.addFloat(float64(value.Duration().Round(time.Microsecond)) / float64(time.Millisecond))
	case slog.KindTime:
		o.addText(value.Time().UTC().Format(timeLayout))
	case slog.KindGroup:
		o.out = append(o.out, '{')
		o.addAll(value.Group(), nil)
		o.out = append(o.out, '}')
	default:
		o.addAny(value)
	}
	o.tooLong = o.tooLong || len(o.out) >= mostData // one byte is to come
}

func (o *object) addFloat(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		o.out = append(o.out, "null"...)
		return
	}
	o.out = strconv.AppendFloat(o.out, f, 'f', -1, 64)
}

func (o *object) addText(text string) {
	if len(text) > mostData {
		o.tooLong = true
		return
	}
	o.out = append(o.out, quoted(text)...)
}

// addAny adds a string, or any other value as its error, its text or its JSON.
func (o *object) addAny(value slog.Value) {
	switch v := value.Any().(type) {
	case string:
		o.addText(v)
	case error:
		o.addText(fmt.Sprint(v)) // which survives a nil pointer in the interface
	case json.Marshaler, encoding.TextMarshaler:
		o.addJSON(v)
	case fmt.Stringer:
		o.addText(fmt.Sprint(v))
	default:
		o.addJSON(v)
	}
}

func (o *object) addJSON(v any) {
	text, err := json.Marshal(v)
	switch {
	case err != nil:
		o.addText(fmt.Sprint(v))
	case len(text) > mostData:
		o.tooLong = true
	default:
		o.out = append(o.out, text...)
	}
}

// quoted is a JSON string; Go's encoder mends what is no UTF-8.
func quoted(text string) []byte {
	b, err := json.Marshal(text)
	if err != nil { // a string never fails
		return []byte(`""`)
	}
	return b
}
