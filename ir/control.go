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

// Clock lets the program itself keep the time of a run (adaptive steps): the host reads Now and, before a launch, stores in Next the
// time at which it wants to look. The procedure's Until array becomes nonzero when that is reached, or when the run is over.
type Clock struct {
	Now  []string // rank-0 float arrays whose sum is the time; the largest first
	Next string   // rank-0 float array
	Done string   // rank-0 array, nonzero when the run is over
	End  string   // host scalar: the time at which it is over at the latest, "" when only a condition ends it
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
