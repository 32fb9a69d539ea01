package check

import (
	"strconv"

	"github.com/wfc-lang/wfc/internal/diag"
)

// closest returns the candidate nearest to name, or "" when none is near.
func closest(name string, candidates []string) string {
	if s, ok := diag.Nearest(name, candidates); ok {
		return s
	}
	return ""
}

// trimFloat prints a value for a message.
func trimFloat(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
