package wse

import (
	"math"
	"strconv"

	"github.com/wfc-lang/wfc/internal/diag"
)

// Parse reads the text form. name is the file's name for messages; when it is
// not empty, statements without a source line of their own get "name:line".
// The error is a diag.List with spans. Parse checks the grammar and its limits
// only: Verify judges the program.
func Parse(name, src string) (p *Program, err error) {
	shown := name
	if shown == "" {
		shown = "machine text"
	}
	if len(src) > MaxText {
		return nil, diag.List{diag.New("WF0501", diag.Span{}, "%s has %d bytes; machine texts may have %d", shown, len(src), MaxText)}
	}
	f := diag.NewFile(shown, src)
	ps := &parser{lexer: lexer{f: f}, lines: name != ""}
	defer func() {
		if r := recover(); r != nil {
			b, ok := r.(bail)
			if !ok {
				panic(r)
			}
			p, err = nil, diag.List{b.d}
		}
	}()
	ps.advance()
	return ps.program(), nil
}

type parser struct {
	lexer
	tok, prev token
	depth     int
	lines     bool
}

func (p *parser) advance() { p.prev, p.tok = p.tok, p.lexer.next() }

func (p *parser) errorf(format string, args ...any) {
	p.fail(p.tok.start, p.tok.end, format, args...)
}

func (p *parser) limit(format string, args ...any) {
	panic(bail{diag.New("WF0501", diag.Span{File: p.f, Start: p.tok.start, End: p.tok.end}, format, args...)})
}

// is reports whether the current token is this mark or bare word.
func (p *parser) is(s string) bool {
	return (p.tok.kind == tPunct || p.tok.kind == tIdent && !p.tok.quoted) && p.tok.text == s
}

func (p *parser) accept(s string) bool {
	if p.is(s) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		p.errorf("expected %q, found %s", s, p.tok)
	}
}

func (p *parser) ident(what string) string {
	if p.tok.kind != tIdent {
		p.errorf("expected %s, found %s", what, p.tok)
	}
	s := p.tok.text
	p.advance()
	return s
}

// oneOf reads a bare word of a list and returns its index.
func (p *parser) oneOf(what string, words []string) int {
	for i, w := range words {
		if p.accept(w) {
			return i
		}
	}
	p.errorf("expected %s, one of %v, found %s", what, words, p.tok)
	return 0
}

func (p *parser) int(what string, lo, hi int64) int {
	start := p.tok.start
	neg := p.accept("-")
	if p.tok.kind != tNumber {
		p.errorf("expected %s, found %s", what, p.tok)
	}
	v, err := strconv.ParseInt(p.tok.text, 0, 64)
	if neg {
		v = -v
	}
	if err != nil || v < lo || v > hi {
		p.fail(start, p.tok.end, "%s must be a whole number from %d to %d", what, lo, hi)
	}
	p.advance()
	return int(v)
}

func (p *parser) float(what string) float64 {
	start := p.tok.start
	sign := ""
	if p.accept("-") {
		sign = "-"
	} else {
		p.accept("+")
	}
	switch {
	case p.accept("inf"), p.accept("Inf"):
		v, _ := strconv.ParseFloat(sign+"inf", 64)
		return v
	case p.accept("nan"), p.accept("NaN"):
		return math.NaN()
	case p.tok.kind != tNumber:
		p.errorf("expected %s, found %s", what, p.tok)
	}
	v, err := strconv.ParseFloat(sign+p.tok.text, 64)
	if err != nil {
		p.fail(start, p.tok.end, "%s %s%s is no number a float64 holds", what, sign, p.tok.text)
	}
	p.advance()
	return v
}

const maxCoord = 1 << 20

func (p *parser) program() *Program {
	out := &Program{}
	if p.accept("program") {
		out.Name = p.ident("the program's name")
	}
	p.expect("machine")
	out.Machine = p.ident("a machine profile")
	for p.is("-") { // wse3-si
		p.advance()
		out.Machine += "-" + p.ident("the rest of the profile's name")
	}
	p.expect("mesh")
	out.W, out.H = p.int("mesh width", 1, maxCoord), p.int("mesh height", 1, maxCoord)
	for p.tok.kind != tEOF {
		switch {
		case p.accept("class"):
			out.Classes = append(out.Classes, p.class())
		case p.accept("route"):
			out.Routes = append(out.Routes, p.route())
		case p.is("init") || p.is("launch") || p.is("expect") || p.is("print"):
			out.Script = append(out.Script, p.directive())
		default:
			p.errorf("expected class, route, init, launch, expect or print, found %s", p.tok)
		}
	}
	return out
}

func (p *parser) rng() Range {
	r := Range{Lo: p.int("a coordinate", 0, 1<<30)}
	p.expect("..")
	r.Hi, r.Step = p.int("a coordinate", 0, 1<<30), 1
	if p.accept("step") {
		r.Step = p.int("a step", 1, maxCoord)
	}
	return r
}

// region reads "at x LO..HI y LO..HI".
func (p *parser) region() (r Region) {
	p.expect("at")
	p.expect("x")
	r.X = p.rng()
	p.expect("y")
	r.Y = p.rng()
	return r
}

func (p *parser) color() int { return p.int("a color", 0, 255) }

func (p *parser) directive() Directive {
	switch word := p.ident("a directive"); word {
	case "launch":
		d := Directive{Kind: DoLaunch}
		for p.tok.kind == tNumber || p.is("-") {
			d.Args = append(d.Args, int32(p.int("an argument", math.MinInt32, math.MaxInt32)))
		}
		return d
	case "print":
		return Directive{Kind: DoPrint, Array: p.ident("an array"), Region: p.region()}
	default:
		d := Directive{Kind: DoInit, Array: p.ident("an array"), Region: p.region()}
		p.expect("=")
		d.Init = *p.init()
		if word == "expect" {
			d.Kind = DoExpect
			if p.accept("tol") {
				d.Tol = p.float("a tolerance")
			}
		}
		return d
	}
}

func (p *parser) init() *Init {
	switch p.oneOf("initial values", []string{"fill", "list", "affine"}) {
	case 0:
		return &Init{Kind: InitFill, C: p.float("a value")}
	case 1:
		in := &Init{Kind: InitList}
		p.expect("[")
		for !p.accept("]") {
			if len(in.Values) > 0 {
				p.expect(",")
			}
			in.Values = append(in.Values, p.float("a value"))
		}
		return in
	}
	in := &Init{Kind: InitAffine, C: p.float("a value")}
	for p.is("+") {
		p.advance()
		v := p.float("a coefficient")
		p.expect("*")
		switch p.oneOf("a coordinate", []string{"i", "px", "py"}) {
		case 0:
			in.I = v
		case 1:
			in.PX = v
		case 2:
			in.PY = v
		}
	}
	return in
}

func (p *parser) class() *Class {
	c := &Class{Name: p.ident("the class's name")}
	p.expect("{")
	for !p.accept("}") {
		switch {
		case p.is("at"):
			c.Regions = append(c.Regions, p.region())
		case p.accept("args"):
			for {
				c.Args = append(c.Args, p.ident("a register"))
				if !p.accept(",") {
					break
				}
			}
		case p.accept("param"):
			c.Params = append(c.Params, p.param())
		case p.accept("array"):
			c.Arrays = append(c.Arrays, p.array())
		case p.accept("queue"):
			c.Queues = append(c.Queues, p.queue())
		case p.accept("task"):
			c.Tasks = append(c.Tasks, p.task())
		case p.accept("fifo"):
			c.Arrays = append(c.Arrays, p.fifo())
		case p.accept("fn"):
			c.Funcs = append(c.Funcs, p.function())
		case p.accept("map"):
			c.Maps = append(c.Maps, p.mapFunc())
		case p.accept("entry"):
			c.Entry = p.ident("a task")
		default:
			p.errorf("expected at, args, param, array, fifo, queue, task, fn, map, entry or }, found %s", p.tok)
		}
	}
	return c
}

func (p *parser) i32(what string) int32 { return int32(p.int(what, math.MinInt32, math.MaxInt32)) }

// param reads "NAME = 3 + 1*px + 2*py"; terms may be left out.
func (p *parser) param() Param {
	q := Param{Name: p.ident("the param's name")}
	p.expect("=")
	q.Base = p.i32("a value")
	for p.accept("+") {
		v := p.i32("a coefficient")
		p.expect("*")
		if p.oneOf("a coordinate", []string{"px", "py"}) == 0 {
			q.PX = v
		} else {
			q.PY = v
		}
	}
	return q
}

// fifo reads `fifo NAME TYPE[LEN]`, with an address as arrays have, then `push TASK pop TASK`.
func (p *parser) fifo() *Array {
	a := p.array()
	a.Fifo = &Fifo{}
	if p.accept("push") {
		a.Fifo.Push = p.ident("a task")
	}
	if p.accept("pop") {
		a.Fifo.Pop = p.ident("a task")
	}
	return a
}

func (p *parser) array() *Array {
	a := &Array{Name: p.ident("the array's name"), Bank: -1, Addr: -1}
	a.Elem = Elem(p.oneOf("an element type", elemNames[:]))
	p.expect("[")
	a.Len = p.int("an array length", 0, 1<<24)
	p.expect("]")
	for {
		switch {
		case p.accept("align"):
			a.Align = p.int("an alignment", 1, 1<<16)
		case p.accept("bank"):
			a.Bank = p.int("a bank", 0, 255)
		case p.accept("addr"):
			a.Addr = p.int("an address", 0, 1<<24)
		case p.accept("export"):
			a.Export = true
		case p.accept("="):
			a.Init = p.init()
			return a
		default:
			return a
		}
	}
}

func (p *parser) queue() Queue {
	q := Queue{Name: p.ident("the queue's name")}
	q.Out = p.oneOf("a direction", []string{"in", "out"}) == 1
	q.ID = p.int("a queue id", 0, 255)
	q.Colors = p.colorsAt()
	return q
}
