package cpu

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// normalised is a normalisation of rows with weights and what its derivative takes of them as index IR, in two pieces at the end.
func normalised(a, i, d int, e string) *ir.Program {
	src := fmt.Sprintf(`
axis a %d cells lo 0 h 1
axis i %d cells lo 0 h 1
axis d %d cells lo 0 h 1
array @x[a, i, d] E
array @g[a, i, d] E
array @w[d] E
array @y[a, i, d] E
array @dx[a, i, d] E
array @z[a, i] E
array @n[a, i] E
func f {
  reduce %%sum E [LEAD] over [OVER] sum order canon {
    box [ALL]
      $0 = read E @x[a, i, d]
      yield $0
  }
  map %%c E [LEAD, OVER] {
    box [ALL]
      $0 = read E @x[a, i, d]
      $1 = read E %%sum[a, i]
      $2 = const E 0.125
      $3 = mul E $1, $2
      $4 = sub E $0, $3
      yield $4
  }
  reduce %%v E [LEAD] over [OVER] sum fma order seq {
    box [ALL]
      $0 = read E %%c[a, i, d]
      $1 = mul E $0, $0
      yield $1
  }
  map %%r E, %%n E [LEAD] {
    box [ROWS]
      $0 = read E %%v[a, i]
      $1 = sqrt E $0
      $2 = neg E $0
      yield $1, $2
  }
  map %%y E [LEAD, OVER] {
    box [ALL]
      $0 = read E %%c[a, i, d]
      $1 = read E %%r[a, i]
      $2 = div E $0, $1
      $3 = read E @w[d]
      $4 = mul E $2, $3
      yield $4
  }
  reduce %%b E [LEAD] over [OVER] sum order seq {
    box [ALL]
      $0 = read E @g[a, i, d]
      $1 = read E %%y[a, i, d]
      $2 = sub E $0, $1
      $3 = read E @w[d]
      $4 = read E %%r[a, i]
      $5 = mul E $3, $4
      $6 = mul E $2, $5
      yield $6
  }
  reduce %%m E [LEAD] over [OVER] max order canon {
    box [ALL]
      $0 = read E %%y[a, i, d]
      yield $0
  }
  map %%dx E [LEAD, OVER] {
    box [ROWS, 0..3]
      $0 = read E %%b[a, i]
      yield $0
    box [ROWS, 3..%[3]d]
      $0 = read E @g[a, i, d]
      $1 = read E %%m[a, i]
      $2 = read E %%y[a, i, d]
      $3 = mul E $1, $2
      $4 = sub E $0, $3
      yield $4
  }
  set @y = %%y
  set @dx = %%dx
  set @z = %%b
  set @n = %%n
}
`, a, i, d)
	for from, to := range map[string]string{"LEAD": fmt.Sprintf("a in a 0..%d, i in i 0..%d", a, i), "OVER": fmt.Sprintf("d in d 0..%d", d),
		"ALL": fmt.Sprintf("0..%d, 0..%d, 0..%d", a, i, d), "ROWS": fmt.Sprintf("0..%d, 0..%d", a, i), " E": " " + e} {
		src = strings.ReplaceAll(src, from, to)
	}
	return text(src)
}

// Operations along rows are one kernel that takes blocks of rows through all of them, with the interpreter's bits: what is left of the rows and of
// their elements, rows of several blocks of the canonical order, results that go past the caches.
func TestGroupRows(t *testing.T) {
	needsLLVM(t)
	smallGroups(t)
	old := pastBytes
	t.Cleanup(func() { pastBytes = old })
	for k, n := range [][3]int{{2, 37, 50}, {1, 80, 160}, {2, 33, 16}, {3, 5, 300}, {1, 17, 5000}, {2, 600, 20}} {
		for _, past := range []int64{0, 1 << 40} {
			pastBytes = func() int64 { return past }
			e := []string{"f32", "f64"}[(k+int(past>>40))%2]
			p := normalised(n[0], n[1], n[2], e)
			pl, err := newPlan(p, false, -1)
			check(t, err)
			if ls := pl.funcs["f"].launches; len(ls) != 1 || ls[0].kind != "rows of a group" {
				t.Errorf("%v: %d launches, not a group", n, len(ls))
			}
			sameAsInterpreter(t, toolchains()[0], p, 1, nil, "f")
		}
	}
}

// What depends on which row it is in, or reads other rows, has no place in a block.
func TestNoGroupRows(t *testing.T) {
	smallGroups(t)
	for _, change := range [][2]string{{"$3 = read f32 @w[d]\n      $4 = mul f32 $2", "$3 = index i32 i\n      $4 = mul f32 $2"}, {"$2 = read f32 %y[a, i, d]\n      $3 = mul", "$2 = read f32 %y[a, 1, d]\n      $3 = mul"},
		{"$2 = const f32 0.125", "$2 = read f32 @x[a, 1, d]"}} {
		src := ir.Print(normalised(2, 64, 64, "f32"))
		changed := strings.Replace(src, change[0], change[1], 1)
		if changed == src {
			t.Fatalf("nothing to change in %s", src)
		}
		p, err := ir.Parse("rows.wfir", changed)
		check(t, err)
		pl, err := newPlan(p, false, -1)
		check(t, err)
		if ls := pl.funcs["f"].launches; len(ls) == 1 {
			t.Errorf("%q: all is one group", change[1])
		}
	}
}

// Deviations from the mean are made again where they are read, so that nobody keeps them; what takes a division is kept.
func TestMakeAgain(t *testing.T) {
	smallGroups(t)
	p := normalised(2, 64, 64, "f32")
	pl, err := newPlan(p, false, -1)
	check(t, err)
	g, err := prepare(p, &p.Funcs[0], pl.arrays)
	check(t, err)
	n := len(g.ops)
	g.groupRows()
	if len(g.ops) != n-1 || makes(g.ops, "%c") || !makes(g.ops, "%y") || readsValue(&g.ops[len(g.ops)-1], "%c") {
		t.Errorf("of %d operations %d are left", n, len(g.ops))
	}
	if x := g.groups[0]; x.hi != len(g.ops) {
		t.Errorf("the group ends at %d of %d operations", x.hi, len(g.ops))
	}
}
