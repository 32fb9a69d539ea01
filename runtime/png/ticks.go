package png

import (
	"math"
	"strconv"
)

// ticks returns round numbers, at most n steps of 1, 2 or 5 times a power of ten, in [lo, hi] and their labels, all with the same
// number of decimals.
func ticks(lo, hi float64, n int) (at []float64, label []string) {
	span := hi - lo
	if !(span > 0) || math.IsInf(span, 0) || n < 1 {
		return nil, nil
	}
	step := math.Pow(10, math.Floor(math.Log10(span/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if span/(m*step) <= float64(n) {
			step *= m
			break
		}
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)*(1-1e-12)+1e-9)))
	first, last := math.Ceil(lo/step-1e-9), math.Floor(hi/step+1e-9)
	for k := first; k <= last && len(at) <= n+2; k++ {
		v := k * step
		at = append(at, v)
		label = append(label, tickLabel(v, step, decimals, max(math.Abs(lo), math.Abs(hi))))
	}
	return at, label
}

// tickLabel is fixed-point where that is short, else scientific with the digits that tell neighbours apart.
func tickLabel(v, step float64, decimals int, largest float64) string {
	if v == 0 {
		return "0"
	}
	if decimals <= 5 && largest < 1e6 {
		return strconv.FormatFloat(v, 'f', decimals, 64)
	}
	digits := max(0, int(math.Floor(math.Log10(math.Abs(v)))-math.Floor(math.Log10(step)+1e-9)))
	return strconv.FormatFloat(v, 'e', min(digits, 12), 64)
}
