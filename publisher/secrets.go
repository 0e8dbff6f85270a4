package publisher

import (
	"errors"
	"slices"
)

// veiled is the error with a veil over what is secret among the parameters, should its text hold any of it.
func (k *checkedKind) veiled(err error, params []byte) error {
	if err == nil {
		return nil
	}
	over := k.params.Veil(params)
	if over == nil {
		return err
	}
	if problems, ok := errors.AsType[*ParamError](err); ok {
		clean := &ParamError{Problems: slices.Clone(problems.Problems)}
		for i := range clean.Problems {
			clean.Problems[i].Detail = over(clean.Problems[i].Detail)
		}
		return clean
	}
	if text := over(err.Error()); text != err.Error() {
		return &veiledError{text, err}
	}
	return err
}

// A veiledError is the same error in other words.
type veiledError struct {
	text string
	err  error
}

func (e *veiledError) Error() string { return e.text }

// Is looks behind the veil; there is no Unwrap that would lift it.
func (e *veiledError) Is(target error) bool { return errors.Is(e.err, target) }

// FailureReason implements Reasoner.
func (e *veiledError) FailureReason() string { return reasonOf(e.err, "") }
