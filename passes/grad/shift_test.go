package grad

import (
	"slices"
	"strings"
	"testing"
)

// The maximum that a softmax subtracts is found not to matter; a maximum that does is not.
func TestShifts(t *testing.T) {
	e := func(result string) string {
		return `reduce %m f64 [i in i 0..7] over [k in k 0..4] max order canon { box [0..7, 0..4] $0 = read f64 @p[i, k] yield $0 }
		map %e f64 [i in i 0..7, k in k 0..4] { box [0..7, 0..4] $0 = read f64 @p[i, k] $1 = read f64 %m[i] $2 = sub f64 $0, $1 $3 = exp f64 $2
			$4 = index i32 i $5 = index i32 k $6 = le bool $5, $4 $7 = const f64 0 $8 = select f64 $6, $3, $7 yield $8 }
		reduce %n f64 [i in i 0..7] over [k in k 0..4] sum order canon { box [0..7, 0..4] $0 = read f64 %e[i, k] yield $0 } ` + result
	}
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"softmax":   {operations["softmax"], "%m"},
		"logsumexp": {e(`map %y f64 [i in i 0..7] { box [0..7] $0 = read f64 %n[i] $1 = log f64 $0 $2 = read f64 %m[i] $3 = add f64 $1, $2 yield $3 } set @y = %y`), "%m"},
		"root":      {e(`map %y f64 [i in i 0..7] { box [0..7] $0 = read f64 %n[i] $1 = mul f64 $0, $0 $2 = sqrt f64 $1 $3 = div f64 $2, $0 $4 = read f64 @a[i] $5 = mul f64 $4, $3 yield $5 } set @y = %y`), "%m"},
		"sum alone": {e(`set @y = %n`), ""},
		"half":      {e(`map %y f64 [i in i 0..7] { box [0..7] $0 = read f64 %n[i] $1 = log f64 $0 $2 = read f64 %m[i] $3 = const f64 0.5 $4 = mul f64 $2, $3 $5 = add f64 $1, $4 yield $5 } set @y = %y`), ""},
		"other index": {e(`map %y f64 [i in i 0..6] { box [0..6] $0 = read f64 %n[i] $1 = log f64 $0 $2 = read f64 %m[i+1] $3 = add f64 $1, $2 yield $3 }
			reduce %s f64 [] over [i in i 0..6] sum order seq { box [0..6] $0 = read f64 %y[i] yield $0 } set @s = %s`), ""},
		"maximum": {operations["max"], ""},
		"squared": {e(`map %y f64 [i in i 0..7] { box [0..7] $0 = read f64 %n[i] $1 = log f64 $0 $2 = read f64 %m[i] $3 = add f64 $1, $2 $4 = mul f64 $2, $2 $5 = add f64 $3, $4 yield $5 } set @y = %y`), ""},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			p := operationProgram(t, c.body)
			f := p.Func("f").Clone()
			var outs []string
			for _, s := range f.Sets {
				outs = append(outs, s.Value)
			}
			got := shifts(newWriter(p, &f), len(f.Ops), outs)
			if c.want == "" && len(got) > 0 || c.want != "" && !slices.Equal(got, []string{c.want}) {
				t.Errorf("shifts %v, want %q", got, c.want)
			}
			checkGradients(t, p, draw(p, 31, -1.2, 1.4))
		})
	}
}
