package library

// Missing is what Library.Open makes of an error.
func Missing(err error) error { return missing(err) }

// ListAtMost makes a library list so many files.
func (l *Library) ListAtMost(n int) { l.most = n }
