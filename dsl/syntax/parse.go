package syntax

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/wfc-lang/wfc/internal/diag"
)

// Limits that keep a hostile file from costing memory or stack. They are far
// beyond what a person writes.
const (
	MaxFileBytes = 1 << 20 // bytes of one file
	MaxDepth     = 200     // nested brackets, blocks and prefix operators
	MaxOperators = 10000   // operators of one statement
	MaxErrors    = 100     // errors after which reading stops
)

// program is the root production. Statements are read by a hook, because
// operator precedence, recovery and the wording of errors need code.
type program struct {
	Stmts []Stmt `parser:"@@*"`
}

// Parse reads a program. It always returns a File; statements that could not
// be read are Bad nodes in it, and the list says why. The list is sorted.
func Parse(name, src string) (*File, diag.List) {
	return ParseFile(diag.NewFile(name, src))
}

// ParseFile is Parse for a source that already is a diag.File.
func ParseFile(src *diag.File) (*File, diag.List) {
	p := &parser{file: src}
	out := &File{Loc: Loc{diag.Span{File: src, Start: 0, End: len(src.Text)}}}
	if len(src.Text) > MaxFileBytes {
		p.errs.Errorf("WF0110", diag.Span{File: src}, "the file has %d bytes; the limit is %d", len(src.Text), MaxFileBytes).
			Suggest("keep data in .npy files and read them with load(\"file.npy\")")
		return out, p.errs
	}
	lex, comments, err := scan(src)
	if err != nil {
		p.errs.Errorf("WF0105", diag.Span{File: src}, "the file cannot be split into tokens: %v", err).
			Suggest("save the file as UTF-8 text")
		return out, p.errs
	}
	p.comments = comments
	grammar, err := participle.Build[program](participle.Lexer(tokens), participle.ParseTypeWith(p.topStmt))
	if err == nil {
		var prog *program
		prog, err = grammar.ParseFromLexer(lex)
		if prog != nil {
			out.Stmts = prog.Stmts
		}
	}
	if err != nil && !p.stopped {
		p.errs.Errorf("WF0101", diag.Span{File: src}, "%v", err).Suggest("report this file to the authors of wfc")
	}
	out.Tail = p.takeComments(len(src.Text) + 1)
	return out, p.errs.Sorted()
}

// parser is the state of reading one file.
type parser struct {
	file     *diag.File
	lex      *lexer.PeekingLexer
	errs     diag.List
	comments []sourceComment
	nextCom  int
	prevEnd  int         // end of the last token taken
	paren    int         // open ( and [: newlines have no meaning inside
	brackets []diag.Span // where they were opened
	depth    int         // nesting, limited by MaxDepth
	ops      int         // operators of this statement, limited by MaxOperators
	names    []*Ident    // declared so far by this statement
	form     string      // how the statement being read is written, for messages
	stopped  bool        // too many errors
}

// bailout unwinds to the nearest entry after an error has been recorded.
type bailout struct{}

// fail records an error and leaves the statement.
func (p *parser) fail(d *diag.Diagnostic) {
	p.report(d)
	panic(bailout{})
}

// report records an error and goes on.
func (p *parser) report(d *diag.Diagnostic) {
	if p.stopped {
		return
	}
	p.errs.Add(d)
	if len(p.errs) >= MaxErrors {
		p.stopped = true
		p.errs.Errorf("WF0111", d.Primary, "more than %d errors; reading stops here", MaxErrors).
			Suggest("mend the first ones and run again: later errors often follow from earlier ones")
	}
}

// try runs f and says whether it came through without a bailout.
func (p *parser) try(f func()) (ok bool) {
	paren, depth, brackets := p.paren, p.depth, len(p.brackets)
	defer func() {
		if r := recover(); r != nil {
			if _, is := r.(bailout); !is {
				panic(r)
			}
			p.paren, p.depth, p.brackets, ok = paren, depth, p.brackets[:brackets], false
		}
	}()
	f()
	return true
}

// enter counts a level of nesting; callers leave with p.depth--.
func (p *parser) enter(at diag.Span) {
	if p.depth++; p.depth > MaxDepth {
		p.fail(diag.New("WF0109", at, "nested more than %d levels deep", MaxDepth).
			Suggest("give inner parts names with `let`"))
	}
}

// topStmt is the participle hook for a statement at top level.
func (p *parser) topStmt(lex *lexer.PeekingLexer) (Stmt, error) {
	p.lex = lex
	for !p.stopped {
		t := p.peek()
		switch {
		case t.EOF():
			return nil, participle.NextMatch
		case isSep(t):
			p.next()
		case t.Value == "}" && t.Type == tokOp:
			p.report(diag.New("WF0103", p.at(t), "this `}` closes nothing").Suggest("remove it, or open the block it should close"))
			p.next()
		default:
			return p.entry(p.stmt), nil
		}
	}
	for !p.peek().EOF() {
		p.next()
	}
	return nil, participle.NextMatch
}

// entry reads one statement or one entry of a block, with its trivia, up to
// and including its separator. After an error it returns a Bad node.
func (p *parser) entry(read func() Stmt) Stmt {
	first := *p.peek()
	lead := p.takeComments(first.Pos.Offset)
	blank := blankBefore(p.file.Text, first.Pos.Offset)
	names, form := p.names, p.form
	p.names, p.form, p.ops = nil, "", 0
	var n Stmt
	if !p.try(func() { n = read(); p.endOfEntry() }) {
		p.resync(first.Pos.Offset)
		n = &Bad{Loc: p.from(first.Pos.Offset), Names: p.names}
	}
	p.names, p.form = names, form
	tr := n.trivia()
	inner := p.takeComments(p.prevEnd)
	if len(inner) > 0 { // they move before the statement, and the space before it moves before them
		inner[0].Blank, blank = blank, false
	}
	for i := range inner[min(1, len(inner)):] {
		inner[i+1].Blank = false
	}
	tr.Lead = append(lead, inner...)
	tr.Blank = blank
	if p.isOp(";") {
		p.next()
	}
	tr.Trail = p.takeTrail()
	return n
}

// endOfStatement is what is expected after a statement or an entry.
const endOfStatement = "a new line or `;`"

// endOfEntry demands a separator or the end of the block.
func (p *parser) endOfEntry() {
	t := p.peek()
	if t.EOF() || isSep(t) || p.isOp("}") {
		return
	}
	p.unexpected(t, endOfStatement)
}

// resync skips to where the next statement may begin. A newline ends the
// broken one unless it stands in braces opened since.
func (p *parser) resync(start int) {
	t := p.peek()
	if t.Pos.Offset > start && p.firstOnLine(t) {
		return
	}
	braces := 0
	for ; !t.EOF(); t = p.peek() {
		switch {
		case p.isOp("{"):
			braces++
		case p.isOp("}"):
			if braces == 0 {
				return
			}
			braces--
		case isSep(t) && braces == 0:
			return
		}
		p.next()
	}
}

// braces reads `{ entry; entry }`.
func (p *parser) braces(what string, read func() Stmt, add func(Stmt)) Layout {
	var lay Layout
	p.skipNewlinesBefore("{")
	open := p.at(p.peek())
	p.expect("{", "`{` to open "+what)
	p.enter(open)
	paren := p.paren
	p.paren = 0
	column := p.indent(open.Start)
	line := p.lex.MakeCheckpoint() // before the last newline
	for {
		t := p.peek()
		switch {
		case t.Type == tokNewline:
			lay.Multi = true
			line = p.lex.MakeCheckpoint()
			p.next()
		case lay.Multi && p.beginsStatement(t) && p.indent(t.Pos.Offset) <= column && !p.ownWord(what, t.Value):
			// The block was not closed: end it here and read on, so that the rest of the file is not taken for its entries.
			at := diag.Span{File: p.file, Start: p.prevEnd, End: p.prevEnd}
			p.report(diag.New("WF0102", at, "the next statement begins inside %s", what).
				Labelled("expected `}`").With(open, "opened here").
				Suggest("close %s with `}`", what))
			p.lex.LoadCheckpoint(line)
			p.depth--
			p.paren = paren
			return lay
		case p.isOp(";"):
			p.next()
		case p.isOp("}"):
			lay.Tail = p.takeComments(t.Pos.Offset)
			p.next()
			p.depth--
			p.paren = paren
			return lay
		case t.EOF() || p.stopped:
			p.fail(diag.New("WF0102", p.at(t), "the file ends inside %s", what).
				Labelled("expected `}`").With(open, "opened here").
				Suggest("close %s with `}`", what))
		default:
			add(p.entry(read))
		}
	}
}

// ownWord says whether a word begins an entry of a block as well as a statement.
func (p *parser) ownWord(block, word string) bool {
	return block == evolveBody && word == "let" || controlBody(block) && controlWord(word) || ownModelWord(block, word)
}

// indent is the number of bytes of space before the first token of the line an offset lies on.
func (p *parser) indent(offset int) int {
	line := p.file.Text[:offset]
	line = p.file.Text[strings.LastIndexByte(line, '\n')+1:]
	return len(line) - len(strings.TrimLeft(line, " \t"))
}

// takeComments takes the comments that start before offset.
func (p *parser) takeComments(offset int) []Comment {
	var out []Comment
	for p.nextCom < len(p.comments) && p.comments[p.nextCom].start < offset {
		c := p.comments[p.nextCom]
		out = append(out, Comment{Text: c.text, Blank: c.blank})
		p.nextCom++
	}
	return out
}

// takeTrail takes the comment that follows the last token on its line.
func (p *parser) takeTrail() string {
	if p.nextCom >= len(p.comments) {
		return ""
	}
	c := p.comments[p.nextCom]
	for _, b := range []byte(p.file.Text[p.prevEnd:c.start]) {
		if b != ' ' && b != '\t' && b != '\r' {
			return ""
		}
	}
	p.nextCom++
	return c.text
}
