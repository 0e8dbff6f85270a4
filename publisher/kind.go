package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"weir/publisher/params"
)

// A Kind is one kind of source that can be started. It is a value and is not changed once a Supervisor has it.
type Kind struct {
	// Name is what it is asked for by: "pattern".
	Name string
	// Title and Description are for people: a few words, and a sentence or two.
	Title, Description string
	// Private says that its streams are private unless they are started with private false: a camera's, a microphone's.
	Private bool
	// Schema is the JSON Schema (2020-12) of the parameters, an object without additional properties; nil: there are
	// none. Each property is an integer, a number, a string or a boolean, and may have title, description, default,
	// minimum, maximum, multipleOf, enum, minLength, maxLength, pattern, writeOnly, and x-unit, the unit in which a
	// number counts.
	Schema json.RawMessage
	// Secrets are the names of parameters that are taken and never told again: those that the schema marks as writeOnly
	// count too. Status, events, logs and errors hold none of them; a Change keeps those that it does not name.
	Secrets []string
	// Choices lists what there is to choose from for parameters of the kind, at this moment: devices, files. Nil: nothing
	// to choose. It may take as long as ctx lets it, and may be called from any goroutine.
	Choices func(ctx context.Context) ([]Choice, error)
	// Restart is how its sources are started again unless their Start says otherwise; nil: by DefaultRestart.
	Restart *Restart
	// Missing says why the kind cannot run here; nil: it can.
	Missing error
	// Absent says what the kind lacks at this moment and may get, as the camera that is not plugged in yet; nil: nothing
	// ever. It is asked whenever kinds are listed. A start is not refused by it: New sees for itself.
	Absent func(ctx context.Context) error
	// New makes a source for a stream. The parameters are valid by Schema, and defaults are filled in. What the schema
	// cannot say it refuses with a *ParamError. It starts nothing, and may be called from any goroutine.
	New func(stream string, params json.RawMessage) (Source, error)
}

// A Choice is one value that a parameter can have.
type Choice struct {
	Param string // the parameter's name
	Value string
	Title string // for people
	// Report is what is known of what the value names, a JSON object: the formats of a camera, the tracks of a file.
	Report json.RawMessage
}

// A ParamError says all that is wrong with a source's parameters.
type ParamError = params.Error

// A ParamProblem is what is wrong with one parameter.
type ParamProblem = params.Problem

// A checkedKind is a kind whose schema was read.
type checkedKind struct {
	Kind

	params *params.Schema // static after checkKind
}

// checkKind reads a kind's schema.
func checkKind(k Kind) (*checkedKind, error) {
	if k.Name == "" || k.New == nil && k.Missing == nil {
		return nil, errors.New("it needs a name, and New or a reason why it is missing")
	}
	if len(k.Schema) == 0 {
		k.Schema = json.RawMessage(params.None)
	}
	schema, err := params.Read(k.Schema, k.Secrets)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	k.Secrets = schema.Secrets()
	return &checkedKind{Kind: k, params: schema}, nil
}
