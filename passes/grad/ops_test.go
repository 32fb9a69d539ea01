package grad

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Every scalar operation, against central differences. a and b are drawn from 0.3..1.7, where nothing is singular.
func TestScalarOperations(t *testing.T) {
	two := func(op string) string { return fmt.Sprintf("$2 = %s f64 $0, $1 yield $2", op) }
	one := func(op string) string { return fmt.Sprintf("$2 = %s f64 $0 $3 = mul f64 $2, $1 yield $3", op) }
	cases := map[string]string{
		"neg": one("neg"), "abs": "$2 = sub f64 $0, $1 $3 = abs f64 $2 yield $3", "sqrt": one("sqrt"),
		"floor": "$2 = floor f64 $0 $3 = mul f64 $2, $1 $4 = add f64 $3, $0 yield $4",
		"ceil":  "$2 = ceil f64 $0 $3 = mul f64 $2, $1 $4 = add f64 $3, $0 yield $4",
		"add":   two("add"), "sub": two("sub"), "mul": two("mul"), "div": two("div"), "min": two("min"), "max": two("max"), "pow": two("pow"),
		"pow2": "$2 = const f64 2 $3 = pow f64 $0, $2 $4 = mul f64 $3, $1 yield $4",
		"pow0": "$2 = const f64 0 $3 = pow f64 $0, $2 $4 = mul f64 $3, $1 yield $4",
		"pow-": "$2 = const f64 -1.5 $3 = pow f64 $0, $2 $4 = mul f64 $3, $1 yield $4",
		"fma":  "$2 = sub f64 $0, $1 $3 = fma f64 $0, $1, $2 $4 = fma f64 $3, $3, $0 yield $4",
		"exp":  one("exp"), "log": one("log"), "sin": one("sin"), "cos": one("cos"), "tanh": one("tanh"),
		"select": "$2 = lt bool $0, $1 $3 = mul f64 $0, $0 $4 = select f64 $2, $3, $1 yield $4",
		"nested": `$2 = lt bool $0, $1 $3 = const f64 1 $4 = lt bool $1, $3 $5 = mul f64 $0, $1 $6 = div f64 $0, $1 $7 = select f64 $4, $5, $6
			$8 = exp f64 $5 $9 = select f64 $2, $7, $8 $10 = mul f64 $9, $7 yield $10`,
		"square": "$2 = mul f64 $0, $0 $3 = mul f64 $2, $2 $4 = sub f64 $3, $1 $5 = mul f64 $4, $4 yield $5",
		"cvt":    "$2 = cvt i32 $0 $3 = cvt f64 $2 $4 = mul f64 $3, $1 $5 = mul f64 $4, $0 yield $5",
		"same":   "yield $0",
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			p := parse(t, fmt.Sprintf(`axis i 7 nodes lo 0 h 1 array @a[i] f64 array @b[i] f64 array @y[i] f64
			func f {
			  map %%y f64 [i in i 0..7] { box [0..7] $0 = read f64 @a[i] $1 = read f64 @b[i] %s }
			  set @y = %%y
			}`, body))
			s := draw(p, 11, 0.3, 1.7)
			checkGradients(t, p, s)
			checkDot(t, p, s, 1e-13)
		})
	}
}

// Half precision and mixed types.
func TestMixed(t *testing.T) {
	p := parse(t, `axis i 5 nodes lo 0 h 1 array @a[i] f16 array @b[i] f32 array @y[i] f32
	func f {
	  map %y f32 [i in i 0..5] { box [0..5] $0 = read f16 @a[i] $1 = mul f16 $0, $0 $2 = cvt f32 $1 $3 = read f32 @b[i] $4 = mul f32 $2, $3 yield $4 }
	  set @y = %y
	}`)
	checkGradients(t, p, draw(p, 2, 0.5, 1))
	checkDot(t, p, draw(p, 2, 0.5, 1), 1e-3)
}

// Every access function and every operation, against differences and against forward mode.
var operations = map[string]string{
	"offsets": `map %y f64 [i in i 1..5] { box [1..5] $0 = read f64 @a[i-1] $1 = read f64 @a[i+2] $2 = mul f64 $0, $1 $3 = read f64 @a[i] $4 = exp f64 $3 $5 = mul f64 $4, $2 yield $5 }
		reduce %s f64 [] over [i in i 1..5] sum order seq { box [1..5] $0 = read f64 %y[i] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"pieces": `map %y f64 [i in i 0..7] {
		box [0..3] $0 = read f64 @a[i+4] $1 = read f64 @b[i] $2 = mul f64 $0, $1 yield $2
		box [3..4] $0 = const f64 2 yield $0
		box [4..7] $0 = read f64 @a[i-4] $1 = read f64 @a[6] $2 = mul f64 $0, $1 yield $2 }
		set @y = %y`,
	"ring": `map %y f64 [r in r 0..6] { box [0..6] $0 = read f64 @c[r-1] $1 = read f64 @c[r+2] $2 = mul f64 $0, $1 $3 = read f64 @c[r] $4 = mul f64 $2, $3 yield $4 }
		reduce %s f64 [] over [r in r 0..6] sum order canon { box [0..6] $0 = read f64 %y[r+3] $1 = read f64 %y[r] $2 = mul f64 $1, $0 yield $2 } set @s = %s`,
	"ringpart": `map %y f64 [r in r 2..6] { box [2..6] $0 = read f64 @c[r+3] $1 = index i32 r $2 = cvt f64 $1 $3 = mul f64 $2, $0 $4 = mul f64 $3, $0 yield $4 }
		reduce %s f64 [] over [r in r 2..6] sum order canon { box [2..6] $0 = read f64 %y[r] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"ringindex": `map %y f64 [r in r 0..6] { box [0..6] $0 = read f64 @c[r+3] $1 = index i32 r $2 = cvt f64 $1 $3 = mul f64 $2, $0 $4 = mul f64 $3, $0 yield $4 }
		reduce %s f64 [] over [r in r 0..6] sum order canon { box [0..6] $0 = read f64 %y[r] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"contraction": `reduce %m f64 [i in i 0..7, r in r 0..6] over [k in k 0..4] sum fma order seq { box [0..7, 0..6, 0..4] $0 = read f64 @p[i, k] $1 = read f64 @q[k, r] $2 = mul f64 $0, $1 yield $2 }
		reduce %s f64 [] over [i in i 0..7, r in r 0..6] sum order canon { box [0..7, 0..6] $0 = read f64 %m[i, r] $1 = tanh f64 $0 yield $1 } set @s = %s`,
	"three": `reduce %m f64 [i in i 0..7] over [k in k 0..4, r in r 0..6] sum fma order seq { box [0..7, 0..4, 0..6] $0 = read f64 @p[i, k] $1 = read f64 @q[k, r] $2 = read f64 @c[r] $3 = mul f64 $0, $2 $4 = mul f64 $3, $1 yield $4 }
		set @y = %m`,
	"broadcast": `map %m f64 [i in i 0..7, k in k 0..4] { box [0..7, 0..4] $0 = read f64 @p[i, k] $1 = read f64 @a[i] $2 = sub f64 $0, $1 $3 = exp f64 $2 $4 = mul f64 $3, $2 yield $4 }
		reduce %s f64 [] over [i in i 0..7, k in k 0..4] sum order seq { box [0..7, 0..4] $0 = read f64 %m[i, k] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"max":  `reduce %m f64 [i in i 0..7] over [k in k 0..4] max order canon { box [0..7, 0..4] $0 = read f64 @p[i, k] $1 = read f64 @a[i] $2 = mul f64 $0, $1 yield $2 } set @y = %m`,
	"min":  `reduce %m f64 [] over [i in i 0..7, k in k 0..4] min order seq { box [0..7, 0..2] $0 = read f64 @p[i, k] yield $0 box [0..7, 2..4] $0 = read f64 @p[i, k] $1 = read f64 @a[i] $2 = mul f64 $0, $1 yield $2 } set @s = %m`,
	"prod": `reduce %m f64 [i in i 0..7] over [k in k 0..4] prod order seq { box [0..7, 0..4] $0 = read f64 @p[i, k] $1 = read f64 @a[i] $2 = mul f64 $0, $1 yield $2 } set @y = %m`,
	"softmax": `reduce %m f64 [i in i 0..7] over [k in k 0..4] max order canon { box [0..7, 0..4] $0 = read f64 @p[i, k] yield $0 }
		map %e f64 [i in i 0..7, k in k 0..4] { box [0..7, 0..4] $0 = read f64 @p[i, k] $1 = read f64 %m[i] $2 = sub f64 $0, $1 $3 = exp f64 $2
			$4 = index i32 i $5 = index i32 k $6 = le bool $5, $4 $7 = const f64 0 $8 = select f64 $6, $3, $7 yield $8 }
		reduce %n f64 [i in i 0..7] over [k in k 0..4] sum order canon { box [0..7, 0..4] $0 = read f64 %e[i, k] yield $0 }
		map %w f64 [i in i 0..7, k in k 0..4] { box [0..7, 0..4] $0 = read f64 %e[i, k] $1 = read f64 %n[i] $2 = div f64 $0, $1 yield $2 }
		reduce %y f64 [i in i 0..7] over [k in k 0..4] sum fma order seq { box [0..7, 0..4] $0 = read f64 %w[i, k] $1 = read f64 @q[k, 1] $2 = mul f64 $0, $1 yield $2 }
		set @y = %y`,
	"gather": `reduce %g f64 [i in i 0..7, r in r 0..6] over [k in k 0..4] sum order seq { box [0..7, 0..6, 0..4] $0 = read i32 @n[i] $1 = index i32 k $2 = eq bool $0, $1 $3 = read f64 @q[k, r] $4 = const f64 -0 $5 = select f64 $2, $3, $4 yield $5 }
		reduce %s f64 [] over [i in i 0..7, r in r 0..6] sum order canon { box [0..7, 0..6] $0 = read f64 %g[i, r] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"diagonal": `map %y f64 [i in i 0..7] { box [0..7] $0 = read f64 @d[i, i] $1 = read f64 @a[i] $2 = mul f64 $0, $1 yield $2 } set @y = %y`,
	"skewed": `map %y f64 [i in i 0..6] { box [0..6] $0 = read f64 @d[i+1, i] $1 = mul f64 $0, $0 yield $1 }
		reduce %s f64 [] over [i in i 0..6] sum order seq { box [0..6] $0 = read f64 %y[i] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"transposed": `map %y f64 [k in k 0..4, i in i 0..7] { box [0..4, 0..7] $0 = read f64 @p[i, k] $1 = exp f64 $0 $2 = mul f64 $1, $0 yield $2 }
		reduce %s f64 [i in i 0..7] over [k in k 0..4] sum order seq { box [0..7, 0..4] $0 = read f64 %y[k, i] yield $0 } set @y = %s`,
	"two on one": `reduce %y f64 [i in i 0..7] over [j in i 0..7] sum fma order seq { box [0..7, 0..7] $0 = read f64 @d[i, j] $1 = read f64 @a[j] $2 = mul f64 $0, $1 yield $2 } set @y = %y`,
	"quadratic":  `reduce %y f64 [] over [i in i 0..7, j in i 0..7] sum fma order seq { box [0..7, 0..7] $0 = read f64 @d[i, j] $1 = read f64 @a[j] $2 = mul f64 $0, $1 $3 = read f64 @a[i] $4 = mul f64 $2, $3 yield $4 } set @s = %y`,
	"fine to coarse": `map %y f64 [k in k 0..3] { box [0..3] $0 = read f64 @a[2*k] $1 = read f64 @a[2*k+1] $2 = mul f64 $0, $1 yield $2 }
		reduce %s f64 [] over [k in k 0..3] sum order seq { box [0..3] $0 = read f64 %y[k] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"coarse to fine": `map %y f64 [i in i 0..7] { box [0..7] $0 = read f64 @e[i/2] $1 = mul f64 $0, $0 $2 = read f64 @a[i] $3 = mul f64 $1, $2 yield $3 } set @y = %y`,
	"interpolated": `map %y f64 [i in i 0..6] { box [0..6] $0 = read f64 @e[(i+1)/2] $1 = read f64 @e[i/2] $2 = mul f64 $0, $1 yield $2 }
		reduce %s f64 [] over [i in i 0..6] sum order seq { box [0..6] $0 = read f64 %y[i] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"fractional": `map %y f64 [k in k 0..4] { box [0..4] $0 = read f64 @a[(3*k+1)/2] $1 = mul f64 $0, $0 yield $1 }
		reduce %s f64 [] over [k in k 0..4] sum order seq { box [0..4] $0 = read f64 %y[k] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"strided ring": `map %y f64 [k in k 0..3] { box [0..3] $0 = read f64 @c[2*k-1] $1 = read f64 @c[2*k+1] $2 = mul f64 $0, $1 yield $2 }
		reduce %s f64 [] over [k in k 0..3] sum order seq { box [0..3] $0 = read f64 %y[k] $1 = mul f64 $0, $0 yield $1 } set @s = %s`,
	"extend": `extend %g f64 [i in i -1..9] from @a {
			box [-1..0] $0 = read f64 @a[i+1] $1 = read f64 @b[3] $2 = sub f64 $1, $0 yield $2
			box [7..9] $0 = read f64 @a[6] $1 = mul f64 $0, $0 yield $1 }
		map %y f64 [i in i 0..7] { box [0..7] $0 = read f64 %g[i-1] $1 = read f64 %g[i+2] $2 = mul f64 $0, $1 $3 = read f64 %g[i] $4 = add f64 $2, $3 yield $4 } set @y = %y`,
	"ghosts of data": `extend %g f64 [i in i -1..7] from @b { box [-1..0] $0 = read f64 @a[0] $1 = mul f64 $0, $0 yield $1 }
		map %y f64 [i in i 0..7] { box [0..7] $0 = read f64 %g[i-1] $1 = mul f64 $0, $0 yield $1 } set @y = %y`,
	"several results": `map %u f64, %v f64 [i in i 0..7] { box [0..7] $0 = read f64 @a[i] $1 = read f64 @b[i] $2 = mul f64 $0, $1 $3 = sin f64 $2 yield $2, $3 }
		reduce %s f64, %r f64 [] over [i in i 0..7] sum order canon { box [0..7] $0 = read f64 %u[i] $1 = read f64 %v[i] $2 = mul f64 $0, $1 yield $2, $1 }
		map %t f64 [] { box [] $0 = read f64 %s[] $1 = read f64 %r[] $2 = mul f64 $0, $1 yield $2 } set @s = %t`,
	"array as value": `reduce %s f64 [] over [i in i 0..7] sum order seq { box [0..7] $0 = read f64 @a[i] $1 = read f64 @b[i] $2 = mul f64 $0, $1 yield $2 } set @y = @a set @s = %s`,
}

func operationProgram(t testing.TB, body string) *ir.Program {
	p := parse(t, `axis i 7 cells lo 0 h 1 axis k 4 cells lo 0 h 1 axis r 6 cells periodic lo 0 h 1 axis e 4 cells lo 0 h 2
	array @a[i] f64 array @b[i] f64 array @c[r] f64 array @d[i, i] f64 array @e[e] f64 array @p[i, k] f64 array @q[k, r] f64
	array @n[i] i32 array @y[i] f64 array @s[] f64
	func f { `+strings.ReplaceAll(body, "\t", " ")+` }`)
	if err := ir.Verify(p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOperations(t *testing.T) {
	for name, body := range operations {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			p := operationProgram(t, body)
			s := draw(p, 21, -1.2, 1.4)
			checkGradients(t, p, s)
			checkDot(t, p, s, 1e-12)
		})
	}
}
