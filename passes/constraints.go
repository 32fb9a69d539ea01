package passes

import "fmt"

// Constraint says that one pass runs before another, and why.
type Constraint struct{ Before, After, Reason string }

// Constraints is what the order of [Table] must obey.
var Constraints = []Constraint{
	{"discretise", "ghosts", "only reads tell how far an array is read beyond its walls"},
	{"discretise", "hoist", "coefficients inside derivatives are evaluated at shifted points before they become data"},
	{"discretise", "fold", "coefficients are collected from the constants as written, not after rounding"},
	{"ghosts", "fold", "boundary conditions bring constants of their own, most often zero"},
	{"ghosts", "hoist", "boundary conditions may depend on coordinates"},
	{"ghosts", "scratch", "the conditions of a stage value are those of the array it is set to"},
	{"scratch", "dce", "what only such an array needed goes"},
	{"fold", "hoist", "a coordinate times zero is no data"},
	{"hoist", "uniform", "what does not change in time is data, not a value of each step"},
	{"uniform", "expand", "a function is recognised before it becomes arithmetic"},
	{"ghosts", "uniform", "boundary conditions bring most functions of time, one copy for every ghost layer"},
	{"hoist", "expand", "functions of coordinates are evaluated once in f64, not expanded"},
	{"fold", "expand", "a constant exponent chooses the expansion of pow"},
	{"expand", "cse", "expansions of related functions share their range reduction"},
	{"cse", "fuse", "a value computed twice has two producers and cannot move into one consumer"},
	{"fuse", "dce", "fusion leaves dead producers behind"},
	{"cse", "dce", "equal values leave dead copies behind"},
}

func init() {
	if err := checkOrder(Table, Constraints); err != nil {
		panic(err)
	}
}

func checkOrder(table []Pass, cs []Constraint) error {
	seen := map[string]bool{}
	for i, p := range table {
		if p.Run == nil || p.Doc == "" {
			return fmt.Errorf("pass table: pass %d (%q) is incomplete", i, p.Name)
		}
		if seen[p.Name] {
			return fmt.Errorf("pass table: %q occurs twice", p.Name)
		}
		seen[p.Name] = true
		if i > 0 && p.Level < table[i-1].Level {
			return fmt.Errorf("pass table: %q works on a level that %q has left", p.Name, table[i-1].Name)
		}
	}
	for _, c := range cs {
		b, a := find(table, c.Before), find(table, c.After)
		if b < 0 || a < 0 {
			return fmt.Errorf("pass table: constraint %q before %q names no pass", c.Before, c.After)
		}
		if c.Reason == "" {
			return fmt.Errorf("pass table: constraint %q before %q has no reason", c.Before, c.After)
		}
		if b >= a {
			return fmt.Errorf("pass table: %q must run before %q: %s", c.Before, c.After, c.Reason)
		}
	}
	return nil
}

func find(table []Pass, name string) int {
	for i := range table {
		if table[i].Name == name {
			return i
		}
	}
	return -1
}
