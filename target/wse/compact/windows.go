package compact

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// A call in a function copies what it passes on into a table of its own, each time. Where its arguments are consecutive parameters of
// the function, its table can be a part of the one that the function was called with (wse.Call.Within), and nothing is copied. So the
// parameters of functions are put in an order in which many calls find theirs side by side; what several need is there several times, at
// two bytes in every call of the function instead of a load and a store in it.

// windows orders the parameters of our functions, those first that call no others: what a call passes is then settled before its caller is.
func (k *compactor) windows() {
	done := map[string]bool{}
	var order func(f *wse.Func)
	order = func(f *wse.Func) {
		if f == nil || done[f.Name] {
			return
		}
		done[f.Name] = true
		wse.Walk(f.Body, func(s wse.Stmt) {
			if c, ok := s.(*wse.Call); ok {
				order(k.c.Func(c.Func))
			}
		})
		if _, ours := k.made[f.Name]; !ours {
			return
		}
		w := &window{k: k, f: f, inside: map[*wse.Call]bool{}, types: map[string]wse.ParamType{}}
		w.find()
		if w.choose(); len(w.inside) > 0 {
			w.apply()
		}
	}
	for _, f := range k.c.Funcs {
		order(f)
	}
}

// window is the search for a function's order of parameters. What a parameter stands for has a name: the parameter's, or the text of a
// constant operand.
type window struct {
	k      *compactor
	f      *wse.Func
	calls  []*wse.Call // that pass something on
	sites  []*wse.Call // of the function
	perRef int         // bytes of a parameter in all of them
	inside map[*wse.Call]bool
	types  map[string]wse.ParamType
}

// passedOn estimates the bytes of an argument that a caller passes on; its own order makes many of them two.
const passedOn = 4

func (w *window) find() {
	for _, p := range w.f.Params {
		w.types["$"+p.Name] = p.Type
	}
	wse.Walk(w.f.Body, func(s wse.Stmt) {
		if c, ok := s.(*wse.Call); ok && slices.ContainsFunc(c.Args, func(o wse.Operand) bool { return o.Kind == wse.Formal }) {
			w.calls = append(w.calls, c)
		}
	})
	seek := func(body []wse.Stmt, bytes int) {
		wse.Walk(body, func(s wse.Stmt) {
			if c, ok := s.(*wse.Call); ok && c.Func == w.f.Name {
				w.sites = append(w.sites, c)
				w.perRef += bytes
			}
		})
	}
	for _, t := range w.k.c.Tasks {
		seek(t.Body, w.k.m.CodeBytes["ref"])
	}
	for _, f := range w.k.c.Funcs {
		seek(f.Body, passedOn)
	}
}

// key names what an argument stands for.
func (w *window) key(o wse.Operand) string {
	if o.Kind == wse.Formal {
		return "$" + o.Param
	}
	t, _ := wse.ParamTypeOf(o)
	s := fmt.Sprintf("%d %s %d %v %s %d %d", o.Kind, o.Array, o.Offset, o.Dims, o.Queue, o.Extent, o.Bits)
	w.types[s] = t
	return s
}

func (w *window) keys(c *wse.Call) []string {
	var out []string
	for _, a := range c.Args {
		out = append(out, w.key(a))
	}
	return out
}

// order is the list of parameters when the calls in inside find theirs side by side.
func (w *window) order() []string {
	var out []string
	for _, c := range w.calls {
		if w.inside[c] {
			out = overlap(out, w.keys(c))
		}
	}
	wse.Walk(w.f.Body, func(s wse.Stmt) {
		if c, ok := s.(*wse.Call); ok && w.inside[c] {
			return
		}
		visitOwn(s, func(o *wse.Operand) {
			if o.Kind == wse.Formal && !slices.Contains(out, "$"+o.Param) {
				out = append(out, "$"+o.Param)
			}
		})
	})
	return out
}

// overlap appends to a list what it lacks of another, which is then a part of it.
func overlap(list, part []string) []string {
	if at(list, part) >= 0 {
		return list
	}
	n := min(len(list), len(part))
	for n > 0 && !slices.Equal(list[len(list)-n:], part[:n]) {
		n--
	}
	return append(list, part[n:]...)
}

// at is where part lies in list, or -1.
func at(list, part []string) int {
	for i := 0; i+len(part) <= len(list); i++ {
		if slices.Equal(list[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// bytes is what the calls of the function and those in it take.
func (w *window) bytes() int {
	n := w.perRef * len(w.order())
	for _, c := range w.calls {
		probe := *c
		probe.Within = w.inside[c]
		n += w.k.bytes([]wse.Stmt{&probe})
	}
	return n
}

// choose takes the calls whose arguments side by side save most, one after the other.
func (w *window) choose() {
	now := w.bytes()
	for {
		var best *wse.Call
		for _, c := range w.calls {
			if w.inside[c] {
				continue
			}
			w.inside[c] = true
			if n := w.bytes(); n < now {
				best, now = c, n
			}
			delete(w.inside, c)
		}
		if best == nil {
			return
		}
		w.inside[best] = true
	}
}

// apply writes the order into the function and the calls of it.
func (w *window) apply() {
	order := w.order()
	old := w.f.Params
	consts := map[string]wse.Operand{}
	for _, c := range w.calls {
		for _, a := range c.Args {
			if a.Kind != wse.Formal {
				consts[w.key(a)] = a
			}
		}
	}
	name := func(i int) string { return fmt.Sprintf("a%d", i) }
	wse.Walk(w.f.Body, func(s wse.Stmt) {
		if c, ok := s.(*wse.Call); ok && w.inside[c] {
			from := at(order, w.keys(c))
			for i := range c.Args {
				c.Args[i] = wse.Given(name(from + i))
			}
			c.Within = true
			return
		}
		visitOwn(s, func(o *wse.Operand) {
			if o.Kind == wse.Formal {
				o.Param = name(slices.Index(order, "$"+o.Param))
			}
		})
	})
	w.f.Params = nil
	for i, s := range order {
		w.f.Params = append(w.f.Params, wse.FuncParam{Name: name(i), Type: w.types[s]})
	}
	for _, site := range w.sites {
		given := map[string]wse.Operand{}
		for i, p := range old {
			given["$"+p.Name] = site.Args[i]
		}
		site.Args = nil
		for _, s := range order {
			o, ok := given[s]
			if !ok {
				o = consts[s]
			}
			site.Args = append(site.Args, o)
		}
	}
}

// visitOwn calls f for the operands of a statement, not for those of statements in it.
func visitOwn(s wse.Stmt, f func(*wse.Operand)) {
	switch s := s.(type) {
	case *wse.Op, *wse.Call:
		visit([]wse.Stmt{s}, f)
	}
}
