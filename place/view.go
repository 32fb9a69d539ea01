package place

import (
	"fmt"
	"sort"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// View is all that a lowering may know about where a PE sits on one mesh axis. Positions with equal views run the same process, so
// classes are right by construction: what is not in the view cannot influence the code. Coordinates are relative to the first point
// the part owns.
type View struct {
	Size        int  // points owned
	First, Last bool // part 0, part P-1
	Periodic    bool
	N           int   // points of the axis
	Reach       int   // distances beyond Reach are clamped to Reach+1
	Left, Right []int // sizes of the neighbours, nearest first, as far as Reach goes (fewer at the ends of an axis that is not periodic)
	marks, rel  []int // marks in ascending order and their relative positions, clamped
}

// Alone is the view of a mesh dimension that no axis uses.
func Alone() *View { return &View{Size: 1, First: true, Last: true} }

// newView returns the view of part k.
func newView(l *mesh.Layout, k, reach int, marks []int) *View {
	lo, hi := l.Block(k)
	v := &View{Size: hi - lo, First: k == 0, Last: k == l.Parts-1, Periodic: l.Periodic, N: l.N, Reach: reach, marks: marks}
	v.Left = neighbours(l, k, -1, reach)
	v.Right = neighbours(l, k, 1, reach)
	for _, m := range marks {
		v.rel = append(v.rel, max(-reach-1, min(m-lo, v.Size+reach+1)))
	}
	return v
}

func neighbours(l *mesh.Layout, k, step, reach int) []int {
	var out []int
	for covered := 0; covered < reach; {
		k += step
		if k < 0 || k >= l.Parts {
			if !l.Periodic {
				break
			}
			k = (k + l.Parts) % l.Parts
		}
		lo, hi := l.Block(k)
		out = append(out, hi-lo)
		covered += hi - lo
	}
	return out
}

// Rel is the relative position of a mark, clamped to the reach. It panics on a position that was not announced as a mark: using one
// would be an error of the lowering.
func (v *View) Rel(mark int) int {
	i := sort.SearchInts(v.marks, mark)
	if i == len(v.marks) || v.marks[i] != mark {
		panic(fmt.Sprintf("place: position %d is no mark", mark))
	}
	return v.rel[i]
}

// Clip returns the parts of the axis interval box, whose ends are marks, that lie in the relative window, in ascending order. On a
// periodic axis every image of the box counts.
func (v *View) Clip(box, window ir.Interval) []ir.Interval {
	var out []ir.Interval
	images := 0
	if v.Periodic {
		images = v.images()
	}
	for s := -images; s <= images; s++ {
		iv := ir.Interval{Lo: max(v.Rel(box.Lo+s*v.N), window.Lo), Hi: min(v.Rel(box.Hi+s*v.N), window.Hi)}
		if iv.Lo < iv.Hi {
			out = append(out, iv)
		}
	}
	return out
}

func (v *View) images() int { return images(v.N, v.Reach) }

// images is how many periods a window that reaches so far can span beyond the axis.
func images(n, reach int) int { return (reach+n)/n + 1 }

func (v *View) key() string {
	var b strings.Builder
	fmt.Fprint(&b, v.Size, v.First, v.Last, v.Left, v.Right, v.rel)
	return b.String()
}

// Group is a set of parts of an axis with equal views.
type Group struct {
	View  *View
	Parts []int
}

// Views groups the parts of a layout by what they see. Marks are the axis positions at which the program changes (ends of domains and
// pieces); the ends of the axis are marks always. Groups are in order of their first part. A nil layout gives one part.
func Views(l *mesh.Layout, reach int, marks []int) []Group {
	if l == nil {
		return []Group{{View: Alone(), Parts: []int{0}}}
	}
	all := map[int]bool{0: true, l.N: true}
	for _, m := range marks {
		all[m] = true
	}
	var ms []int
	for m := range all {
		ms = append(ms, m)
		if l.Periodic {
			for s := 1; s <= images(l.N, reach); s++ {
				ms = append(ms, m-s*l.N, m+s*l.N)
			}
		}
	}
	sort.Ints(ms)
	uniq := ms[:0]
	for i, m := range ms {
		if i == 0 || m != uniq[len(uniq)-1] {
			uniq = append(uniq, m)
		}
	}
	var out []Group
	at := map[string]int{}
	for k := range l.Parts {
		v := newView(l, k, reach, uniq)
		key := v.key()
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Group{View: v})
		}
		out[i].Parts = append(out[i].Parts, k)
	}
	return out
}

// Ranges writes the positions of parts as few strided ranges, in ascending order: stride 1, or 2 where a folded axis interleaves its
// halves. A nil layout is one position.
func Ranges(l *mesh.Layout, parts []int) []mesh.Range {
	pos := make([]int, len(parts))
	for i, k := range parts {
		if l != nil {
			pos[i] = l.Pos(k)
		}
	}
	sort.Ints(pos)
	in := make(map[int]bool, len(pos))
	for _, p := range pos {
		in[p] = true
	}
	var out []mesh.Range
	for _, p := range pos {
		if !in[p] {
			continue
		}
		best := mesh.Range{Lo: p, Hi: p + 1, Step: 1}
		for step := 1; step <= 2; step++ {
			hi := p
			for in[hi+step] {
				hi += step
			}
			if r := (mesh.Range{Lo: p, Hi: hi + 1, Step: step}); r.Len() > best.Len() {
				best = r
			}
		}
		for i := best.Lo; i < best.Hi; i += best.Step {
			delete(in, i)
		}
		out = append(out, best)
	}
	return out
}
