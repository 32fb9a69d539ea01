package verify

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
)

// The cases in f32 on all three targets, which must agree bit for bit, against the same case in f64.
//
// The bounds are of the root mean square difference. The schemes are linear and do not amplify it (their symbols are at most 1), so
// every step adds at most what it rounds: one unit u = 2^-24 of the largest value for each operation. Initial values and
// coefficients add one each. gain is what the scheme makes of a disturbance; it is 1 for schemes with two levels of time.
func TestSinglePrecision(t *testing.T) {
	const u = 1.0 / (1 << 24)
	for _, c := range []struct {
		name, src, field string
		set              map[string]string
		steps, ops       int     // per point and step
		top, gain        float64 // largest value
	}{
		// A wall of flux d keeps adding: T <= 5.5. In the steady state an update below half a unit is lost; what it makes of the
		// solution is the inverse of the operator, at most 275/k (sum of the resistances, 1/0.1 in the middle, times the cells beyond).
		{"V2", layered, "T", map[string]string{"steps": "6000"}, 1, 7, 5.5, 275 / 0.4},
		{"V3 2-D", gaussian[2], "phi", nil, 10, 10, 2, 1},
		{"V3 3-D", gaussian[3], "phi", map[string]string{"n": "12"}, 3, 14, 2, 1},
		{"V4 1-D", eigenmode(1, 6, 50, 0.08), "T", nil, 50, 14, 1, 1},
		{"V4 2-D", eigenmode(2, 4, 50, 0.08), "T", nil, 50, 18, 1, 1},
		{"V4 3-D", eigenmode(3, 2, 50, 0.08), "T", nil, 50, 14, 1, 1},
		// Leapfrog answers a disturbance of a mode with sin(n*th)/sin(th); th of the lowest mode is 0.11.
		{"V6", standing(20, 200, 0.7), "u", nil, 200, 7, 1, 1 / math.Sin(2*math.Asin(0.7*math.Sin(math.Pi/40)))},
		{"V7", smooth, "q", nil, 64, 20, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := solve(t, fastest(t), c.src, c.set)
			got := onAll(t, wfc.Source{Text: strings.ReplaceAll(c.src, "f64", "f32")}, c.set, "wse2", 16, 16)
			n, sum := want.array(c.field).Len(), 0.0
			for k := 0; k < n; k++ {
				e := got.flat(c.field, k) - want.flat(c.field, k)
				sum += e * e
			}
			rms, bound := math.Sqrt(sum/float64(n)), (float64(c.steps*c.ops)*c.gain+2)*u*c.top
			t.Logf("f32 differs by %.1e, bound %.1e", rms, bound)
			if !(rms <= bound) || rms == 0 {
				t.Errorf("f32 differs from f64 by %.2e (root mean square), bound %.2e", rms, bound)
			}
			if got.array(c.field).Elem.String() != "f32" {
				t.Error(fmt.Sprint("the field is ", got.array(c.field).Elem))
			}
		})
	}
}
