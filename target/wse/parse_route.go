package wse

import "github.com/wfc-lang/wfc/internal/lattice"

// route reads `route color C at REGION rx PORT tx PORTS` and what a route can do besides.
func (p *parser) route() (r Route) {
	p.expect("color")
	r.Color = p.color()
	r.Region = p.region()
	p.expect("rx")
	r.Rx = p.port()
	p.expect("tx")
	r.Tx = p.ports()
	for {
		switch {
		case p.switchWord(&r):
		case p.accept("teardown"):
			r.Teardown = true
		case p.accept("filter"):
			r.Filter = p.filter()
		default:
			return r
		}
	}
}

// reroute reads the statement after its first word.
func (p *parser) reroute() *Reroute {
	p.expect("color")
	r := Route{Color: p.color()}
	p.expect("rx")
	r.Rx = p.port()
	p.expect("tx")
	r.Tx = p.ports()
	for p.switchWord(&r) {
	}
	return &Reroute{Color: r.Color, Rx: r.Rx, Tx: r.Tx, Switch: r.Switch}
}

// switchWord reads a word of a route that makes it switch.
func (p *parser) switchWord(r *Route) bool {
	sw := func() *Switch {
		if r.Switch == nil {
			r.Switch = &Switch{}
		}
		return r.Switch
	}
	switch {
	case p.accept("pos"):
		next := r.At(r.Positions() - 1) // what is not named keeps its value
		rx := p.accept("rx")
		if rx {
			next.Rx = p.port()
		}
		if p.accept("tx") {
			next.Tx = p.ports()
		} else if !rx {
			p.errorf("expected rx or tx, found %s", p.tok)
		}
		sw().Pos = append(sw().Pos, next)
	case p.accept("start"):
		sw().Start = p.int("a position", 0, 255)
	case p.accept("ring"):
		sw().Ring = true
	case p.accept("pop"):
		sw().Pop = PopMode(p.oneOf("a pop mode", popNames[:]))
	default:
		return false
	}
	return true
}

func (p *parser) port() Dir { return Dir(p.oneOf("a port", lattice.DirNames)) }

func (p *parser) ports() (s DirSet) {
	for {
		s |= 1 << p.port()
		if !p.accept(",") {
			return s
		}
	}
}

func (p *parser) filter() *Filter {
	const word = 1<<16 - 1
	if p.oneOf("a filter", []string{"range", "counter"}) == 0 {
		return &Filter{Lo: p.int("the lowest index", 0, word), Hi: p.int("the highest index", 0, word)}
	}
	f := &Filter{Kind: FilterCounter}
	p.expect("init")
	f.Init = p.int("a count", 0, word)
	p.expect("max")
	f.Max = p.int("a count", 0, word)
	p.expect("limit")
	f.Limit = p.int("a count", 0, word)
	return f
}

// colorsAt reads `color 3`, or `color 3 at REGION, 4 at REGION`.
func (p *parser) colorsAt() (out []ColorAt) {
	p.expect("color")
	for {
		c := ColorAt{Color: p.color(), Region: Everywhere}
		if p.is("at") {
			c.Region = p.region()
		}
		out = append(out, c)
		if !p.accept(",") {
			return out
		}
	}
}

// command reads `cmd(advance, reset task 5 data 7)` after the parenthesis: the value of a control wavelet.
func (p *parser) command() uint32 {
	task, data := -1, 0
	var cmds []Command
	for !p.accept(")") {
		switch {
		case p.accept("task"):
			task = p.int("a control task", 0, 63)
		case p.accept("data"):
			data = p.int("16 bits", 0, 1<<16-1)
		default:
			if len(cmds) == MaxCommands {
				p.errorf("a control wavelet carries %d commands", MaxCommands)
			}
			cmds = append(cmds, Command(p.oneOf("a command", cmdNames[:])))
			p.accept(",")
		}
	}
	return ControlWord(task, uint16(data), cmds...)
}
