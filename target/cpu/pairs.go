package cpu

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// A sum of bf16 products ([ir.Pairs]) is a matrix product in tiles as the processor's tile registers hold them (Intel AMX): 16 rows of 16
// words, a word two terms of the sum in bf16, the even one in its lower half. Both factors are packed into such tiles, that of a row by row
// and that of b pair by pair, rounded on the way, with +0 for what is missing; so one instruction is a block of 32 terms of 16 x 16 sums.
// Where a processor has no tiles the same packed words are multiplied by vector instructions that flush subnormal numbers, or by plain ones
// and a selection ([dotKind]).
const (
	tileSide  = 16                  // rows of a tile, and words of a row
	tileWords = tileSide * tileSide // of four bytes
	tileTerms = 2 * tileSide        // terms of the sum in a tile
)

// tiled is a product of two factors in tiles.
type tiled struct{ *contraction }

// newPairs recognises one, or returns nil.
func newPairs(op *ir.Op) *tiled {
	if op.Order.Kind != ir.Pairs {
		return nil
	}
	c := factors(op)
	if c == nil || c.elem != ir.F32 {
		return nil
	}
	return &tiled{c}
}

// terms is the number of tiles along the sum.
func (p *tiled) blocks() int { return (p.k + tileTerms - 1) / tileTerms }

func (p *tiled) columns() int { return p.extent(p.n) }

// tiles is how many tiles lie side by side along n rows or columns: one, or pairs of them.
func tiles(n int) int {
	if n <= tileSide {
		return 1
	}
	return roundUp(n, 2*tileSide) / tileSide
}

// side is the product's side along which a factor has its tiles: its dimension, -1 if it has none, and the number of rows or columns.
func (p *tiled) side(which int) (f *factor, dim, n int) {
	if which == 0 {
		return &p.a, p.m, p.rows()
	}
	return &p.b, p.n, p.columns()
}

// packedWords is the storage of one packed factor.
func (p *tiled) packedWords(which int) int {
	_, _, n := p.side(which)
	return tiles(n) * p.blocks() * tileWords
}

// scratch is the memory for packed a and packed b.
func (p *tiled) scratch() []passes.Need {
	var need []passes.Need
	for which := range 2 {
		f, _, _ := p.side(which)
		need = append(need, passes.Need{Elem: ir.I32, N: p.packedWords(which) * p.count(p.outerOf(f))})
	}
	return need
}

// dotKind is how a processor sums bf16 products.
type dotKind uint8

const (
	dotTiles  dotKind = iota // tile registers
	dotFlush                 // vectors, with subnormal numbers counted as zero by the processor's mode
	dotSelect                // vectors, and a selection after every operation
)

// forceDots is another kind than this processor's best, for tests.
var forceDots *dotKind

func dots() dotKind {
	switch {
	case forceDots != nil:
		return *forceDots
	case native.HasFeature("amx_tile") && native.HasFeature("amx_bf16") && native.TilesAllowed():
		return dotTiles
	case native.HasFeature("fma"): // of x86: what it takes for subnormal is what the order says, after rounding
		return dotFlush
	}
	return dotSelect
}
