package wfc

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/place"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

// Products is how the matrices of a program are distributed over the mesh.
type Products string

// Distributions. Whole: every axis lies in one place, so of two matrices that share an axis at most one is cut along both sides of the mesh,
// and the other is in several PEs. SUMMA: every placement of an axis is chosen by itself, so that the fullest PE holds least; panels of
// the matrices are brought together (see passes/tomesh/product.go). Cannon: the same where both sides are rings that the panels
// go round, and both factors arrays that the wafer only reads (cannon.go there). Auto takes what the cost model estimates to take
// fewer cycles of these. Moved: tensors lie in one place and are read in another, gathered and scattered by copies (place/moved.go), which
// takes the least memory where a program has attention, and the longest to find.
const (
	ProductsAuto   Products = ""
	ProductsWhole  Products = "whole"
	ProductsSUMMA  Products = "summa"
	ProductsCannon Products = "cannon"
	ProductsMoved  Products = "moved"
)

// ParseProducts reads a distribution.
func ParseProducts(s string) (Products, error) {
	switch p := Products(s); p {
	case "auto":
		return ProductsAuto, nil
	case ProductsAuto, ProductsWhole, ProductsSUMMA, ProductsCannon, ProductsMoved:
		return p, nil
	}
	return "", fmt.Errorf("expected auto, %s, %s, %s or %s", ProductsWhole, ProductsSUMMA, ProductsCannon, ProductsMoved)
}

// way is a distribution of a program: its device part with a name for every placement of an axis, and the layouts of those.
type way struct {
	name    string
	ir      *ir.Program
	layouts []mesh.Layout
	pl      placed
	err     error // it cannot be lowered
	cycles  int64
	lean    bool // memory before time
}

// ways lists the distributions to choose from.
func (p *Program) ways(m wse.Machine) ([]*way, error) {
	var out []*way
	if p.products == ProductsAuto || p.products == ProductsWhole {
		layouts, err := place.Layouts(p.IR, site{m: m}, place.Options{})
		if err != nil {
			return nil, err
		}
		out = append(out, &way{name: "whole axes", ir: p.IR, layouts: layouts})
	}
	if p.products == ProductsAuto || p.products == ProductsSUMMA {
		if q, layouts := place.Products(p.IR, site{m: m}, false); q != nil && !(len(out) == 1 && slices.Equal(layouts, out[0].layouts)) {
			out = append(out, &way{name: "SUMMA", ir: q, layouts: layouts})
		}
	}
	if p.products == ProductsAuto || p.products == ProductsCannon {
		if q, layouts := place.Products(p.IR, site{m: m}, true); q != nil && tomesh.Turns(q, layouts) {
			out = append(out, &way{name: "Cannon", ir: q, layouts: layouts})
		}
	}
	if p.products == ProductsMoved {
		if w := p.moved(m); w != nil {
			out = append(out, w)
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case p.products == ProductsCannon:
		return nil, diag.List{diag.New("WF0527", diag.Span{}, "no product of %s can be done by Cannon's algorithm", p.Name).
			Note("both factors must be arrays that the wafer only reads in such products, and the mesh must have PEs along both sides").
			Suggest("use --products summa, or another --mesh")}
	case p.products == ProductsMoved:
		return nil, diag.List{diag.New("WF0527", diag.Span{}, "no tensor of %s would be moved", p.Name).
			Note("the program has no product of two tensors, its axes fit the mesh without, or the mesh has one PE").
			Suggest("leave --products out")}
	}
	return nil, diag.List{diag.New("WF0527", diag.Span{}, "no matrix of %s can lie over both sides of the mesh", p.Name).
		Note("there is no product of two matrices whose axes may be cut, or the mesh has one PE").
		Suggest("leave --products out")}
}

// moved is the distribution that moves tensors between where they lie and where they are read, or nil.
func (p *Program) moved(m wse.Machine) *way {
	q, layouts := place.Moved(p.IR, site{m: m})
	if q == nil {
		return nil
	}
	return &way{name: "moved", ir: q, layouts: layouts, lean: true}
}

// choose lowers every way and puts the best first: of those that fit the one with the fewest estimated cycles, else the one that fails
// last, or with the fewest bytes. The error is that of the first way when none can be lowered.
func (p *Program) choose(ways []*way, m wse.Machine) (*way, placed, error) {
	for _, w := range ways {
		if w.pl, w.err = p.lowerToMesh(w, m, true); w.err == nil {
			w.cycles = w.pl.estimate(m)
		}
	}
	first := ways[0]
	slices.SortStableFunc(ways, func(a, b *way) int {
		switch ra, rb := a.rank(), b.rank(); {
		case ra != rb:
			return rb - ra
		case ra == 4:
			return cmp.Compare(a.cycles, b.cycles)
		}
		return cmp.Compare(a.bytes(), b.bytes())
	})
	if ways[0].err != nil {
		return nil, placed{}, first.err
	}
	return ways[0], ways[0].pl, nil
}

// rank is how far a way got: 4 when it fits.
func (w *way) rank() int {
	switch {
	case w.err != nil:
		return 0
	case w.pl.table == nil:
		return 1
	case w.pl.code == nil:
		return 2
	case w.pl.err != nil:
		return 3
	}
	return 4
}

// bytes is what the fullest PE holds, 0 when that is not known.
func (w *way) bytes() (most int) {
	for _, l := range w.pl.layout {
		most = max(most, l.Used())
	}
	return most
}

// estimate is the time of one iteration of every device function, each in its slowest class.
func (pl *placed) estimate(m wse.Machine) (cycles int64) {
	if pl.code == nil {
		return 0
	}
	for _, c := range slowest(pl.code, pl.layout, m) {
		cycles += c
	}
	return cycles
}

// slowest is the estimated time of an iteration of every device function.
func slowest(out *codegen.Output, layouts []wse.ClassLayout, m wse.Machine) map[string]int64 {
	at := places(out.Program, layouts)
	worst := map[string]int64{}
	for _, c := range out.Code {
		worst[c.Func] = max(worst[c.Func], cost.Iteration(m, c.Ops, c.Waits, at[c.Class])+c.Extra)
	}
	return worst
}

// places says where the arrays of every class lie: those that have no place yet at 0.
func places(p *wse.Program, layouts []wse.ClassLayout) map[string]cost.Place {
	out := map[string]cost.Place{}
	for i, c := range p.Classes {
		addr := map[string]int{}
		if i < len(layouts) {
			for k, a := range c.Arrays {
				addr[a.Name] = layouts[i].Addr[k]
			}
		}
		out[c.Name] = func(array string) int { return addr[array] }
	}
	return out
}

// reportWays says what was chosen from; nothing when there was no choice.
func reportWays(ways []*way) (out []report.Product) {
	for _, w := range ways {
		if len(ways) == 1 && w.name == "whole axes" {
			return nil
		}
		x := report.Product{Name: w.name, Cycles: w.cycles, Bytes: w.bytes()}
		if err := errors.Join(w.err, w.pl.err); err != nil {
			x.Why = err.Error()
		}
		out = append(out, x)
	}
	return out
}
