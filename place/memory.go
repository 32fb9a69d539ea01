package place

import (
	"fmt"
	"sort"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Bytes is the size of one element in PE memory; Bool is a 32-bit word.
func Bytes(e ir.Elem) int {
	switch e {
	case ir.F16:
		return 2
	case ir.F64, ir.I64:
		return 8
	}
	return 4
}

// Use is the memory that one array of the index IR (or one kind of scratch) takes in every PE.
type Use struct {
	Of     string // array or value of the index IR; "" for scratch that serves no single one
	Kind   mesh.ArrayKind
	Arrays int
	Bytes  int
}

// MemoryUse sums the local arrays of a program by what they serve and kind, largest first. It is the same in every class.
func MemoryUse(p *mesh.Program) (uses []Use, total int) {
	type key struct {
		of   string
		kind mesh.ArrayKind
	}
	at := map[key]int{}
	for _, a := range p.Arrays {
		k := key{a.Of, a.Kind}
		i, ok := at[k]
		if !ok {
			i = len(uses)
			at[k] = i
			uses = append(uses, Use{Of: a.Of, Kind: a.Kind})
		}
		n := (a.Len*Bytes(a.Elem) + 3) / 4 * 4
		uses[i].Arrays++
		uses[i].Bytes += n
		total += n
	}
	sort.SliceStable(uses, func(i, j int) bool { return uses[i].Bytes > uses[j].Bytes })
	return uses, total
}

// CheckMemory compares what the arrays of p take with what m offers. It returns nil when they fit, else an explained error; src gives
// the place of the largest array and may be nil.
func CheckMemory(p *mesh.Program, prog *ir.Program, m Machine, src *diag.File) *diag.Diagnostic {
	uses, total := MemoryUse(p)
	limit := m.MemoryBytes()
	if total <= limit {
		return nil
	}
	var at diag.Span
	if a := prog.Array(uses[0].Of); a != nil && src != nil && a.Pos != (ir.Pos{}) {
		at = diag.Span{File: src, Start: a.Pos.Start, End: a.Pos.End}
	}
	d := diag.New("WF0401", at, "a PE needs %d bytes for arrays and has %d: %d too many", total, limit, total-limit)
	for i, u := range uses {
		if i == 6 {
			d.Note("and %d smaller ones", len(uses)-i)
			break
		}
		d.Note("%s: %d bytes (%s)", useName(u), u.Bytes, plural(u.Arrays, "array"))
	}
	suggestSmaller(d, p, m, total)
	return d
}

// suggestSmaller names the cheapest change: more PEs when the mesh has some left, else a shorter memory axis.
func suggestSmaller(d *diag.Diagnostic, p *mesh.Program, m Machine, total int) {
	w, h := m.Extent()
	limit := m.MemoryBytes()
	var deep *mesh.Layout
	for i := range p.Layouts {
		l := &p.Layouts[i]
		switch {
		case l.Dim == mesh.X && l.MaxBlock() > 1 && l.Parts < w, l.Dim == mesh.Y && l.MaxBlock() > 1 && l.Parts < h:
			d.Suggest("cut axis %s into more than %d parts: each PE holds up to %d of its points", l.Axis, l.Parts, l.MaxBlock())
			return
		case l.Dim == mesh.Mem && (deep == nil || l.N > deep.N):
			deep = l
		}
	}
	for i := range p.Layouts {
		if l := &p.Layouts[i]; l.Dim != mesh.Mem && l.MaxBlock() > 1 && (deep == nil || l.MaxBlock() > deep.N) {
			d.Suggest("axis %s has %d points on %d PEs; use at most about %d points, or a larger machine",
				l.Axis, l.N, l.Parts, l.Parts*max(1, l.MaxBlock()*limit/total))
			return
		}
	}
	if deep != nil && deep.N > 1 {
		d.Suggest("axis %s lies in memory with %d points: use at most about %d, or declare a shorter axis last", deep.Axis, deep.N,
			max(1, deep.N*limit/total))
		return
	}
	d.Suggest("use fewer fields, or a machine with more memory per PE")
}

func useName(u Use) string {
	if u.Of == "" {
		return u.Kind.String()
	}
	return fmt.Sprintf("%s of %s", u.Kind, u.Of)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
