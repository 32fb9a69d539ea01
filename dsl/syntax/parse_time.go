package syntax

import "github.com/wfc-lang/wfc/internal/diag"

// evolveBody names the block of an evolve in messages.
const evolveBody = "the body of `evolve`"

// evolve reads the time loop. When its head is broken the body is read all the
// same, so that one run reports the errors of both.
func (p *parser) evolve(start int) Stmt {
	p.next()
	e := &Evolve{}
	p.form = "a time loop is written `evolve t from 0 s to 60 s step auto { ... }` or `evolve n in 0 .. steps { ... }`"
	ok := p.try(func() { p.evolveHead(e) })
	if !ok {
		for t := p.peek(); !p.isOp("{"); t = p.peek() {
			if t.EOF() || isSep(t) || p.isOp("}") {
				panic(bailout{})
			}
			p.next()
		}
	}
	e.Body = p.block(evolveBody)
	e.Loc = p.from(start)
	if !ok {
		return &Bad{Loc: e.Loc}
	}
	return e
}

func (p *parser) evolveHead(e *Evolve) {
	e.Var = p.ident("a name for the time or the step, as in `evolve t from 0 to 1`")
	switch {
	case p.acceptWord("in"):
		e.Count = true
		e.From = p.expr()
		p.expect("..", "`..` and the number of steps")
		e.To = p.expr()
	case p.acceptWord("from"):
		e.From = p.expr()
		if p.acceptWord("to") {
			e.To = p.expr()
			break
		}
	default:
		p.unexpected(p.peek(), "`from` and the start time, or `in` and a range of steps")
	}
	for {
		p.skipNewlinesBefore("{")
		t := *p.peek()
		switch {
		case p.isOp("{") && (e.To != nil || e.Until != nil):
			return
		case p.isOp("{"):
			p.unexpected(&t, "`to` and the end time, or `until` and a condition")
		case p.acceptWord("step"):
			if e.Step != nil {
				p.duplicate("step", p.at(&t))
			}
			e.Step = p.step()
		case p.acceptWord("until"):
			if e.Until != nil {
				p.duplicate("until", p.at(&t))
			}
			p.until(e)
		case p.acceptWord("by"):
			if e.By != nil {
				p.duplicate("by", p.at(&t))
			}
			e.By = p.name()
		case p.acceptWord("order"):
			if e.Order != nil {
				p.duplicate("order", p.at(&t))
			}
			e.Order = p.expr()
		default:
			p.unexpected(&t, "`until`, `step`, `by`, `order` or `{`")
		}
	}
}

// until reads a condition. `steady(u, v; 1e-5, every 100)` is another way to
// write `steady(u, v, tol = 1e-5, every = 100)`.
func (p *parser) until(e *Evolve) {
	if t2 := p.peek2(); !p.isWord("steady") || t2.Type != tokOp || t2.Value != "(" {
		e.Until = p.expr()
		return
	}
	start := p.start()
	c := &Call{Func: p.ident("`steady`")}
	opened := p.open("(", "`(`")
	for !p.isOp(")") && !p.isOp(";") {
		c.Args = append(c.Args, p.arg())
		if !p.acceptOp(",") {
			break
		}
	}
	if p.acceptOp(";") {
		for {
			at, name := p.start(), "tol"
			if t2 := p.peek2(); p.isWord("every") && !(t2.Type == tokOp && t2.Value == "=") {
				p.next()
				name = "every"
			}
			a := &Arg{Name: &Ident{Name: name}, Value: p.expr()}
			a.Loc, a.Name.Loc = p.from(at), p.from(at)
			c.Args = append(c.Args, a)
			if !p.acceptOp(",") {
				break
			}
		}
	}
	p.close(")", opened)
	c.Loc = p.from(start)
	e.Until = c
}

// step reads what follows the word: `auto`, `auto(0.9)` or an expression.
func (p *parser) step() *Step {
	start := p.start()
	s := &Step{}
	v := p.expr()
	switch x := v.(type) {
	case *Ref:
		s.Auto = x.Name.Name == "auto" && !x.Prime && x.Index == nil
	case *Call:
		if x.Func.Name == "auto" {
			if len(x.Args) != 1 || x.Args[0].Name != nil {
				p.fail(diag.New("WF0101", x.At, "`auto` takes one safety factor").
					Suggest("write `step auto` or `step auto(0.9)`"))
			}
			s.Auto, s.Safety = true, x.Args[0].Value
		}
	}
	if !s.Auto {
		s.Value = v
	}
	s.Loc = p.from(start)
	return s
}

// block reads a braced list of statements.
func (p *parser) block(what string) *Block {
	start := p.start()
	b := &Block{}
	b.Layout = p.braces(what, p.stmt, func(s Stmt) { b.Stmts = append(b.Stmts, s) })
	b.Loc = p.from(start)
	return b
}

// solve reads `solve left = right for p' [with cond] [using method]`.
func (p *parser) solve(start int) Stmt {
	p.next()
	p.form = "a solve is written `solve left = right for p' using cg(tol = 1e-5)`"
	s := &Solve{Left: p.expr()}
	p.expect("=", "`=` and the right side of the equation to solve")
	p.skipNewlines()
	s.Right = p.expr()
	p.expectWord("for", "`for` and the unknown, as in `for T'`")
	for {
		at := p.start()
		s.For = append(s.For, p.refAfter(at, p.ident("the unknown")))
		if !p.comma() {
			break
		}
	}
	for {
		t := *p.peek()
		switch {
		case p.acceptWord("with"):
			s.With = append(s.With, p.cond())
			for p.comma() {
				s.With = append(s.With, p.cond())
			}
		case p.acceptWord("using"):
			if s.Using != nil {
				p.duplicate("using", p.at(&t))
			}
			s.Using = p.name()
		default:
			s.Loc = p.from(start)
			return s
		}
	}
}

// output reads `output T, U [every ..] [as vti, png(..)]`.
func (p *parser) output(start int) Stmt {
	p.next()
	p.form = "an output is written `output T, U every 1 s as vti, npy`, with `every 10 steps` or `at end` as well"
	o := &Output{Fields: p.idents("the name of a field after `output`")}
	o.When = p.schedule()
	if p.acceptWord("as") {
		for {
			o.Formats = append(o.Formats, p.format())
			if !p.comma() {
				break
			}
		}
	}
	if o.When == nil {
		o.When = p.schedule()
	}
	o.Loc = p.from(start)
	return o
}

// schedule reads `every EXPR [steps]` or `at end`, or returns nil.
func (p *parser) schedule() *Schedule {
	start := p.start()
	s := &Schedule{}
	switch {
	case p.acceptWord("every"):
		s.Value = p.expr()
		if p.acceptWord("steps") {
			s.Kind = EverySteps
		} else if p.isWord("step") {
			p.fail(diag.New("WF0101", p.at(p.peek()), "expected `steps`, found `step`").
				Replace(p.at(p.peek()), "steps", "write `every 1 steps`"))
		}
	case p.acceptWord("at"):
		s.Kind = AtEnd
		p.expectWord("end", "`end` after `at`")
	default:
		return nil
	}
	s.Loc = p.from(start)
	return s
}

// format reads `png(slice z = 0.25 m, map = "gray")`.
func (p *parser) format() *OutputFormat {
	start := p.start()
	f := &OutputFormat{Name: p.ident("a file format: npy, npz, vti, xdmf, png or gif")}
	if p.isOp("(") {
		opened := p.open("(", "`(`")
		for !p.isOp(")") {
			at := p.start()
			if t2 := p.peek2(); p.isWord("slice") && t2.Type == tokIdent {
				p.next()
				a := p.namedArg("an axis after `slice`")
				a.Loc = p.from(at)
				f.Slices = append(f.Slices, a)
			} else {
				f.Args = append(f.Args, p.arg())
			}
			if !p.acceptOp(",") {
				break
			}
		}
		p.close(")", opened)
	}
	f.Loc = p.from(start)
	return f
}

// namedArg reads `name = value`.
func (p *parser) namedArg(what string) *Arg {
	start := p.start()
	a := &Arg{Name: p.ident(what)}
	p.expect("=", "`=` after `"+a.Name.Name+"`")
	a.Value = p.expr()
	a.Loc = p.from(start)
	return a
}

// probe reads `probe name = T [at (x = 0.5)] [every 10 steps]`.
func (p *parser) probe(start int) Stmt {
	p.next()
	p.form = "a probe is written `probe name = T at (x = 0.5, y = 0.25) every 10 steps`"
	pr := &Probe{Name: p.declare(p.ident("a name after `probe`"))}
	p.expect("=", "`=` and what to probe")
	p.skipNewlines()
	pr.Value = p.expr()
	if t2 := p.peek2(); p.isWord("at") && t2.Type == tokOp {
		p.next()
		opened := p.open("(", "`(` and a point, as in `at (x = 0.5)`")
		pr.Point = []*Arg{p.namedArg("an axis")}
		for p.acceptOp(",") {
			pr.Point = append(pr.Point, p.namedArg("an axis"))
		}
		p.close(")", opened)
	}
	pr.When = p.schedule()
	pr.Loc = p.from(start)
	return pr
}

// monitor reads `monitor name = sum(T) [every 10 steps] [drift 1e-6]`.
func (p *parser) monitor(start int) Stmt {
	p.next()
	p.form = "a monitor is written `monitor mass = sum(rho) every 10 steps drift 1e-6`"
	m := &Probe{Name: p.declare(p.ident("a name after `monitor`")), Monitor: true}
	p.expect("=", "`=` and what to watch")
	p.skipNewlines()
	m.Value = p.expr()
	m.When = p.schedule()
	if p.acceptWord("drift") {
		m.Drift = p.expr()
	}
	m.Loc = p.from(start)
	return m
}
