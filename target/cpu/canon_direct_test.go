package cpu

import (
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Sums in canonical order whose rows are whole vectors are folded as they are computed: rows shorter and longer than blocks, blocks that begin
// within rows, operands along the row, at an offset and constant on it.
func TestCanonDirect(t *testing.T) {
	needsLLVM(t)
	elems := []string{"f32", "f64", "i32", "f64"}
	for k, n := range [][2]int{{1, 16}, {5, 48}, {300, 80}, {3, 8192}} {
		for _, e := range elems[k : k+1] {
			fma := "fma "
			if e == "i32" {
				fma = ""
			}
			p := text(fmt.Sprintf(`
axis x %d cells lo 0 h 1
axis y %d cells periodic lo 0 h 1
axis k 2 cells lo 0 h 1
array @u[k, x, y] %[3]s
array @c[x] %[3]s
array @s[k] %[3]s
array @m[] %[3]s
func sums {
  reduce %%s %[3]s [k in k 0..2] over [x in x 0..%[1]d, y in y 0..%[2]d] sum %[4]sorder canon {
    box [0..2, 0..%[1]d, 0..%[2]d]
      $0 = read %[3]s @u[k, x, y]
      $1 = read %[3]s @u[k, x, y+1]
      $2 = read %[3]s @c[x]
      $3 = mul %[3]s $1, $2
      $4 = mul %[3]s $0, $3
      yield $4
  }
  reduce %%m %[3]s [] over [x in x 0..%[1]d, y in y 0..%[2]d] max order canon {
    box [0..%[1]d, 0..%[2]d]
      $0 = read %[3]s @u[1, x, y]
      yield $0
  }
  set @s = %%s
  set @m = %%m
}
`, n[0], n[1], e, fma))
			for i := range p.Funcs[0].Ops {
				r := &reduction{op: &p.Funcs[0].Ops[i]}
				for _, pc := range r.op.Pieces {
					r.boxes = append(r.boxes, pc.Box)
				}
				if !r.direct() {
					t.Fatalf("%v %s: a sum is not folded directly", n, e)
				}
			}
			sameAsInterpreter(t, toolchains()[0], p, 1, nil, "sums")
			if t.Failed() {
				t.Fatalf("%v %s\n%s", n, e, ir.Print(p))
			}
		}
	}
}

// Rows that end within a vector of lanes: shorter than one, ending in the first and in a later block, one by one, abreast, and in one of several blocks.
func TestCanonRest(t *testing.T) {
	needsLLVM(t)
	for _, n := range []int{5, 21, 4095, 4101, 8197} {
		for _, e := range []string{"f32", "f64"} {
			p := text(fmt.Sprintf(`
axis x 6 cells lo 0 h 1
axis y %d cells lo 0 h 1
array @u[x, y] %[2]s
array @s[x] %[2]s
array @f[x] %[2]s
array @m[] %[2]s
func sums {
  reduce %%s %[2]s [x in x 0..6] over [y in y 0..%[1]d] sum order canon {
    box [0..6, 0..%[1]d]
      $0 = read %[2]s @u[x, y]
      $1 = abs %[2]s $0
      yield $1
  }
  reduce %%f %[2]s [x in x 0..6] over [y in y 0..%[1]d] sum fma order canon {
    box [0..6, 0..%[1]d]
      $0 = read %[2]s @u[x, y]
      $1 = read %[2]s @u[1, y]
      $2 = mul %[2]s $0, $1
      yield $2
  }
  reduce %%m %[2]s [] over [y in y 0..%[1]d] max order canon {
    box [0..%[1]d]
      $0 = read %[2]s @u[5, y]
      yield $0
  }
  set @s = %%s
  set @f = %%f
  set @m = %%m
}
`, n, e))
			for i := range p.Funcs[0].Ops {
				r := &reduction{op: &p.Funcs[0].Ops[i]}
				for _, pc := range r.op.Pieces {
					r.boxes = append(r.boxes, pc.Box)
				}
				if !r.direct() {
					t.Fatalf("%d %s: a sum is not folded directly", n, e)
				}
			}
			sameAsInterpreter(t, toolchains()[0], p, 1, nil, "sums")
			if t.Failed() {
				t.Fatalf("%d %s\n%s", n, e, ir.Print(p))
			}
		}
	}
}
