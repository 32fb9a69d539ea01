package runtime

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// adaptive is a program that keeps its time: t grows by dt, which doubles every step from 1/16 on up to 1/2, until t reaches the end 3
// (the last step is clipped). Every step u grows by dt. It looks at t.next. fail becomes nonzero when u exceeds limit.
const adaptive = `wfir 1
program adaptive
param limit = 100
param most = 1000
scalar limit { $0 = param f64 limit yield $0 }
scalar most { $0 = param f64 most yield $0 }
scalar two { $0 = const f64 2 yield $0 }
scalar T { $0 = const f64 0.5 yield $0 }
scalar one { $0 = const f64 1 yield $0 }
axis x 4 cells lo 0 h 1
array @u[x] f32
array @sum[x] f32 local
array @t[] f32
array @t.low[] f32
array @t.next[] f32
array @dt[] f32
array @stop[] bool
array @done[] i32
array @on[] bool
array @every[] f32
array @seen[] f32
array @due[] bool
array @fail[] bool
array @norms[x] f32
array @n[] i32
func init host {
  map %d f32 [] { box [] $0 = const f32 0.0625 yield $0 }
  map %T f32 [] { box [] $0 = const f32 0.4999 yield $0 }
  set @dt = %d
  set @t.next = %T
  set @every = %T
}
func advance {
  map %d f32, %t f32 [] {
    box []
      $0 = read f32 @dt[]
      $1 = read f32 @t[]
      $2 = const f32 3
      $3 = sub f32 $2, $1
      $4 = min f32 $0, $3
      $5 = add f32 $1, $4
      yield $4, $5
  }
  map %u f32 [x in x 0..4] { box [0..4] $0 = read f32 @u[x] $1 = read f32 %d[] $2 = add f32 $0, $1 yield $2 }
  map %grow f32, %stop bool, %done i32 [] {
    box []
      $0 = read f32 @dt[]
      $1 = add f32 $0, $0
      $2 = const f32 0.5
      $3 = min f32 $1, $2
      $4 = read f32 %t[]
      $5 = const f32 3
      $6 = le bool $5, $4
      $7 = read f32 @t.next[]
      $8 = le bool $7, $4
      $9 = or bool $6, $8
      $10 = cvt i32 $6
      yield $3, $9, $10
  }
  map %norms f32 [x in x 0..4] {
    box [0..4]
      $0 = index i32 x
      $1 = read i32 @n[]
      $2 = eq bool $0, $1
      $3 = read f32 %t[]
      $4 = read f32 @norms[x]
      $5 = select f32 $2, $3, $4
      yield $5
  }
  map %n i32, %fail bool [] {
    box []
      $0 = read i32 @n[]
      $1 = const i32 1
      $2 = add i32 $0, $1
      $3 = scalar f32 limit
      $4 = read f32 %t[]
      $5 = lt bool $3, $4
      yield $2, $5
  }
  set @u = %u
  set @t = %t
  set @dt = %grow
  set @stop = %stop
  set @done = %done
  set @norms = %norms
  set @n = %n
  set @fail = %fail
}
func look {
  map %m f32, %due bool, %next f32, %on bool [] {
    box []
      $0 = read f32 @t[]
      $1 = read f32 @every[]
      $2 = div f32 $0, $1
      $3 = floor f32 $2
      $4 = read f32 @seen[]
      $5 = lt bool $4, $3
      $6 = const f32 1
      $7 = add f32 $3, $6
      $8 = mul f32 $7, $1
      $9 = const f32 3
      $10 = lt bool $0, $9
      yield $3, $5, $8, $10
  }
  set @seen = %m
  set @due = %due
  set @t.next = %next
  set @on = %on
}
proc step until @stop { call advance if @stop { call look } }
failure @fail WF0605 "t is {t} of {limit}\nthat is too much" history @norms entries @n
run init count one
run step count most unit "s" clock (@t, @t.low) done @done next @t.next on @on due @due every @every of T
output (@u) seconds T as npy`

func parse(t *testing.T, src string) *ir.Program {
	t.Helper()
	p, err := ir.Parse("p.wfir", src)
	if err == nil {
		err = ir.VerifyCanonical(p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestClock(t *testing.T) {
	p := parse(t, adaptive)
	dir := t.TempDir()
	r := mustRun(t, p, Options{OutDir: dir})
	// t: 1/16, 3/16, 7/16, 15/16, 23/16, 31/16, 39/16, 47/16, 3.
	if r.Steps != 9 || r.Time != 3 || r.TimeUnit != "s" || r.Fields["u"].Max != 3 {
		t.Errorf("%d steps to %v %s, u = %v", r.Steps, r.Time, r.TimeUnit, r.Fields["u"].Max)
	}
	if _, ok := r.Fields["sum"]; ok {
		t.Error("scratch is a result")
	}
	// Multiples of 1/2 are reached at 15/16, 23/16, 31/16, 39/16, 47/16 and 3.
	files, _ := filepath.Glob(filepath.Join(dir, "u_*.npy"))
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "u_00000"), ".npy"))
	}
	if got := strings.Join(names, " "); got != "0 4 5 6 7 8 9" {
		t.Errorf("outputs after steps %s", got)
	}
	// Without outputs nothing stops the program, and it takes the same steps.
	if q := mustRun(t, p, Options{}); q.Steps != 9 || q.Time != 3 {
		t.Errorf("%d steps to %v", q.Steps, q.Time)
	}
}

func TestClockNotAtItsEnd(t *testing.T) {
	_, err := run(parse(t, adaptive), Options{Settings: Settings{"most": 5}})
	if err == nil || !strings.Contains(err.Error(), "WF0620") || !strings.Contains(err.Error(), "t = 1.4375 s") {
		t.Errorf("%v", err)
	}
}

func TestFailure(t *testing.T) {
	r, err := run(parse(t, adaptive), Options{Settings: Settings{"limit": 1.5}})
	if err == nil || r == nil || r.Steps > 9 {
		t.Fatalf("%+v, %v", r, err)
	}
	list, _ := err.(diag.List)
	text := err.Error() + strings.Join(list[0].Notes, "; ")
	for _, want := range []string{"WF0605", "t is ", " of 1.5", "that is too much", "the residuals of ", "0.0625, 0.188, 0.438, 0.938"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// Until ends a run without a clock, wherever the launches are cut.
func TestUntil(t *testing.T) {
	src := adaptive[:strings.Index(adaptive, "run init")] + "run init count one\nrun step count most\nrun step2 count two\nproc step2 { call advance }\noutput (@u) steps two as npy"
	dir := t.TempDir()
	p := parse(t, src)
	p.Probes = []ir.Probe{{Name: "u", Array: "u", At: []float64{1}, Steps: "two"}}
	p.Func("advance").Ops[2].Pieces[0].Body.Nodes[5].Imm = 1 // stop where t reaches 1
	p.Func("init").Ops[1].Pieces[0].Body.Nodes[0].Imm = math.Inf(1)
	r := mustRun(t, p, Options{OutDir: dir})
	if r.Steps != 7 { // 5 of step, 2 of step2
		t.Errorf("%d steps", r.Steps)
	}
	if _, err := os.Stat(filepath.Join(dir, "u_000006.npy")); err != nil {
		t.Error("no output after step 6, the first of the second run")
	}
	if s := r.Samples[len(r.Samples)-1]; s.Step != 7 || math.Abs(s.Value-(1.4375+1)) > 1e-6 {
		t.Errorf("%+v", s)
	}
}
