package verdict

import (
	"fmt"
	"strings"
)

// Kind is the answer to: does every launch end?
type Kind uint8

// Verdicts.
const (
	Free      Kind = iota // every schedule ends
	Deadlocks             // no schedule ends: all PEs wait, wavelets are left over, or a rule of the machine is broken
	Undecided             // Reason says why
)

func (k Kind) String() string { return [...]string{"free", "deadlocks", "undecided"}[k] }

// Reason is why a verdict is Undecided. The list is closed.
type Reason uint8

// Reasons.
const (
	NoReason    Reason = iota
	ReasonData         // a branch or an address of control depends on a value that was received, loaded or computed
	ReasonArgs         // a branch depends on a launch argument that is not given
	ReasonLoop         // the execution exceeds maxSteps statements, or maxWavelets moved: maybe a loop without end
	ReasonState        // the order of tasks matters and there is more to look at than maxStates, maxCopies and maxWork allow
	ReasonTime         // some schedules end and some do not: timing decides
	ReasonSize         // the mesh does not repeat and has more than maxPEs PEs
	ReasonKind         // a construct whose effect on the order of wavelets is not modelled
)

// String is the name that documentation and reports use, empty for NoReason.
func (r Reason) String() string {
	return [...]string{"", "data", "arguments", "loop", "states", "timing", "size", "construct"}[r]
}

// Reasons lists all reasons with their meaning, for documentation.
func Reasons() [][2]string {
	return [][2]string{
		{ReasonData.String(), "a branch depends on a value that was received, loaded or computed, and its arms communicate"},
		{ReasonArgs.String(), "a branch depends on a launch argument that is not given"},
		{ReasonLoop.String(), fmt.Sprintf("a launch executes more than %d statements, and more than %d per PE looked at, or moves more than %d wavelets", maxSteps, maxStepsPE, maxMoves)},
		{ReasonState.String(), fmt.Sprintf("the order of tasks matters and there are more than %d states to look at, %d PEs in all of them, or %d statements and moves on the way", maxStates, maxCopies, maxWork)},
		{ReasonTime.String(), "some schedules end and some do not: timing decides"},
		{ReasonSize.String(), fmt.Sprintf("the mesh does not repeat and has more than %d PEs", maxPEs)},
		{ReasonKind.String(), "a construct whose effect on the order of wavelets is not modelled: rebinding a queue, a FIFO that activates tasks, rerouting what is not torn down, a teardown handler that does more than activate tasks, control wavelets or filtered words of unknown value, two output queues of one color"},
	}
}

// Verdict on a program.
type Verdict struct {
	Kind   Kind
	Reason Reason // Undecided
	Detail string // Undecided: where and what
	Launch int    // Deadlocks and Undecided: index of the launch
	Waits  []Wait // of the stuck state, PE by PE, row by row
	Circle []Wait // a circle of PEs that wait for each other, when there is one
	Steps  []Step // the shortest schedule that gets there
	Races  []Race
	// Deeper says that the program ends with the depths of the profile and is stuck with the smallest only.
	Deeper bool
	PEs    int // executed, after cutting repetitions
}

// Wait is a PE of a stuck state, or a wavelet nobody takes.
type Wait struct {
	X, Y     int
	Class    string
	Task     string
	Line     string // source line, or ""
	Op       string // the statement's text, or ""
	Queue    string
	Color    int // -1 = none
	Reason   string
	OnX, OnY int // the PE waited for, -1 = none
}

func (w Wait) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "PE (%d,%d)", w.X, w.Y)
	if w.Class != "" {
		b.WriteString(" class " + w.Class)
	}
	if w.Task != "" {
		b.WriteString(" task " + w.Task)
	}
	if at := place(w.Line, w.Op); at != "" {
		b.WriteString(" at " + at)
	}
	b.WriteString(" " + w.Reason)
	if w.OnX >= 0 {
		fmt.Fprintf(&b, ": waits for PE (%d,%d)", w.OnX, w.OnY)
	}
	return b.String()
}

// Step is one event of a schedule.
type Step struct {
	X, Y  int
	Class string
	Task  string
	Line  string
	Op    string
	What  string
}

func (s Step) String() string {
	out := fmt.Sprintf("PE (%d,%d) task %s", s.X, s.Y, s.Task)
	if at := place(s.Line, s.Op); at != "" {
		out += " at " + at
	}
	return out + " " + s.What
}

func place(line, op string) string {
	switch {
	case line == "":
		return op
	case op == "":
		return line
	}
	return line + " `" + op + "`"
}

// Race is a pair of statements of one class that no schedule orders.
type Race struct {
	Class         string
	X, Y          int    // a PE where it happens
	First, Second string // source lines, or texts of the statements: First is asynchronous and may still be under way
	What          string
}

func (r Race) String() string {
	return fmt.Sprintf("class %s: %s, and %s before its completion is waited for: %s", r.Class, r.First, r.Second, r.What)
}

// Summary is the verdict in one line.
func (v Verdict) Summary() string {
	switch v.Kind {
	case Free:
		return "free of deadlock"
	case Deadlocks:
		if v.Deeper {
			return "deadlocks with the smallest depths of queues and routers, not with those of the profile"
		}
		return "deadlocks"
	}
	return fmt.Sprintf("undecided (%s): %s", v.Reason, v.Detail)
}

// most lines of one list that String prints.
const shown = 16

// String is the verdict with all that supports it.
func (v Verdict) String() string {
	var b strings.Builder
	b.WriteString("verdict: " + v.Summary() + "\n")
	list := func(title string, n int, item func(int) string) {
		if n == 0 {
			return
		}
		b.WriteString(title + "\n")
		for i := 0; i < n; i++ {
			if i == shown {
				fmt.Fprintf(&b, "  ... and %d more\n", n-i)
				break
			}
			b.WriteString("  " + item(i) + "\n")
		}
	}
	switch {
	case len(v.Circle) > 0:
		list("a circle of PEs that wait for each other:", len(v.Circle), func(i int) string { return v.Circle[i].String() })
	default:
		list("stuck:", len(v.Waits), func(i int) string { return v.Waits[i].String() })
	}
	list("the shortest schedule that shows it:", len(v.Steps), func(i int) string { return fmt.Sprintf("%d. %v", i+1, v.Steps[i]) })
	if len(v.Races) == 0 {
		b.WriteString("races: none\n")
	}
	list("races:", len(v.Races), func(i int) string { return v.Races[i].String() })
	return b.String()
}
