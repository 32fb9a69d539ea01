package place

import (
	"fmt"
	"slices"
	"sort"
	"strconv"

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

// look fills in the view of part k, reusing the lists of v.
func (v *View) look(l *mesh.Layout, k int) {
	lo, hi := l.Block(k)
	v.Size, v.First, v.Last = hi-lo, k == 0, k == l.Parts-1
	v.Left = neighbours(v.Left[:0], l, k, -1, v.Reach)
	v.Right = neighbours(v.Right[:0], l, k, 1, v.Reach)
	v.rel = v.rel[:0]
	for _, m := range v.marks {
		v.rel = append(v.rel, max(-v.Reach-1, min(m-lo, v.Size+v.Reach+1)))
	}
}

// clone copies a view with its lists, but for the marks, which all share.
func (v *View) clone() *View {
	c := *v
	c.Left, c.Right, c.rel = slices.Clone(v.Left), slices.Clone(v.Right), slices.Clone(v.rel)
	return &c
}

func neighbours(out []int, l *mesh.Layout, k, step, reach int) []int {
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

// key appends what tells views apart.
func (v *View) key(b []byte) []byte {
	b = strconv.AppendInt(b, int64(v.Size), 10)
	b = strconv.AppendBool(strconv.AppendBool(b, v.First), v.Last)
	for _, list := range [][]int{v.Left, v.Right, v.rel} {
		b = append(b, ';')
		for _, n := range list {
			b = append(strconv.AppendInt(b, int64(n), 10), ' ')
		}
	}
	return b
}

// Group is a set of parts with equal views.
type Group struct {
	View  *View   // of the axis itself
	Views []*View // of all axes that lie along the dimension
	Parts []int
}

// Along returns the layouts along a mesh dimension, the one that the others follow first.
func Along(ls []mesh.Layout, d mesh.Dim) []*mesh.Layout {
	var out []*mesh.Layout
	for i := range ls {
		switch {
		case ls[i].Dim != d:
		case ls[i].With == "":
			out = append([]*mesh.Layout{&ls[i]}, out...)
		default:
			out = append(out, &ls[i])
		}
	}
	return out
}

// Views groups the parts along a dimension by what they see of the axes that lie there, see Along. Marks are, per axis, the positions at
// which the program changes (ends of domains and pieces); the ends of the axis are marks always. Groups are in order of their first
// part. Without layouts there is one part.
func Views(ls []*mesh.Layout, reach int, marks [][]int) []Group {
	if len(ls) == 0 {
		return []Group{{View: Alone(), Parts: []int{0}}}
	}
	vs := make([]*View, len(ls))
	for i, l := range ls {
		vs[i] = &View{Periodic: l.Periodic, N: l.N, Reach: reach, marks: sorted(l, reach, marks[i])}
	}
	var out []Group
	at := map[string]int{}
	var key []byte
	for k := range ls[0].Parts {
		key = key[:0]
		for i, l := range ls {
			vs[i].look(l, k)
			key = vs[i].key(key)
		}
		i, ok := at[string(key)]
		if !ok {
			i = len(out)
			at[string(key)] = i
			g := Group{}
			for _, v := range vs {
				g.Views = append(g.Views, v.clone())
			}
			g.View = g.Views[0]
			out = append(out, g)
		}
		out[i].Parts = append(out[i].Parts, k)
	}
	return out
}

// sorted lists marks, with the ends of the axis and the images of all of them on a periodic one.
func sorted(l *mesh.Layout, reach int, marks []int) []int {
	ms := append([]int{0, l.N}, marks...)
	if l.Periodic {
		for _, m := range ms[:len(ms):len(ms)] {
			for s := 1; s <= images(l.N, reach); s++ {
				ms = append(ms, m-s*l.N, m+s*l.N)
			}
		}
	}
	slices.Sort(ms)
	return slices.Compact(ms)
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
