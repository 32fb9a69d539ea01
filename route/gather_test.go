package route

import (
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
)

func gathered(parts int) *mesh.Program {
	return collective.ReduceProgram(collective.Gathered(collective.Star("x", parts)), ir.F32, ir.Add, 3, true)
}

// A gather has one color, and a table in which a router does not turn, or to the wrong side, is found.
func TestGatherTables(t *testing.T) {
	p := gathered(9)
	table, err := Assign(p, fabric(24))
	if err != nil {
		t.Fatal(err)
	}
	turns := -1
	for i, e := range table.Entries {
		if e.Turns {
			turns = i
		}
	}
	if turns < 0 || len(table.Owner) != 2 {
		t.Fatalf("entries %v, colors %v", table.Entries, table.Owner)
	}
	if errs := Check(p, table); len(errs) > 0 {
		t.Fatal(errs)
	}
	for what, change := range map[string]func(e *Entry){
		"does not turn":    func(e *Entry) { e.Turns = false },
		"turns elsewhere":  func(e *Entry) { e.Then = West },
		"turns the others": func(e *Entry) { e.Rx, e.Then = e.Then, e.Rx },
	} {
		bad := *table
		bad.Entries = append([]Entry{}, table.Entries...)
		change(&bad.Entries[turns])
		if errs := Check(p, &bad); len(errs) == 0 {
			t.Errorf("a router that %s is not found", what)
		}
	}
}

// Members of a group that are alike are cut, with their messages: the verdict is that of the whole.
func TestGatherDeadlock(t *testing.T) {
	for _, parts := range []int{5, 30, 700} {
		p := gathered(parts)
		if v := Deadlock(p, 1); v.Kind != Free {
			t.Errorf("%d parts: %v", parts, v)
		}
		n, err := shorten(p)
		if err != nil || len(n.xs) > 30 {
			t.Errorf("%d parts: %d positions are left, %v", parts, len(n.xs), err)
		}
		// The members between the ends send twice: the second message has no turn.
		for i := range p.Classes {
			c := &p.Classes[i]
			if op := c.Funcs[0][0]; op.Dst.Kind == mesh.Chan && !op.Dst.Last && strings.HasSuffix(op.Dst.Name, "gather") {
				c.Funcs[0] = append([]mesh.Op{op}, c.Funcs[0]...)
			}
		}
		if v := Deadlock(p, 1); v.Kind != Deadlocks {
			t.Errorf("%d parts with a message too many: %v", parts, v)
		}
	}
}
