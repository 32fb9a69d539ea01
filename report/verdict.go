package report

// Verdict says whether a program can deadlock on the machine, and which operations race. It is given twice: for the process network of
// the mesh, and for the machine program with the smallest queues and routers in the machine's range.
type Verdict struct {
	Network Answer   `json:"network"`
	Machine Answer   `json:"machine"`
	Races   []string `json:"races"`
	PEs     int      `json:"pes"` // executed, after cutting repetitions of the mesh
}

// Answer of one check.
type Answer struct {
	Kind   string   `json:"kind"`             // "free", "deadlocks", "undecided"; of machine code also Unbuilt
	Reason string   `json:"reason,omitempty"` // of "undecided"
	Detail []string `json:"detail,omitempty"` // who waits for whom, and the shortest schedule that gets there
}

// Unbuilt is the kind of an answer about machine code of a program that does not fit the machine and has none.
const Unbuilt = "none, the program does not fit"

// Text is the answer in one line.
func (a Answer) Text() string {
	if a.Reason == "" {
		return a.Kind
	}
	return a.Kind + " (" + a.Reason + ")"
}
