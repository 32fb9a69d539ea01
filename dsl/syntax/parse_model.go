package syntax

import "github.com/wfc-lang/wfc/internal/diag"

// modelBody names the block of a model in messages.
const modelBody = "the body of `model`"

// Other blocks of the tensor language, by their names in messages.
const (
	layerBody     = "the body of `for`"
	fnBody        = "the body of `fn`"
	optimizerBody = "the body of `optimizer`"
	trainBody     = "the body of `train`"
)

// ownModelWord says whether a word begins an entry of a block as well as a statement of a file.
func ownModelWord(block, word string) bool {
	switch block {
	case modelBody, layerBody:
		return word == "let" || word == "dim" || word == "index" || word == "fn"
	case fnBody, optimizerBody:
		return word == "let"
	case trainBody:
		return word == "optimizer"
	}
	return false
}

// modelReader returns what reads a top-level statement of the tensor language, or nil.
func modelReader(word string) func(*parser, int) Stmt {
	switch word {
	case "model":
		return (*parser).model
	case "train":
		return (*parser).train
	case "preset":
		return (*parser).preset
	case "optimizer":
		return (*parser).optimizer
	case "parametrisation":
		return (*parser).rules
	}
	return nil
}

// tensorBlock reads a braced list of model statements.
func (p *parser) tensorBlock(what string) *Block {
	start := p.start()
	b := &Block{}
	b.Layout = p.braces(what, p.modelStmt, func(s Stmt) { b.Stmts = append(b.Stmts, s) })
	b.Loc = p.from(start)
	return b
}

// modelStmt reads a statement inside a model, a layer, a function or an optimizer.
func (p *parser) modelStmt() Stmt {
	t := p.peek()
	start := t.Pos.Offset
	if t.Type == tokIdent && p.peek2().Type == tokIdent {
		switch t.Value {
		case "weight":
			return p.weight(start)
		case "input":
			return p.input(start)
		case "for":
			return p.forLayers(start)
		case "using":
			p.next()
			p.form = "a rule table is chosen by `using mup(width = d/256, depth = 1)`"
			u := &Use{Rules: p.expr()}
			u.Loc = p.from(start)
			return u
		case "state":
			p.next()
			s := &StateDecl{Names: p.idents("the name of a state of the optimizer")}
			s.Loc = p.from(start)
			return s
		}
	}
	return p.stmt()
}

// params reads `(a, b = 2)`; needDefault demands a value for each.
func (p *parser) params(what string, needDefault bool) []*Arg {
	out := []*Arg{}
	opened := p.open("(", "`(` and the parameters of "+what)
	for !p.isOp(")") {
		start := p.start()
		a := &Arg{Name: p.ident("the name of a parameter")}
		if p.acceptOp("=") {
			a.Value = p.expr()
		} else if needDefault {
			p.unexpected(p.peek(), "`=` and the value of `"+a.Name.Name+"`")
		}
		a.Loc = p.from(start)
		out = append(out, a)
		if !p.acceptOp(",") {
			break
		}
	}
	p.close(")", opened)
	return out
}

func (p *parser) model(start int) Stmt {
	p.next()
	p.form = "a model is written `model gpt(d = 128, layers = 4) { ... }`"
	m := &Model{Name: p.declare(p.ident("a name after `model`"))}
	if p.isOp("(") {
		m.Params = p.params("`"+m.Name.Name+"`", true)
	}
	m.Body = p.tensorBlock(modelBody)
	m.Loc = p.from(start)
	return m
}

// weightItems reads `a[d, e], b`.
func (p *parser) weightItems(what string) []*WeightItem {
	var out []*WeightItem
	for {
		start := p.start()
		it := &WeightItem{Name: p.declare(p.ident(what))}
		if p.isOp("[") {
			it.Dims = p.indexNames()
		}
		it.Loc = p.from(start)
		out = append(out, it)
		if !p.comma() {
			return out
		}
	}
}

func (p *parser) weight(start int) Stmt {
	p.next()
	p.form = "a weight is written `weight w[d, f] ~ normal(0.02)`, perhaps with `as hidden` or `with decay = 0`"
	w := &Weight{Items: p.weightItems("the name of a weight")}
	for {
		t := *p.peek()
		switch {
		case p.isOp("~"):
			if w.Init != nil {
				p.duplicate("~", p.at(&t))
			}
			p.next()
			w.Init = p.expr()
		case p.acceptWord("as"):
			if w.Role != nil {
				p.duplicate("as", p.at(&t))
			}
			w.Role = p.ident("the role of the weights: embedding, hidden, bias, norm, output")
		case p.acceptWord("with"):
			if w.With != nil {
				p.duplicate("with", p.at(&t))
			}
			w.With = p.namedArgs("`lr = ..`, `decay = ..`, `eps = ..` or `forward = ..`")
		default:
			w.Loc = p.from(start)
			return w
		}
	}
}

// namedArgs reads `a = x, b = y`.
func (p *parser) namedArgs(what string) []*Arg {
	var out []*Arg
	for {
		start := p.start()
		a := &Arg{Name: p.ident(what)}
		p.expect("=", "`=` and the value of `"+a.Name.Name+"`")
		p.skipNewlines()
		a.Value = p.expr()
		a.Loc = p.from(start)
		out = append(out, a)
		if !p.comma() {
			return out
		}
	}
}

func (p *parser) input(start int) Stmt {
	p.next()
	p.form = "data are declared by `input tokens[s], next[s] in vocab`"
	in := &Input{Items: p.weightItems("the name of an input")}
	p.expectWord("in", "`in` and the dim whose indices these numbers are")
	in.Space = p.ident("the name of a dim")
	in.Loc = p.from(start)
	return in
}

func (p *parser) forLayers(start int) Stmt {
	p.next()
	p.form = "layers are written `for l in layers carrying x { ... x'[s,d] = ... }`"
	f := &For{Var: p.ident("the name of the layer's number")}
	p.expectWord("in", "`in` and the number of layers")
	f.Space = p.ident("the name of a dim")
	if p.acceptWord("carrying") {
		f.Carry = p.idents("the value that goes from layer to layer")
	}
	f.Body = p.tensorBlock(layerBody)
	f.Loc = p.from(start)
	return f
}

// anyFn reads a function of either half of the language.
func (p *parser) anyFn(start int) Stmt {
	if !p.tensorFnFollows() {
		return p.fn(start)
	}
	p.next()
	p.form = "a function over an index is written `fn softmax(x) over i { let e = exp(x); softmax = e/sum over i of e }`"
	f := &TensorFn{Name: p.declare(p.ident("a name after `fn`"))}
	f.Params = p.params("`"+f.Name.Name+"`", false)
	if p.acceptWord("over") {
		f.Over = p.idents("an index the function works along")
	}
	p.skipNewlinesBefore("{")
	if p.isOp("{") {
		f.Body = p.tensorBlock(fnBody)
	} else {
		p.expect("=", "`=` and the value of `"+f.Name.Name+"`, or `{`")
		p.skipNewlines()
		f.Value = p.expr()
	}
	f.Loc = p.from(start)
	return f
}

// tensorFnFollows looks past the parameters of a function: default values, `over` and braces belong to functions over indices.
func (p *parser) tensorFnFollows() bool {
	c, prevEnd := p.lex.MakeCheckpoint(), p.prevEnd
	defer func() { p.lex.LoadCheckpoint(c); p.prevEnd = prevEnd }()
	depth, first := 0, true
	for {
		t := p.lex.Next()
		switch {
		case t.EOF() || t.Type == tokNewline && depth == 0:
			return false
		case t.Type == tokOp && t.Value == "(":
			depth++
			first = false
		case t.Type == tokOp && t.Value == "=":
			return depth == 1
		case t.Type == tokOp && t.Value == ")":
			if depth--; depth > 0 {
				continue
			}
			n := p.lex.Peek()
			return !first && (n.Type == tokIdent && n.Value == "over" || n.Type == tokOp && n.Value == "{")
		}
	}
}

func (p *parser) rules(start int) Stmt {
	p.next()
	p.form = "a rule table is written `parametrisation mup(width) { hidden: init = 1/sqrt(width), lr = 1/width }`"
	r := &Rules{Name: p.declare(p.ident("a name after `parametrisation`"))}
	if p.isOp("(") {
		r.Params = p.params("`"+r.Name.Name+"`", false)
	}
	r.Layout = p.braces("the rules", func() Stmt {
		at := p.start()
		e := &Rule{Role: p.ident("a role: embedding, hidden, bias, norm, output, residual, attention")}
		p.expect(":", "`:` and the multipliers of this role")
		e.Values = p.namedArgs("`init = ..`, `lr = ..`, `decay = ..`, `eps = ..` or `forward = ..`")
		e.Loc = p.from(at)
		return e
	}, func(s Stmt) {
		if e, ok := s.(*Rule); ok {
			r.Entries = append(r.Entries, e)
		}
	})
	r.Loc = p.from(start)
	return r
}

func (p *parser) optimizer(start int) Stmt {
	p.next()
	p.form = "an optimizer is written `optimizer sgd(momentum = 0.9) { state m; m' = momentum*m + g; w' = w - lr*m' }`"
	o := &Optimizer{Name: p.declare(p.ident("a name after `optimizer`"))}
	if p.isOp("(") {
		o.Params = p.params("`"+o.Name.Name+"`", false)
	}
	o.Body = p.tensorBlock(optimizerBody)
	o.Loc = p.from(start)
	return o
}

func (p *parser) preset(start int) Stmt {
	p.next()
	p.form = "a preset is written `preset \"124m\" { d = 768, layers = 12 }`"
	if t := p.peek(); t.Type != tokString {
		p.unexpected(t, "the name of the preset, as a text")
	}
	s := &Preset{Name: p.text().(*String)}
	opened := p.open("{", "`{` and the values of the preset")
	for !p.isOp("}") {
		at := p.start()
		a := &Arg{Name: p.ident("the name of a param")}
		p.expect("=", "`=` and the value of `"+a.Name.Name+"`")
		a.Value = p.expr()
		a.Loc = p.from(at)
		s.Values = append(s.Values, a)
		if !p.acceptOp(",") && !p.acceptOp(";") && p.peek().Type != tokIdent {
			break
		}
	}
	p.close("}", opened)
	s.Loc = p.from(start)
	return s
}

func (p *parser) train(start int) Stmt {
	p.next()
	p.form = "training is written `train gpt on text { batch 16; tokens 20 per weight; optimizer adamw(lr = 1e-3) }`"
	t := &Train{Model: p.ident("the name of a model")}
	if p.acceptWord("on") {
		t.Data = p.ident("the kind of the data: bytes, chars, gpt2")
	}
	t.Body = p.trainBlock(trainBody)
	t.Loc = p.from(start)
	return t
}

func (p *parser) trainBlock(what string) *Block {
	start := p.start()
	b := &Block{}
	b.Layout = p.braces(what, p.trainEntry, func(s Stmt) { b.Stmts = append(b.Stmts, s) })
	b.Loc = p.from(start)
	return b
}

// trainWords are the words inside entries of a train block; other names there are values.
var trainWords = map[string]bool{"per": true, "weight": true, "then": true, "to": true, "linear": true, "cosine": true, "constant": true,
	"over": true, "every": true, "steps": true, "for": true, "batches": true, "sequences": true, "warmup": true, "tokens": true,
	"from": true, "after": true, "data": true}

// wantsValue says whether a value stands next in an entry, so that a word there is a name: `steps steps` with a param of that name.
func (e *TrainEntry) wantsValue(word string) bool {
	if len(e.Parts) == 0 {
		switch word {
		case "warmup", "linear", "cosine", "constant", "every":
			return false
		}
		return true
	}
	last := e.Parts[len(e.Parts)-1]
	if last.Word == nil {
		return false
	}
	switch last.Word.Name {
	case "warmup", "to", "over", "every", "for", "data":
		return true
	}
	return false
}

func (p *parser) trainEntry() Stmt {
	p.form = "an entry is a word and its values, as in `batch 16` or `schedule warmup 10% then linear to 0`"
	start := p.start()
	e := &TrainEntry{Word: p.ident("an entry such as batch, tokens, optimizer, schedule")}
	for {
		t := *p.peek()
		at := t.Pos.Offset
		part := &TrainPart{}
		switch {
		case t.EOF() || isSep(&t) || p.isOp("}"):
			if len(e.Parts) == 0 {
				p.unexpected(&t, "the value of `"+e.Word.Name+"`")
			}
			e.Loc = p.from(start)
			return e
		case p.isOp("{"):
			e.Body = p.trainBlock("the body of `" + e.Word.Name + "`")
			e.Loc = p.from(start)
			return e
		case t.Type == tokIdent && trainWords[t.Value] && !e.wantsValue(t.Value) && p.peek2().Value != "(" && p.peek2().Value != "*" && p.peek2().Value != "/":
			part.Word = p.ident("a word")
		case t.Type == tokIdent && p.peek2().Type == tokIdent: // a name before a word: `to low over 20%` is no reduction
			part.Value = &Ref{Name: p.ident("a value"), Loc: p.from(at)}
		default:
			part.Value = p.expr()
			part.Percent = p.acceptOp("%")
		}
		part.Loc = p.from(at)
		e.Parts = append(e.Parts, part)
	}
}

// namedInParens says whether a parenthesis follows that holds arguments by name, as in `of (x, eps = 1e-6)`.
func (p *parser) namedInParens() bool {
	if !p.isOp("(") {
		return false
	}
	c, prevEnd := p.lex.MakeCheckpoint(), p.prevEnd
	defer func() { p.lex.LoadCheckpoint(c); p.prevEnd = prevEnd }()
	depth, start := 0, false // start: at the start of an argument
	for {
		t := p.lex.Next()
		switch {
		case t.EOF():
			return false
		case t.Type == tokNewline:
			continue
		case t.Type == tokIdent && start && depth == 1:
			if n := p.lex.Peek(); n.Type == tokOp && n.Value == "=" {
				return true
			}
		case t.Type == tokOp && (t.Value == "(" || t.Value == "["):
			depth++
		case t.Type == tokOp && (t.Value == ")" || t.Value == "]"):
			if depth--; depth == 0 {
				return false
			}
		}
		start = t.Type == tokOp && (t.Value == "(" || t.Value == ",")
	}
}

// reduceArgs reads `(q, k, scale = 2)`: the first value is the body, the others are arguments.
func (p *parser) reduceArgs(r *Reduce) {
	start := p.start()
	args := p.args("(", ")")
	if len(args) == 0 || args[0].Name != nil {
		p.fail(diag.New("WF0101", p.from(start).At, "a function over an index takes its first value without a name").
			Suggest("write the value before the named ones"))
	}
	r.Body, r.Args = args[0].Value, args[1:]
}
