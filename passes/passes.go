// Package passes rewrites the index IR from what the language lowers to, to the canonical IR whose meaning in bits every target
// reproduces, and plans the storage of the result.
//
// The passes are a table ([Table]) run in order by [Run]. Each is a function over a whole program in a file of its own name:
//
//	discretise  derivatives become reads at offsets with one collected coefficient per access, summed in the order of sum.go
//	ghosts      reads beyond a wall become reads of arrays extended by their boundary conditions
//	scratch     local arrays that nothing reads go
//	fold        operations on constants are carried out
//	hoist       what depends on coordinates but not on time becomes data, computed once in f64
//	uniform     functions that are the same at every point are computed once
//	expand      exp, log, sin, cos, tanh and pow become arithmetic with a stated error bound
//	cse         equal values are computed once
//	fuse        maps over the same boxes become one map; producers move into their only consumer
//	dce         what nothing reads goes; operations take their canonical order
//
// Those up to expand define the bits, the last three preserve them, and none of the table knows a target. After the table,
// [Reuse] decides which values share storage; it changes no program. A back end that computes in one memory, as the CPU does, asks it.
//
// Bodies are rebuilt, never patched: a [builder] shares equal nodes and keeps arguments before uses, so a pass is a function from the
// old nodes to new ones.
package passes

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Keeps says what a pass preserves.
type Keeps uint8

const (
	// Bits: every value of every array is the same, bit for bit.
	Bits Keeps = iota
	// Tolerance: the same function up to discretisation and rounding; the pass defines the bits.
	Tolerance
)

// Level is where in the pipeline a pass runs.
type Level uint8

const (
	// Equations holds derivatives, coordinates and boundary conditions.
	Equations Level = iota
	// Index is index IR of reads, arithmetic and reductions.
	Index
)

// Pass is one line of the table.
type Pass struct {
	Name  string
	Doc   string
	Run   func(*ir.Program, *Config) error
	Keeps Keeps
	Level Level
}

// Config steers a run of the table. The zero value runs all passes silently.
type Config struct {
	PrintAfter string    // name of a pass, or "all", or ""
	Writer     io.Writer // where PrintAfter goes; nil discards it
	Verify     bool      // check every invariant of the IR after each pass
	File       *diag.File

	// Before, if not nil, is called before every pass: tests shuffle operations there.
	Before func(pass string, p *ir.Program)
	// Times, if not nil, collects the time of every pass.
	Times *[]Timing
}

// Timing is how long one pass took.
type Timing struct {
	Pass string
	Time time.Duration
	Ops  int // operations in the program afterwards
}

// Table is the pipeline in order. Its order obeys [Constraints]; init checks it.
var Table = []Pass{
	{"discretise", "replace derivatives by reads at offsets with one collected coefficient per access", discretise, Tolerance, Equations},
	{"ghosts", "extend arrays beyond walls by their boundary conditions; check every read's range", ghosts, Bits, Equations},
	{"scratch", "remove local arrays that nothing reads: stage values that had boundary conditions", scratch, Bits, Index},
	{"fold", "carry out operations on constants", fold, Bits, Index},
	{"hoist", "compute what depends on coordinates but not on time once, in f64, into constant arrays", hoist, Tolerance, Index},
	{"uniform", "compute functions that are the same at every point once", uniform, Bits, Index},
	{"expand", "expand exp, log, sin, cos, tanh and pow into arithmetic with a stated error bound", expand, Tolerance, Index},
	{"cse", "compute equal nodes and equal operations once", cse, Bits, Index},
	{"fuse", "join maps over the same boxes; move producers into their only consumer", fuse, Bits, Index},
	{"dce", "remove what nothing reads; put operations into canonical order", dce, Bits, Index},
}

// Names returns the names of the passes in order.
func Names() []string {
	var out []string
	for _, p := range Table {
		out = append(out, p.Name)
	}
	return out
}

// Run applies the table to p in place. The error of a pass that blames the user's program is a *diag.Diagnostic; a failed
// verification names the pass that broke the invariant.
func Run(p *ir.Program, cfg *Config) error {
	if cfg == nil {
		cfg = &Config{}
	}
	if cfg.PrintAfter != "" && cfg.PrintAfter != "all" && find(Table, cfg.PrintAfter) < 0 {
		return fmt.Errorf("there is no pass %q; passes are %v", cfg.PrintAfter, Names())
	}
	if cfg.Verify {
		if err := ir.Verify(p); err != nil {
			return fmt.Errorf("before the first pass: %w", err)
		}
	}
	for i := range Table {
		if err := runOne(p, cfg, &Table[i], i == len(Table)-1); err != nil {
			return err
		}
	}
	return nil
}

func runOne(p *ir.Program, cfg *Config, pass *Pass, last bool) error {
	if cfg.Before != nil {
		cfg.Before(pass.Name, p)
	}
	start := time.Now()
	if err := pass.Run(p, cfg); err != nil {
		var d *diag.Diagnostic
		if errors.As(err, &d) {
			return d
		}
		return fmt.Errorf("pass %s: %w", pass.Name, err)
	}
	if cfg.Times != nil {
		n := 0
		for i := range p.Funcs {
			n += len(p.Funcs[i].Ops)
		}
		*cfg.Times = append(*cfg.Times, Timing{pass.Name, time.Since(start), n})
	}
	if cfg.Verify {
		check := ir.Verify
		if last {
			check = ir.VerifyCanonical
		}
		if err := check(p); err != nil {
			return fmt.Errorf("after pass %s: %w", pass.Name, err)
		}
	}
	if cfg.Writer != nil && (cfg.PrintAfter == pass.Name || cfg.PrintAfter == "all") {
		if _, err := fmt.Fprintf(cfg.Writer, "// after %s\n%s\n", pass.Name, ir.Print(p)); err != nil {
			return fmt.Errorf("printing after pass %s: %w", pass.Name, err)
		}
	}
	return nil
}

// Canonical returns the canonical IR of p, which it leaves alone.
func Canonical(p *ir.Program) (*ir.Program, error) {
	c := p.Clone()
	if err := Run(c, &Config{Verify: true}); err != nil {
		return nil, err
	}
	return c, nil
}

// blame is an error at a place of the user's program.
func (cfg *Config) blame(code string, at ir.Pos, format string, args ...any) *diag.Diagnostic {
	return diag.New(code, cfg.span(at), format, args...)
}

func (cfg *Config) span(at ir.Pos) diag.Span {
	if cfg.File == nil || at == (ir.Pos{}) {
		return diag.Span{}
	}
	return diag.Span{File: cfg.File, Start: at.Start, End: at.End}
}
