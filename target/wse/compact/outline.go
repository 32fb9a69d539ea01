package compact

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// maxDepth bounds calls within calls: the stack of a PE is small.
const maxDepth = 12

// weighed is how many candidates of a round, by what they save at best, have their parameters found.
const weighed = 256

// candidate is a sequence of units that stands at several positions of a scan.
type candidate struct {
	length int
	at     []int // positions, ascending, apart from each other
	bound  int   // bytes saved if no operand were a parameter

	score  float64
	params [][]int // of the operands in order: nil = the same everywhere, else their values at the positions
	args   []arg   // one for each different column of params, in order
}

// arg is a parameter: its first operand among those of the sequence, and where that is, by unit and operand of the unit.
type arg struct{ operand, unit, at int }

// outline replaces the best repeated sequences by functions and returns how many; price is the least number of bytes that a cycle of an
// execution must save.
func (k *compactor) outline(price float64) int {
	s := k.scan()
	cands := s.repeats()
	for _, c := range cands {
		c.bound = (len(c.at)-1)*s.bytes(c) - len(c.at)*k.callBytes(0) - k.m.CodeBytes["task"]
	}
	byBound := func(a, b *candidate) int {
		return cmp.Or(b.bound-a.bound, b.length-a.length, a.at[0]-b.at[0])
	}
	slices.SortFunc(cands, byBound)
	cands = cands[:min(len(cands), weighed)]
	for _, c := range cands {
		s.weigh(c, price)
	}
	byScore := func(a, b *candidate) int { return cmp.Or(cmp.Compare(b.score, a.score), byBound(a, b)) }
	slices.SortFunc(cands, byScore)
	used := make([]bool, len(s.places))
	edits := map[int][]edit{} // by list
	n, saved := 0, 0
	for i, c := range cands {
		if c.score <= 0 || c.score < cands[0].score/4 || k.size-saved <= k.limit {
			break
		}
		if i > 0 { // what better ones left of it
			c.at = slices.DeleteFunc(slices.Clone(c.at), func(p int) bool { return slices.Contains(used[p:p+c.length], true) })
			if len(c.at) < 2 {
				continue
			}
			if s.weigh(c, price); c.score <= 0 || c.score < cands[0].score/4 {
				continue
			}
		}
		saved += s.saves(c)
		for _, a := range c.args {
			for _, v := range c.params[a.operand] {
				s.k.given[v] = true
			}
		}
		for _, p := range c.at {
			for j := range c.length {
				used[p+j] = true
			}
		}
		s.outlined(c, edits)
		n++
	}
	for i, list := range s.lists {
		*list = apply(*list, edits[i])
	}
	return n
}

// edit replaces n statements of a list by a call.
type edit struct {
	start, n int
	call     *wse.Call
}

func apply(list []wse.Stmt, edits []edit) []wse.Stmt {
	slices.SortFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out []wse.Stmt
	at := 0
	for _, e := range edits {
		out = append(append(out, list[at:e.start]...), e.call)
		at = e.start + e.n
	}
	return append(out, list[at:]...)
}

// repeats lists the sequences that stand in several positions: those that cannot be longer with the same positions.
func (s *scan) repeats() []*candidate {
	ps := s.places
	var suffixes []int
	for i, p := range ps {
		if p != nil {
			suffixes = append(suffixes, i)
		}
	}
	common := func(a, b int) int {
		n := 0
		for ps[a+n] != nil && ps[b+n] != nil && ps[a+n].shape == ps[b+n].shape {
			n++
		}
		return n
	}
	slices.SortFunc(suffixes, func(a, b int) int {
		n := common(a, b)
		x, y := ps[a+n], ps[b+n]
		switch {
		case x == nil && y == nil:
			return a - b
		case x == nil:
			return -1
		case y == nil:
			return 1
		}
		return x.shape - y.shape
	})
	// Suffixes that begin with the same sequence stand together. Each stack entry is such a stretch that is still open.
	type open struct{ length, from int }
	var stack []open
	var out []*candidate
	for i := 1; i <= len(suffixes); i++ {
		n := 0
		if i < len(suffixes) {
			n = common(suffixes[i-1], suffixes[i])
		}
		from := i - 1
		for len(stack) > 0 && stack[len(stack)-1].length > n {
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			from = top.from
			if c := s.apart(top.length, suffixes[from:i]); c != nil {
				out = append(out, c)
			}
		}
		if n > 0 && (len(stack) == 0 || stack[len(stack)-1].length < n) {
			stack = append(stack, open{n, from})
		}
	}
	return out
}

// apart keeps positions at which sequences of a length do not overlap, and is nil when that leaves one.
func (s *scan) apart(length int, at []int) *candidate {
	at = slices.Sorted(slices.Values(at))
	for _, p := range s.places[at[0] : at[0]+length] {
		if p.depth >= maxDepth {
			return nil
		}
	}
	keep := at[:1]
	for _, p := range at[1:] {
		if p >= keep[len(keep)-1]+length {
			keep = append(keep, p)
		}
	}
	if len(keep) < 2 {
		return nil
	}
	return &candidate{length: length, at: keep}
}

// bytes is the size of a candidate's sequence.
func (s *scan) bytes(c *candidate) int {
	n := 0
	for _, p := range s.places[c.at[0] : c.at[0]+c.length] {
		n += p.bytes
	}
	return n
}

// callBytes is the size of a call with n arguments.
func (k *compactor) callBytes(n int) int {
	return k.bytes([]wse.Stmt{&wse.Call{Args: make([]wse.Operand, n)}})
}

// weigh finds the parameters of a candidate and its score: the bytes it saves less what its cycles are worth.
func (s *scan) weigh(c *candidate, price float64) {
	c.params, c.args = nil, nil
	columns := map[string]bool{}
	fetched := 0
	for j := range c.length {
		for q, o := range s.places[c.at[0]+j].operands {
			var column []int
			same := true
			for _, p := range c.at {
				v := s.places[p+j].values[q]
				same = same && (len(column) == 0 || v == column[0])
				column = append(column, v)
			}
			if same && o.Kind != wse.Formal { // those of a function are nothing outside it
				column = nil
			}
			if c.params = append(c.params, column); column == nil {
				continue
			}
			fetched++
			if key := columnKey(column); !columns[key] {
				columns[key] = true
				c.args = append(c.args, arg{len(c.params) - 1, j, q})
			}
		}
	}
	there, back := s.k.m.CallCost(&wse.Call{Args: make([]wse.Operand, len(c.args))})
	cycles := len(c.at) * (there + back + fetched*(s.k.m.ScalarCycles+s.k.m.LoadCycles))
	c.score = float64(s.saves(c)) - price*float64(cycles)
}

// saves is the number of bytes that a weighed candidate saves.
func (s *scan) saves(c *candidate) int {
	n := (len(c.at)-1)*s.bytes(c) - s.k.m.CodeBytes["task"] - len(c.at)*s.k.callBytes(len(c.args))
	fresh := map[int]bool{}
	for _, a := range c.args {
		for i, p := range c.at {
			v := c.params[a.operand][i]
			switch o := s.operandAt(p, a); {
			case o.Kind == wse.Formal: // passed on
				n -= 2 * s.k.m.CodeBytes["scalar"]
			case !s.k.given[v] && !fresh[v]:
				fresh[v] = true
				n -= s.k.m.DescriptorSize(*o)
			}
		}
	}
	return n
}

// operandAt is what stands for a parameter at position p.
func (s *scan) operandAt(p int, a arg) *wse.Operand { return &s.places[p+a.unit].operands[a.at] }

// columnKey tells columns of values apart.
func columnKey(column []int) string {
	b := make([]byte, 0, 4*len(column))
	for _, v := range column {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return string(b)
}

// outlined makes the function of a candidate and the calls of it.
func (s *scan) outlined(c *candidate, edits map[int][]edit) {
	f := &wse.Func{Name: s.k.funcName()}
	for _, u := range s.places[c.at[0] : c.at[0]+c.length] {
		body := clone(u.stmts)
		if n := s.k.group[u.stmts[0]]; n > 0 {
			s.k.group[body[0]], s.k.group[body[n-1]] = n, n
		}
		f.Body = append(f.Body, body...)
	}
	names := map[string]string{}
	for _, a := range c.args {
		name := fmt.Sprintf("a%d", len(names))
		names[columnKey(c.params[a.operand])] = name
		o := s.operandAt(c.at[0], a)
		t, _ := wse.ParamTypeOf(*o)
		if o.Kind == wse.Formal {
			t = s.formalType(c.at[0], o.Param)
		}
		f.Params = append(f.Params, wse.FuncParam{Name: name, Type: t})
	}
	i := 0
	visit(f.Body, func(o *wse.Operand) {
		if column := c.params[i]; column != nil {
			g := wse.Given(names[columnKey(column)])
			g.IndexReg, g.IndexScale = o.IndexReg, o.IndexScale
			*o = g
		}
		i++
	})
	wse.Walk(f.Body, func(st wse.Stmt) {
		switch st := st.(type) {
		case *wse.Op:
			st.Line = ""
		case *wse.Call:
			st.Line, st.Lines = "", nil
		}
	})
	info := made{}
	for _, p := range c.at {
		call := &wse.Call{Func: f.Name}
		for _, a := range c.args {
			o := *s.operandAt(p, a)
			o.IndexReg, o.IndexScale = "", 0
			call.Args = append(call.Args, o)
		}
		e := edit{start: s.places[p].start, call: call}
		info = made{depth: 1}
		named := false
		for _, u := range s.places[p : p+c.length] {
			e.n += len(u.stmts)
			info.ops += len(u.lines)
			info.depth = max(info.depth, u.depth+1)
			for _, l := range u.lines {
				named = named || l != ""
				if n := len(call.Lines); n > 0 && call.Lines[n-1].Line == l {
					call.Lines[n-1].N++
				} else {
					call.Lines = append(call.Lines, wse.LineRun{N: 1, Line: l})
				}
			}
		}
		if call.Line = call.Lines[0].Line; !named {
			call.Lines = nil
		}
		edits[s.places[p].list] = append(edits[s.places[p].list], e)
	}
	s.k.made[f.Name] = info
	s.k.c.Funcs = append(s.k.c.Funcs, f)
}

// formalType is the type of a parameter that the sequence at position p uses.
func (s *scan) formalType(p int, name string) wse.ParamType {
	list := s.lists[s.places[p].list]
	for _, f := range s.k.c.Funcs {
		if &f.Body == list {
			for _, q := range f.Params {
				if q.Name == name {
					return q.Type
				}
			}
		}
	}
	return wse.ParamMem
}
