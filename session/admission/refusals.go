package admission

import (
	"strconv"
	"time"

	"weir/internal/wish"
)

// retryAfter is the header of a refusal that need not be the last word.
func retryAfter() map[string]string { return map[string]string{"Retry-After": "5"} }

func refuseServerFull() *wish.Refusal {
	return &wish.Refusal{
		Status: 503, Code: "server_full",
		Detail: "The server has as many sessions as it may have.",
		Remedy: "Try again later.", Headers: retryAfter(),
	}
}

func refuseTooMany() *wish.Refusal {
	return &wish.Refusal{
		Status: 429, Code: "too_many_sessions",
		Detail: "Your address has as many sessions as one address may have.",
		Remedy: "End one with DELETE, or try again later.", Headers: retryAfter(),
	}
}

func refuseTooManyConnecting() *wish.Refusal {
	return &wish.Refusal{
		Status: 429, Code: "too_many_connecting",
		Detail: "Your address has too many sessions that have not connected yet.",
		Remedy: "Wait until they are connected or given up, some seconds.", Headers: retryAfter(),
	}
}

// CodeTooFast is the code of Rates' refusal.
const CodeTooFast = "too_many_requests"

func refuseTooFast(wait time.Duration) *wish.Refusal {
	seconds := (wait + time.Second - 1) / time.Second
	return &wish.Refusal{
		Status: 429, Code: CodeTooFast,
		Detail:  "Your address sends requests faster than one address may.",
		Remedy:  "Wait for as many seconds as the field Retry-After says, then go on slower.",
		Headers: map[string]string{"Retry-After": strconv.Itoa(int(seconds))},
	}
}
