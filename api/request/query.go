package request

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"weir/internal/wish"
)

// maxProblems is how many mistakes of one request are listed.
const maxProblems = 20

// Query returns the query's parameters. It refuses those that are not known, and one that comes twice.
func Query(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuseQuery("query_malformed", "The query cannot be read.", nil)
	}
	var unknown, twice []wish.Problem
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			unknown = append(unknown, wish.Problem{Name: shown(name), Detail: "is not known here"})
		} else if len(values[name]) > 1 {
			twice = append(twice, wish.Problem{Name: name, Detail: "may come once only"})
		}
	}
	switch {
	case len(unknown) > 0:
		refusal := refuseQuery("query_unknown", "The query has parameters that are not known here.", unknown)
		refusal.Has = known
		return nil, refusal
	case len(twice) > 0:
		return nil, refuseQuery("query_malformed", "A parameter of the query comes more than once.", twice)
	}
	return values, nil
}

func refuseQuery(code, detail string, problems []wish.Problem) *wish.Refusal {
	return &wish.Refusal{
		Status: http.StatusBadRequest, Code: code, Detail: detail, Remedy: "The addresses /docs and /openapi.yaml describe what there is.",
		Problems: problems[:min(len(problems), maxProblems)],
	}
}

// RefuseParameter refuses the value of one parameter.
func RefuseParameter(name, detail string) *wish.Refusal {
	return refuseQuery("query_malformed", "A parameter of the query has no good value.", []wish.Problem{{Name: name, Detail: detail}})
}

// shown is a client's own word as it may be shown to it: short, and printable.
func shown(name string) string {
	const most = 40
	runes := []rune(name)
	cut := len(runes) > most
	if cut {
		runes = runes[:most]
	}
	for i, c := range runes {
		if c < ' ' || c == 0x7f || !strconv.IsPrint(c) {
			runes[i] = '?'
		}
	}
	if cut {
		return string(runes) + "..."
	}
	return string(runes)
}

const (
	defaultLimit = 100
	maxLimit     = 500
)

// A Cut is the part of a sorted list that is asked for: at most limit names after one.
type Cut struct {
	After string // "" for the first
	Limit int
}

// ReadCut reads the parameters limit and after.
func ReadCut(values url.Values) (Cut, error) {
	c := Cut{After: values.Get("after"), Limit: defaultLimit}
	if !values.Has("limit") {
		return c, nil
	}
	n, err := strconv.ParseUint(values.Get("limit"), 10, 16)
	if err != nil || n < 1 || n > maxLimit {
		return c, RefuseParameter("limit", "must be a whole number from 1 to "+strconv.Itoa(maxLimit))
	}
	c.Limit = int(n)
	return c, nil
}

// Of returns the part of a sorted list, and what to ask for after it: "" at the end of the list.
func (c Cut) Of(names []string) (part []string, next string) {
	begin, found := slices.BinarySearch(names, c.After)
	if found {
		begin++
	}
	part = names[begin:min(len(names), begin+c.Limit)]
	if begin+len(part) < len(names) {
		next = part[len(part)-1]
	}
	return part, next
}
