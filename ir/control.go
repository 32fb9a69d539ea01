package ir

// Proc is a device procedure: structured control over straight-line functions. What it carries from one statement to the next are the
// arrays of the program. A [Run] executes a Proc like a Func, Count times; Until ends that early.
type Proc struct {
	Name string
	Body []Stmt
	// Until names a rank-0 array ("" for none): after an iteration of the procedure that leaves it nonzero no further one of the same
	// launch begins. Other statements than the host's set it back.
	Until string
	Pos   Pos
}

// StmtKind is what a statement of a procedure does.
type StmtKind uint8

// The statements. Call runs a function (or another procedure; no recursion) once. Loop runs Body Count times. While runs Body as long
// as Cond is nonzero, looking before each iteration, at most Count times when Count is given. If runs Body when Cond is nonzero, else Else.
const (
	Call StmtKind = iota
	Loop
	While
	If
)

func (k StmtKind) String() string { return [...]string{"call", "loop", "while", "if"}[k] }

// Stmt is one statement. Conditions are rank-0 arrays of the program (Bool or I32), so every PE that holds them takes the same branch.
type Stmt struct {
	Kind  StmtKind
	Func  string // Call
	Count string // Loop, While: host scalar, rounded to an integer
	Cond  string // While, If: array name
	Body  []Stmt
	Else  []Stmt
	Pos   Pos
}

// Clock lets the program itself keep the time of a run (adaptive steps). The procedure's Until array becomes nonzero when the run is over or
// has failed, and at every step at which something is Due, so that the host can look. The program finds these steps by itself, and goes on with
// the next ones: an engine that can show what is wanted need not end the launch.
type Clock struct {
	Now  []string // rank-0 float arrays whose sum is the time; the largest first
	Done string   // rank-0 array, nonzero when the run is over
	End  string   // host scalar: the time at which it is over at the latest, "" when only a condition ends it
	// Next is the time at which Until becomes nonzero, a rank-0 float array; On a rank-0 array that is nonzero when that is all that Until
	// says. Both are "" when nothing is Due.
	Next, On string
	Due      []Due
}

// Due is what is wanted again and again after an interval of time: at the first step at or after each multiple of it.
type Due struct {
	Seconds string // the interval: host scalar, as in Output
	Flag    string // rank-0 array; when Until is nonzero, it says whether this was such a step
	// Every is a rank-0 float array with the interval as the program compares times with it, see [Clock.Interval]. The host stores infinity
	// there when nobody looks.
	Every string
}

// Interval is T as multiples of it are compared with times of type e: a little shorter, so that a time that misses a multiple by the rounding
// of a few steps still counts as having reached it.
func (c *Clock) Interval(e Elem, T float64) float64 {
	slack := 0x1p-22
	if e == F64 {
		slack = 0x1p-50
	}
	return RoundTo(e, T-float64(slack*T)).F
}

// Never is a time that no run reaches, in a type of times.
const Never = 0x1p99

// Flags lists the arrays of a clock that decide whether a launch goes on.
func (c *Clock) Flags() []string {
	if c == nil || len(c.Due) == 0 {
		return nil
	}
	out := []string{c.On}
	for i := range c.Due {
		out = append(out, c.Due[i].Flag)
	}
	return out
}

// Arrays lists the arrays of a clock.
func (c *Clock) Arrays() []string {
	if c == nil {
		return nil
	}
	out := append([]string{c.Done}, c.Now...)
	if c.Next != "" {
		out = append(out, c.Next)
	}
	out = append(out, c.Flags()...)
	for i := range c.Due {
		out = append(out, c.Due[i].Every)
	}
	return out
}

// Failure ends a run with a diagnostic when, after a launch, the rank-0 array Array is nonzero.
type Failure struct {
	Array   string
	Code    string // diagnostic code
	Message string // may contain {name} of rank-0 arrays and host scalars
	History string // array of residuals to show, "" if none; Entries names the rank-0 array that counts its entries
	Entries string
	Pos     Pos
}

// Proc returns the procedure of that name, or nil.
func (p *Program) Proc(name string) *Proc {
	for i := range p.Procs {
		if p.Procs[i].Name == name {
			return &p.Procs[i]
		}
	}
	return nil
}

// Walk calls f for every statement of the tree, parents first.
func Walk(body []Stmt, f func(*Stmt)) {
	for i := range body {
		f(&body[i])
		Walk(body[i].Body, f)
		Walk(body[i].Else, f)
	}
}
