package llvm

import (
	"fmt"
	"io"
	"sort"
	"strings"
)

// Module is a compilation unit.
type Module struct {
	Funcs    []*Func
	declared map[string]func(Syntax) string // declarations of intrinsics by name
	loops    []*LoopMetadata
	streams  bool // has stores past the caches
}

// NewModule returns an empty module.
func NewModule() *Module { return &Module{declared: map[string]func(Syntax) string{}} }

// Merge makes one module of several. Internal functions of one name are the same function; other names must differ.
func Merge(ms []*Module) *Module {
	out := NewModule()
	seen := map[string]bool{}
	for _, m := range ms {
		for _, f := range m.Funcs {
			if f.Internal && seen[f.Name] {
				continue
			}
			seen[f.Name] = true
			out.Funcs = append(out.Funcs, f)
		}
		for n, d := range m.declared {
			out.declared[n] = d
		}
		out.loops = append(out.loops, m.loops...)
		out.streams = out.streams || m.streams
	}
	return out
}

// Func is a function definition. Attrs are printed after the parameter list.
type Func struct {
	Name     string
	Ret      Type
	Params   []*Param
	Blocks   []*Block
	Attrs    []string
	Internal bool // not visible outside the module

	mod    *Module
	nextID int
}

// NewFunc adds a function.
func (m *Module) NewFunc(name string, ret Type, params ...*Param) *Func {
	f := &Func{Name: name, Ret: ret, Params: params, mod: m}
	m.Funcs = append(m.Funcs, f)
	return f
}

// Block is a basic block: instructions and, last, one terminator.
type Block struct {
	Name  string
	Insts []*Inst
	f     *Func
}

// NewBlock adds a block; the name gets a number so that it is unique.
func (f *Func) NewBlock(name string) *Block {
	b := &Block{Name: fmt.Sprintf("%s%d", name, len(f.Blocks)), f: f}
	f.Blocks = append(f.Blocks, b)
	return b
}

// LoopMetadata is the llvm.loop attachment of a loop's back edge. It gets its number when a module with it is printed.
type LoopMetadata struct {
	id        int
	vectorize bool
	pairs     bool
}

// NewLoopMetadata adds the metadata of one loop. Vectorize asks the vectoriser to take the loop whatever its cost model says, pairs to compute
// two vectors side by side; otherwise nothing is asked for.
func (m *Module) NewLoopMetadata(vectorize, pairs bool) *LoopMetadata {
	l := &LoopMetadata{vectorize: vectorize, pairs: pairs}
	m.loops = append(m.loops, l)
	return l
}

// streamNode is the metadata of stores past the caches, pairsNode of loops of two vectors. Loops are numbered from 1 and never reach them.
const streamNode, pairsNode = "!1000000", "!1000001"

// Print writes the module as LLVM assembly.
func (m *Module) Print(w io.Writer, s Syntax) error {
	var b strings.Builder
	for i, l := range m.loops {
		l.id = 1 + i
	}
	for _, f := range m.Funcs {
		f.print(&b, s)
		b.WriteString("\n")
	}
	names := make([]string, 0, len(m.declared))
	for n := range m.declared {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		fmt.Fprintf(&b, "declare %s\n", m.declared[n](s))
	}
	if len(m.loops) > 0 {
		b.WriteString("!0 = !{!\"llvm.loop.vectorize.enable\", i1 true}\n")
	}
	pairs := false
	for _, l := range m.loops {
		asked := ""
		if l.vectorize {
			asked += ", !0"
		}
		if l.pairs {
			asked, pairs = asked+", "+pairsNode, true
		}
		fmt.Fprintf(&b, "!%d = distinct !{!%d%s}\n", l.id, l.id, asked)
	}
	if pairs {
		fmt.Fprintf(&b, "%s = !{!\"llvm.loop.interleave.count\", i32 2}\n", pairsNode)
	}
	if m.streams {
		fmt.Fprintf(&b, "%s = !{i32 1}\n", streamNode)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Text returns what Print writes.
func (m *Module) Text(s Syntax) string {
	var b strings.Builder
	m.Print(&b, s) // a strings.Builder does not fail
	return b.String()
}

// Text is the function alone, as Print writes it but for the numbers of its loops.
func (f *Func) Text(s Syntax) string {
	var b strings.Builder
	f.print(&b, s)
	return b.String()
}

func (f *Func) print(b *strings.Builder, s Syntax) {
	b.WriteString("define ")
	if f.Internal {
		b.WriteString("internal ")
	}
	fmt.Fprintf(b, "%s @%s(", f.Ret.text(s), f.Name)
	for i, p := range f.Params {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Typ.text(s))
		for _, a := range p.Attrs {
			b.WriteString(" " + a)
		}
		b.WriteString(" %" + p.Name)
	}
	b.WriteString(")")
	for _, a := range f.Attrs {
		b.WriteString(" " + a)
	}
	b.WriteString(" {\n")
	for _, blk := range f.Blocks {
		b.WriteString(blk.Name + ":\n")
		for _, in := range blk.Insts {
			b.WriteString("  " + in.text(s) + "\n")
		}
	}
	b.WriteString("}\n")
}
