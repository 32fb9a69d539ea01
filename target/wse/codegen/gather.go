package codegen

import (
	"slices"

	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/wse"
)

// The streams of a gather (mesh.Gather) pass one color in turn. A member's last word turns its own router to what comes from behind. The last
// member of a group has nobody behind it: its words are followed by a command that no PE sees, which turns the router of every other
// member back, so that all stand as at the beginning and a message of the next round, which may wait there already, can go.

// gather marks a send on a gather and returns what follows it.
func (g *gen) gather(o *mesh.Op, w *wse.Op) []wse.Stmt {
	if o.Dst.Kind != mesh.Chan || !slices.ContainsFunc(g.p.Channels, func(c mesh.Channel) bool { return c.Name == o.Dst.Name && c.Kind == mesh.Gather }) {
		return nil
	}
	if !o.Dst.Last {
		w.Dst.AdvanceOwn = true
		return nil
	}
	end := wse.Fab(w.Dst.Queue, 1)
	end.Control = true
	word := wse.ControlWord(-1, 0, wse.CmdAdvance)
	return []wse.Stmt{&wse.Op{Code: wse.OpMov, Elem: wse.U32, UT: -1, Line: w.Line, Dst: end, Src: []wse.Operand{wse.ImmBits(word)}}}
}
