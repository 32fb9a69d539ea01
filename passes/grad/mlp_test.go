package grad

import (
	"fmt"
	"math"
	"testing"
)

// mlpSource is a perceptron with one hidden layer and softmax cross-entropy, as the language lowers it: contractions by fused
// multiply-add, the label by a select.
func mlpSource(e string, batch, in, hidden, classes int) string {
	return fmt.Sprintf(`
	axis s %[2]d nodes lo 0 h 1 axis d %[3]d nodes lo 0 h 1 axis f %[4]d nodes lo 0 h 1 axis c %[5]d nodes lo 0 h 1
	array @x[s, d] %[1]s array @w1[d, f] %[1]s array @b1[f] %[1]s array @w2[f, c] %[1]s array @b2[c] %[1]s
	array @label[s] i32 array @loss[] %[1]s
	func f {
	  reduce %%xw %[1]s [s in s 0..%[2]d, f in f 0..%[4]d] over [d in d 0..%[3]d] sum fma order seq {
	    box [0..%[2]d, 0..%[4]d, 0..%[3]d] $0 = read %[1]s @x[s, d] $1 = read %[1]s @w1[d, f] $2 = mul %[1]s $0, $1 yield $2 }
	  map %%h %[1]s [s in s 0..%[2]d, f in f 0..%[4]d] {
	    box [0..%[2]d, 0..%[4]d] $0 = read %[1]s %%xw[s, f] $1 = read %[1]s @b1[f] $2 = add %[1]s $0, $1 $3 = tanh %[1]s $2 yield $3 }
	  reduce %%hw %[1]s [s in s 0..%[2]d, c in c 0..%[5]d] over [f in f 0..%[4]d] sum fma order seq {
	    box [0..%[2]d, 0..%[5]d, 0..%[4]d] $0 = read %[1]s %%h[s, f] $1 = read %[1]s @w2[f, c] $2 = mul %[1]s $0, $1 yield $2 }
	  map %%z %[1]s [s in s 0..%[2]d, c in c 0..%[5]d] {
	    box [0..%[2]d, 0..%[5]d] $0 = read %[1]s %%hw[s, c] $1 = read %[1]s @b2[c] $2 = add %[1]s $0, $1 yield $2 }
	  reduce %%m %[1]s [s in s 0..%[2]d] over [c in c 0..%[5]d] max order canon {
	    box [0..%[2]d, 0..%[5]d] $0 = read %[1]s %%z[s, c] yield $0 }
	  reduce %%n %[1]s [s in s 0..%[2]d] over [c in c 0..%[5]d] sum order canon {
	    box [0..%[2]d, 0..%[5]d] $0 = read %[1]s %%z[s, c] $1 = read %[1]s %%m[s] $2 = sub %[1]s $0, $1 $3 = exp %[1]s $2 yield $3 }
	  reduce %%p %[1]s [s in s 0..%[2]d] over [c in c 0..%[5]d] sum order seq {
	    box [0..%[2]d, 0..%[5]d]
	    $0 = read i32 @label[s] $1 = index i32 c $2 = eq bool $0, $1 $3 = read %[1]s %%z[s, c] $4 = const %[1]s -0 $5 = select %[1]s $2, $3, $4 yield $5 }
	  reduce %%l %[1]s [] over [s in s 0..%[2]d] sum order canon {
	    box [0..%[2]d] $0 = read %[1]s %%m[s] $1 = read %[1]s %%n[s] $2 = log %[1]s $1 $3 = add %[1]s $0, $2
	    $4 = read %[1]s %%p[s] $5 = sub %[1]s $3, $4 $6 = const %[1]s 0.25 $7 = mul %[1]s $5, $6 yield $7 }
	  set @loss = %%l
	}`, e, batch, in, hidden, classes)
}

func TestMLP(t *testing.T) {
	for _, e := range []string{"f64", "f32"} {
		t.Run(e, func(t *testing.T) {
			p := parse(t, mlpSource(e, 3, 4, 5, 4))
			checkGradients(t, p, draw(p, 1, -1, 1))
		})
	}
}

// A perceptron learns to tell four points apart by gradient descent.
func TestDescent(t *testing.T) {
	p := parse(t, mlpSource("f64", 4, 4, 5, 4))
	s := draw(p, 3, -0.5, 0.5)
	for k := range s["label"].I32 {
		s["label"].I32[k] = int32(k)
	}
	wrt := []string{"w1", "b1", "w2", "b2"}
	name, err := Reverse(p, Options{Func: "f", Wrt: wrt, Seeds: []Seed{{Value: "%l"}}})
	if err != nil {
		t.Fatal(err)
	}
	first, last := 0.0, math.Inf(1)
	for i := range 300 {
		s = run(t, p, s, name)
		if last = s["loss"].At(0); i == 0 {
			first = last
		}
		for _, x := range wrt {
			for k := range s[x].Len() {
				s[x].F64[k] -= 0.5 * s[Gradient(x)].F64[k]
			}
		}
	}
	if first < 1 || last > 0.05 {
		t.Errorf("the loss went from %g to %g", first, last)
	}
}
