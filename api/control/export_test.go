package control

// ParseContentRange is parseContentRange.
func ParseContentRange(field string) (offset, length, size int64, err error) {
	return parseContentRange(field)
}
