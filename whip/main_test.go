package whip_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func breakerOf(string) (func(http.Handler) http.Handler, bool) { return nil, false }
