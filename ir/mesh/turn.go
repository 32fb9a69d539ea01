package mesh

import "github.com/wfc-lang/wfc/ir"

// Piece is what a PE holds of a dimension: the points from Lo to Hi lie from place Slot of its block on. A piece of padding stands for no
// points; it is Hi-Lo places long.
type Piece struct {
	Lo, Hi, Slot int
	Pad          bool
}

// Pieces lists what the PE at (x, y) holds of dimension d of a symbol, which goes by layout l: its block.
//
// The blocks of a turned dimension are those of ir.Turn: the PE in parts p and q begins with the part of the dimension that has the block
// First(p, q), not with its own. Every block has as many places as the largest; what is over is filled with zeros, of a sign such that the
// products of two factors' padding are -0 (Symbol.Minus is true of one of them), which changes no sum by a bit.
func (p *Program) Pieces(s *Symbol, d int, l *Layout, x, y int) []Piece {
	pos := [3]int{X: x, Y: y}
	if l.Dim == Mem {
		return []Piece{{Hi: l.N}}
	}
	if s.Turn != d+1 {
		lo, hi := l.Block(l.Part(pos[l.Dim]))
		return []Piece{{Lo: lo, Hi: hi}}
	}
	t := ir.Turn{Parts: [2]int{p.W, p.H}}
	blocks := t.Blocks()
	each := blocks / l.Parts
	cut := ir.Cut{Parts: blocks}
	first := t.First(p.part(X, x), p.part(Y, y)) / each * each
	var out []Piece
	for i := range each {
		lo, hi := cut.Block(l.N, first+i)
		slot := i * cut.Most(l.N)
		out = append(out, Piece{Lo: lo, Hi: hi, Slot: slot})
		if n := cut.Most(l.N) - (hi - lo); n > 0 {
			out = append(out, Piece{Hi: n, Slot: slot + hi - lo, Pad: true})
		}
	}
	return out
}

// PadSign is the sign of a symbol's padding.
func PadSign(s *Symbol) float64 {
	if s.Minus {
		return -1
	}
	return 1
}

// turns reports whether a dimension that goes by l can be turned.
func (p *Program) turns(l *Layout) bool {
	side := [3]int{X: p.W, Y: p.H}[l.Dim]
	return l.Dim != Mem && l.Parts == side && ir.Cut{Parts: ir.Turn{Parts: [2]int{p.W, p.H}}.Blocks()}.Valid(l.N)
}

// part is the part of the layouts along a side that lies at a position.
func (p *Program) part(d Dim, pos int) int {
	for i := range p.Layouts {
		if l := &p.Layouts[i]; l.Dim == d && l.With == "" {
			return l.Part(pos)
		}
	}
	return 0
}
