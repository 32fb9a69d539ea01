package llvm

import (
	"fmt"
	"slices"

	"github.com/llir/llvm/ir"
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/metadata"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
)

// Module is a compilation unit: declarations of intrinsics, then functions.
type Module struct{ *ir.Module }

// NewModule returns an empty module.
func NewModule() *Module { return &Module{ir.NewModule()} }

// Merge makes one module of several. Declarations and internal functions of one name are the same function; other names must differ.
func Merge(ms []*Module) *Module {
	out := NewModule()
	seen := map[string]bool{}
	for _, m := range ms {
		for _, f := range m.Funcs {
			if len(f.Blocks) == 0 || f.Linkage == enum.LinkageInternal {
				if seen[f.GlobalName] {
					continue
				}
				seen[f.GlobalName] = true
			}
			out.Funcs = append(out.Funcs, f)
		}
		out.MetadataDefs = append(out.MetadataDefs, m.MetadataDefs...)
	}
	return out
}

// Text is the module as LLVM assembly. It numbers the loops of the module anew.
func (m *Module) Text() string {
	for i, d := range m.MetadataDefs {
		d.SetID(int64(i))
	}
	return m.String()
}

// Vectorize asks the vectoriser to take the loop whose back edge is given, whatever its cost model says; pairs, to compute two vectors side by
// side.
func (m *Module) Vectorize(back *ir.TermCondBr, pairs bool) {
	loop := &metadata.Tuple{Distinct: true}
	loop.Fields = []metadata.Field{loop, hint("llvm.loop.vectorize.enable", constant.True)}
	if pairs {
		loop.Fields = append(loop.Fields, hint("llvm.loop.interleave.count", constant.NewInt(types.I32, 2)))
	}
	m.MetadataDefs = append(m.MetadataDefs, loop)
	back.Metadata = append(back.Metadata, &metadata.Attachment{Name: "llvm.loop", Node: loop})
}

func hint(name string, v constant.Constant) *metadata.Tuple {
	return &metadata.Tuple{MetadataID: -1, Fields: []metadata.Field{&metadata.String{Value: name}, v}}
}

// Func is a function.
type Func struct{ *ir.Func }

// NewFunc adds a function. Nothing that is built here unwinds the stack.
func (m *Module) NewFunc(name string, ret types.Type, params ...*Param) *Func {
	f := m.Module.NewFunc(name, ret, params...)
	f.FuncAttrs = []ir.FuncAttribute{enum.FuncAttrNoUnwind}
	return &Func{f}
}

// Vectorise prepares a function for loops of vectors, of 512 bits where the processor has them. LLVM aligns what it spills to 16 bytes, unless the
// stack is realigned: vectors would lie across lines, and where one lies across pages a kernel takes six times as long.
func (f *Func) Vectorise() {
	f.FuncAttrs = append(f.FuncAttrs, enum.FuncAttrNoInline, ir.AttrPair{Key: "prefer-vector-width", Value: "512"}, ir.AttrString("stackrealign"))
}

// NewBlock adds a block; the name gets a number so that it is unique.
func (f *Func) NewBlock(name string) *Block {
	return &Block{f.Func.NewBlock(fmt.Sprintf("%s%d", name, len(f.Blocks)))}
}

// NewAlloca reserves stack memory for one t, aligned to 64 bytes, at the beginning of the first block.
func (f *Func) NewAlloca(t types.Type) value.Value {
	a := ir.NewAlloca(t)
	a.Align = 64
	entry := f.Blocks[0]
	entry.Insts = slices.Insert(entry.Insts, 0, ir.Instruction(a))
	return a
}

// Param is a function parameter.
type Param = ir.Param

// Attribute is one of a parameter: those of llir's package enum, or Align.
type Attribute = ir.ParamAttribute

// Align is the alignment of what a parameter points to, in bytes.
type Align = ir.Align

// NewParam returns a parameter.
func NewParam(name string, t types.Type, attrs ...Attribute) *Param {
	p := ir.NewParam(name, t)
	p.Attrs = attrs
	return p
}
