package peer

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"
)

// pion says twice that gathering is over; the second time may come when the next
// generation gathers already.
func TestLateEndOfGathering(t *testing.T) {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	}()
	s := &Conn{pc: pc, gathering: &gathering{complete: make(chan struct{})}}
	s.gathered(nil)
	select {
	case <-s.gathering.complete:
		t.Error("gathering is complete, and pion has not begun")
	default:
	}
}

func TestPionLogTellsNoUsername(t *testing.T) {
	var text strings.Builder
	logger := newPionLog(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})), slog.LevelWarn).NewLogger("ice")
	logger.Warnf("Failed to handle message: %v", errors.New("username mismatch, have secret"))
	logger.Warn("no password: secret")
	logger.Warnf("Failed to reach %s", "192.0.2.1")
	if strings.Contains(text.String(), "secret") || !strings.Contains(text.String(), "192.0.2.1") || strings.Count(text.String(), "\n") != 3 {
		t.Errorf("logged\n%s", text.String())
	}
}
