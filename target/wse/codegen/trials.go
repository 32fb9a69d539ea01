package codegen

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// maxTrials bounds the launches of one procedure in Trials.
const maxTrials = 256

// Trials are launches that decide for all whether a compiled program ends: two iterations of every function and procedure, loops twice,
// and as many launches as it takes to enter every arm of every branch. loaded is what the loads of the shared arrays (conditions and
// counts) give in each launch, in the order in which every PE makes them.
func Trials(p *mesh.Program) (launches, loaded [][]int32, shared []string) {
	for i, name := range p.Launches() {
		t := &trial{visits: map[*ir.Stmt]int{}}
		q := p.Proc(name)
		looks, clock := TableLooks(p, name), p.Clock(name)
		at := int32(0)
		if len(looks) > 0 { // the only one is between the first two iterations
			at = 1
		}
		if q == nil {
			if at > 0 {
				t.look(p, looks)
			}
			launches, loaded = append(launches, []int32{int32(i), 2, at, 0}), append(loaded, t.loads)
			continue
		}
		for n := 0; n == 0 || n < maxTrials && !t.covers(q.Body); n++ {
			t.loads = nil
			times := 1
			if n == 0 { // once, an iteration follows another
				times = 2
			}
			for k := range times {
				if k > 0 {
					if clock != nil {
						t.due(p, name)
					}
					if at > 0 {
						t.look(p, looks)
					}
				}
				t.body(q.Body)
				if clock != nil && k+1 < times { // all is due, and nothing else ends the launch
					t.loads = append(t.loads, 1, 1)
					for range p.Unseen(name) {
						t.loads = append(t.loads, 0)
					}
				} else if q.Until != "" {
					stop := int32(0)
					if k+1 == times && n%2 == 0 { // also when it would be the last anyway
						stop = 1
					}
					t.loads = append(t.loads, stop)
					if clock != nil && stop > 0 {
						t.loads = append(t.loads, 0)
					}
				}
			}
			first := at
			if times == 1 {
				first = 0
			}
			launches, loaded = append(launches, []int32{int32(i), int32(times), first, 0}), append(loaded, t.loads)
		}
	}
	for _, a := range p.Controls() {
		shared = append(shared, p.Symbol(a).Local)
	}
	if len(p.Looks) > 0 {
		shared = append(shared, LookTable)
	}
	for _, s := range p.Scalars {
		if s.Count {
			return launches, loaded, append(shared, ScalarArray(s.Elem))
		}
	}
	return launches, loaded, shared
}

// trial walks a procedure as main does.
type trial struct {
	visits map[*ir.Stmt]int // how often each statement was met
	loads  []int32
}

func (t *trial) body(body []ir.Stmt) {
	for i := range body {
		s := &body[i]
		// A loop runs twice when it is first met and once later, so that nested ones do not multiply.
		n, times := t.visits[s], 1
		t.visits[s]++
		if n == 0 {
			times = 2
		}
		switch s.Kind {
		case ir.If:
			if n%2 == 0 {
				t.loads = append(t.loads, 1)
				t.body(s.Body)
			} else {
				t.loads = append(t.loads, 0)
				t.body(s.Else)
			}
		case ir.Loop:
			t.loads = append(t.loads, int32(times))
			for range times {
				t.body(s.Body)
			}
		case ir.While:
			if s.Count != "" {
				t.loads = append(t.loads, int32(times)+1)
			}
			for range times {
				t.loads = append(t.loads, 1)
				t.body(s.Body)
			}
			t.loads = append(t.loads, 0)
		}
	}
}

// look adds the loads of a look of the table at which all that is in it is due, the last one.
func (t *trial) look(p *mesh.Program, looks []int) {
	for _, i := range looks {
		if LookStride(p) > 1 {
			t.loads = append(t.loads, 1)
		}
		t.calls(p, &p.Looks[i])
	}
	t.loads = append(t.loads, 1)
}

// due adds the loads of a look at which everything is due in a launch that keeps its own time.
func (t *trial) due(p *mesh.Program, launch string) {
	t.loads = append(t.loads, 1)
	for _, i := range p.LooksOf(launch) {
		if p.Looks[i].When != "" {
			t.loads = append(t.loads, 1)
			t.calls(p, &p.Looks[i])
		}
	}
}

func (t *trial) calls(p *mesh.Program, l *mesh.Look) {
	for _, c := range l.Calls {
		if q := p.Proc(c); q != nil {
			t.body(q.Body)
		}
	}
}

// covers reports whether both arms of every branch have been entered.
func (t *trial) covers(body []ir.Stmt) bool {
	ok := true
	ir.Walk(body, func(s *ir.Stmt) { ok = ok && (s.Kind != ir.If || t.visits[s] > 1) })
	return ok
}
