package config

import "strings"

// nearest is the one of known that differs least from name, "" where all differ
// too much for a slip of the fingers.
func nearest(name string, known []string) string {
	best, least := "", max(1, min(len(name)/3, 3))+1
	for _, k := range known {
		a, b := strings.ToLower(name), strings.ToLower(k)
		a, b = strings.ReplaceAll(a, "-", "_"), strings.ReplaceAll(b, "-", "_")
		d := distance(a, b)
		if min(len(a), len(b)) >= 3 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)) {
			d = min(d, least-1) // "address" for addr
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to put in, take out, change, or swap with their
// neighbour.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
