package peer

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/logging"
)

// pionLog hands pion's log lines to slog. Three rules keep it harmless. Lines
// of pion's debug and trace levels are dropped unformatted: some quote ICE
// passwords, others come once a packet. A line that speaks of credentials is
// written without its arguments. And what a stranger's packets can
// provoke is at most one line a second after the first ten.
type pionLog struct {
	// static after newPionLog
	logger *slog.Logger
	errors slog.Level // at which pion's errors are written; the rest is Debug
	budget *logBudget
}

// newPionLog writes pion's errors at the level given.
func newPionLog(logger *slog.Logger, errors slog.Level) *pionLog {
	return &pionLog{logger: logger, errors: errors, budget: &logBudget{}}
}

// NewLogger implements logging.LoggerFactory.
func (l *pionLog) NewLogger(scope string) logging.LeveledLogger {
	return &pionScope{log: l, scope: scope}
}

// logBudget is what a pionLog may still write.
type logBudget struct {
	lines atomic.Int64 // written so far
	next  atomic.Int64 // UnixNano before which no further line is written
}

const freeLines = 10

func (b *logBudget) spend() bool {
	if b.lines.Add(1) <= freeLines {
		return true
	}
	now := time.Now().UnixNano()
	next := b.next.Load()
	return now >= next && b.next.CompareAndSwap(next, now+int64(time.Second))
}

// pionScope is one of pion's loggers: "ice", "pc", "dtls", ...
type pionScope struct {
	log   *pionLog
	scope string
}

func (s *pionScope) write(level slog.Level, format string, args ...any) {
	if !s.log.logger.Enabled(context.Background(), level) || !s.log.budget.spend() {
		return
	}
	text := fmt.Sprintf(format, args...)
	switch {
	case format == plain && namesCredentials(text):
		text = "left out: it speaks of credentials"
	case namesCredentials(format) || namesCredentials(text):
		text = format
	}
	s.log.logger.Log(context.Background(), level, "pion", "kind", s.scope, "reason", text)
}

// plain is the format of a line that has none.
const plain = "%s"

// namesCredentials says whether a line, or the arguments of a format, may hold
// ICE usernames (which are both ends' ufrags) or whole candidates with theirs.
func namesCredentials(format string) bool {
	format = strings.ToLower(format)
	for _, word := range []string{"ufrag", "username", "pwd", "password", "%q"} {
		if strings.Contains(format, word) {
			return true
		}
	}
	return false
}

// The methods of logging.LeveledLogger.

func (s *pionScope) Trace(string)          {}
func (s *pionScope) Tracef(string, ...any) {}
func (s *pionScope) Debug(string)          {}
func (s *pionScope) Debugf(string, ...any) {}

func (s *pionScope) Info(msg string)                  { s.write(slog.LevelDebug, plain, msg) }
func (s *pionScope) Infof(format string, args ...any) { s.write(slog.LevelDebug, format, args...) }
func (s *pionScope) Warn(msg string)                  { s.write(slog.LevelDebug, plain, msg) }
func (s *pionScope) Warnf(format string, args ...any) { s.write(slog.LevelDebug, format, args...) }
func (s *pionScope) Error(msg string)                 { s.write(s.log.errors, plain, msg) }
func (s *pionScope) Errorf(format string, args ...any) {
	s.write(s.log.errors, format, args...)
}
