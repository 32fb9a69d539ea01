package cpu

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// The kernel that updates a field is made of vector instructions, whatever the program: 1-D, 2-D, 3-D, wide stencils, coupled fields. Nothing
// is fused.
func TestVectorised(t *testing.T) {
	add := map[string]string{"amd64": `v(add|sub)ps.*[yz]mm`, "arm64": `f(add|sub)\s+(v\d+\.4s|z\d+\.s)`}[runtime.GOARCH]
	mul := map[string]string{"amd64": `vmulps.*[yz]mm`, "arm64": `fmul\s+(v\d+\.4s|z\d+\.s)`}[runtime.GOARCH]
	if add == "" {
		t.Skip("no pattern for " + runtime.GOARCH)
	}
	// By how many vector instructions: at least one for every operation of the body.
	programs := map[string]*ir.Program{"written": heatProgram(ir.F32, 64, 64, 64)}
	for _, s := range sources {
		programs[s.name] = compile(t, s.text, 100)
	}
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		for name, p := range programs {
			pl, err := newPlan(p, false, -1)
			check(t, err)
			f := p.Func("step")
			op := &f.Ops[len(f.Ops)-1] // the update comes last in canonical order
			adds, muls := 0, 0
			body := &op.Pieces[0].Body
			for i, n := range body.Nodes {
				switch {
				case len(body.DependsOn(i)) == 0: // computed before the loop
				case n.Op == ir.Add || n.Op == ir.Sub:
					adds++
				case n.Op == ir.Mul:
					muls++
				}
			}
			launches := pl.funcs["step"].launches
			text := function(t, assembly(t, tc, pl), launches[len(launches)-1].sym+".body")
			if n := len(regexp.MustCompile(add).FindAllString(text, -1)); n < adds {
				t.Errorf("%s: %d vector additions (%s), the body has %d", name, n, add, adds)
			}
			if n := len(regexp.MustCompile(mul).FindAllString(text, -1)); n < muls {
				t.Errorf("%s: %d vector products (%s), the body has %d", name, n, mul, muls)
			}
			if f := regexp.MustCompile(`vfn?m(add|sub)\d*|fml[as]\s`).FindString(text); f != "" {
				t.Errorf("%s: a product was fused: %s", name, f)
			}
		}
	})
}

// function is the assembly of one function.
func function(t *testing.T, asm, name string) string {
	t.Helper()
	_, text, ok := strings.Cut(asm, "\n"+name+":")
	if !ok {
		t.Fatalf("no function %s in the assembly", name)
	}
	text, _, _ = strings.Cut(text, ".cfi_endproc")
	return text
}

// assembly is what LLVM makes of a plan's module, as text.
func assembly(t *testing.T, tc *native.Toolchain, pl *plan) string {
	t.Helper()
	dir := t.TempDir()
	ll, asm := filepath.Join(dir, "k.ll"), filepath.Join(dir, "k.s")
	check(t, os.WriteFile(ll, []byte(pl.units.Module().Text()), 0o644))
	cmds := tc.Commands(dir)
	if tc.Clang == "" {
		run(t, cmds[0])
		cmds = cmds[1:]
	}
	last := strings.NewReplacer("-filetype=obj", "-filetype=asm", "-shared", "-S", "k.so", "k.s", "k.o", "k.s")
	for i, arg := range cmds[0] {
		cmds[0][i] = last.Replace(arg)
	}
	run(t, cmds[0])
	s, err := os.ReadFile(asm)
	check(t, err)
	return string(s)
}
