package diag

import "strings"

// Nearest returns the candidate closest to name by edit distance, for "did you
// mean" suggestions, and whether it is close enough to be worth saying: at most
// a third of the name's length, rounded up, and at most 3 edits. A name of one
// letter is close to nothing but its other case, which is the closest for any
// name. Among equals the first candidate wins, so pass them in a fixed order.
func Nearest(name string, candidates []string) (string, bool) {
	limit := min(3, (len([]rune(name))+2)/3)
	for _, c := range candidates {
		if c != name && strings.EqualFold(c, name) {
			return c, true
		}
	}
	if len([]rune(name)) < 2 {
		return "", false
	}
	best, bestDist := "", limit+1
	for _, c := range candidates {
		if c == name {
			continue
		}
		if d := distance([]rune(name), []rune(c), limit); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best, bestDist <= limit
}

// distance is the optimal string alignment distance (insertions, deletions,
// substitutions and swaps of neighbours cost 1), or limit+1 when it is larger.
func distance(a, b []rune, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
