package control

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// grid writes programs on a box with Dirichlet walls as text.
type grid struct {
	b          strings.Builder
	nx, ny, nz int
}

func (g *grid) f(format string, args ...any) { fmt.Fprintf(&g.b, format+"\n", args...) }

func (g *grid) dom() string {
	return fmt.Sprintf("[x in x 0..%d, y in y 0..%d, z in z 0..%d]", g.nx, g.ny, g.nz)
}
func (g *grid) box() string { return fmt.Sprintf("box [0..%d, 0..%d, 0..%d]", g.nx, g.ny, g.nz) }

// field writes a pointwise map.
func (g *grid) field(name string, body ...string) {
	g.f("map %%%s f32 %s {\n%s", name, g.dom(), g.box())
	g.lines(body)
}

func (g *grid) lines(body []string) {
	for i, l := range body {
		g.f("$%d = %s", i, l)
	}
	g.f("yield $%d\n}", len(body)-1)
}

// scalar writes a map without axes.
func (g *grid) scalar(name, elem string, body ...string) {
	g.f("map %%%s %s [] {\nbox []", name, elem)
	g.lines(body)
}

// dot writes a dot product by fused multiply-add.
func (g *grid) dot(name, a, b string) {
	g.f("reduce %%%s f32 [] over %s sum fma order seq {\n%s", name, g.dom(), g.box())
	g.lines([]string{"read f32 " + a + "[x, y, z]", "read f32 " + b + "[x, y, z]", "mul f32 $0, $1"})
}

// apply writes res = v - c * laplacian(v) with v = 0 outside.
func (g *grid) apply(res, v string) {
	n := []int{g.nx, g.ny, g.nz}
	lo, hi := []int{0, 0, 0}, append([]int{}, n...)
	from := v
	for d, ax := range []string{"x", "y", "z"} {
		lo[d], hi[d] = -1, n[d]+1
		to := fmt.Sprintf("%%%s.%s", res, ax)
		g.f("extend %s f32 [x in x %d..%d, y in y %d..%d, z in z %d..%d] from %s {", to, lo[0], hi[0], lo[1], hi[1], lo[2], hi[2], from)
		for _, at := range []int{-1, n[d]} {
			b := ""
			for e := range n {
				l, h := lo[e], hi[e]
				if e == d {
					l, h = at, at+1
				}
				b += fmt.Sprintf("%d..%d, ", l, h)
			}
			g.f("box [%s]\n$0 = const f32 0\nyield $0", strings.TrimSuffix(b, ", "))
		}
		g.f("}")
		from = to
	}
	r := "read f32 " + from
	g.field(res, r+"[x, y, z]", r+"[x-1, y, z]", r+"[x+1, y, z]", r+"[x, y-1, z]", r+"[x, y+1, z]", r+"[x, y, z-1]", r+"[x, y, z+1]",
		"add f32 $1, $2", "add f32 $3, $4", "add f32 $5, $6", "add f32 $7, $8", "add f32 $10, $9", "scalar f32 c", "mul f32 $12, $11",
		"scalar f32 d", "mul f32 $14, $0", "sub f32 $15, $13")
}

const header = `wfir 1
program %s
axis x %d cells lo 0 h 1
axis y %d cells lo 0 h 1
axis z %d cells lo 0 h 1
param limit = 60
scalar max { $0 = param f64 limit yield $0 }
scalar c { $0 = const f64 0.25 yield $0 }
scalar d { $0 = const f64 2.5 yield $0 }
scalar tol2 { $0 = const f64 1e-10 yield $0 }
scalar one { $0 = const f64 1 yield $0 }
`

func parse(t testing.TB, text string) *ir.Program {
	t.Helper()
	p, err := ir.Parse("p.wfir", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := ir.VerifyCanonical(p); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// cg solves (1.5 + 0.25*(6 - neighbours)) u = b by conjugate gradients.
func cg(t testing.TB, nx, ny, nz int) *ir.Program {
	g := &grid{nx: nx, ny: ny, nz: nz}
	g.f(header, "cg", nx, ny, nz)
	for _, a := range []string{"u", "r", "p"} {
		g.f("array @%s[x, y, z] f32", a)
	}
	g.f("array @b[x, y, z] f32 const\narray @rr[] f32\narray @bb[] f32\narray @more[] bool\narray @n[] i32")
	g.f("func start {")
	g.field("z", "const f32 0")
	g.field("r", "read f32 @b[x, y, z]")
	g.dot("rr", "@b", "@b")
	g.scalar("more", "bool", "read f32 %rr[]", "const f32 0", "lt bool $1, $0")
	g.scalar("n", "i32", "const i32 0")
	g.f("set @u = %%z\nset @r = %%r\nset @p = %%r\nset @rr = %%rr\nset @bb = %%rr\nset @more = %%more\nset @n = %%n\n}")
	g.f("func iterate {")
	g.apply("q", "@p")
	g.dot("pq", "@p", "%q")
	g.scalar("a", "f32", "read f32 @rr[]", "read f32 %pq[]", "div f32 $0, $1")
	g.field("u", "read f32 @u[x, y, z]", "read f32 %a[]", "read f32 @p[x, y, z]", "mul f32 $1, $2", "add f32 $0, $3")
	g.field("r", "read f32 @r[x, y, z]", "read f32 %a[]", "read f32 %q[x, y, z]", "mul f32 $1, $2", "sub f32 $0, $3")
	g.dot("rr", "%r", "%r")
	g.scalar("beta", "f32", "read f32 %rr[]", "read f32 @rr[]", "div f32 $0, $1")
	g.field("p", "read f32 %r[x, y, z]", "read f32 %beta[]", "read f32 @p[x, y, z]", "mul f32 $1, $2", "add f32 $0, $3")
	g.scalar("more", "bool", "scalar f32 tol2", "read f32 @bb[]", "mul f32 $0, $1", "read f32 %rr[]", "lt bool $2, $3")
	g.scalar("n", "i32", "read i32 @n[]", "const i32 1", "add i32 $0, $1")
	g.f("set @u = %%u\nset @r = %%r\nset @p = %%p\nset @rr = %%rr\nset @more = %%more\nset @n = %%n\n}")
	g.f("proc solve {\ncall start\nwhile @more max max { call iterate }\n}\nrun solve count one")
	return parse(t, g.b.String())
}

// bicgstab solves the same system as cg by BiCGStab (van der Vorst 1992).
func bicgstab(t testing.TB, nx, ny, nz int) *ir.Program {
	g := &grid{nx: nx, ny: ny, nz: nz}
	g.f(header, "bicgstab", nx, ny, nz)
	for _, a := range []string{"u", "r", "p"} {
		g.f("array @%s[x, y, z] f32", a)
	}
	g.f("array @b[x, y, z] f32 const\narray @rho[] f32\narray @bb[] f32\narray @more[] bool\narray @n[] i32")
	g.f("func start {")
	g.field("z", "const f32 0")
	g.field("r", "read f32 @b[x, y, z]")
	g.dot("rho", "@b", "@b")
	g.scalar("more", "bool", "read f32 %rho[]", "const f32 0", "lt bool $1, $0")
	g.scalar("n", "i32", "const i32 0")
	g.f("set @u = %%z\nset @r = %%r\nset @p = %%r\nset @rho = %%rho\nset @bb = %%rho\nset @more = %%more\nset @n = %%n\n}")
	g.f("func iterate {") // the shadow residual is b
	g.apply("q", "@p")
	g.dot("bq", "@b", "%q")
	g.scalar("a", "f32", "read f32 @rho[]", "read f32 %bq[]", "div f32 $0, $1")
	g.field("s", "read f32 @r[x, y, z]", "read f32 %a[]", "read f32 %q[x, y, z]", "mul f32 $1, $2", "sub f32 $0, $3")
	g.apply("y", "%s")
	g.dot("ys", "%y", "%s")
	g.dot("yy", "%y", "%y")
	g.scalar("w", "f32", "read f32 %ys[]", "read f32 %yy[]", "div f32 $0, $1")
	g.field("u", "read f32 @u[x, y, z]", "read f32 %a[]", "read f32 @p[x, y, z]", "mul f32 $1, $2", "add f32 $0, $3",
		"read f32 %w[]", "read f32 %s[x, y, z]", "mul f32 $5, $6", "add f32 $4, $7")
	g.field("r", "read f32 %s[x, y, z]", "read f32 %w[]", "read f32 %y[x, y, z]", "mul f32 $1, $2", "sub f32 $0, $3")
	g.dot("rho", "@b", "%r")
	g.dot("rr", "%r", "%r")
	g.scalar("beta", "f32", "read f32 %rho[]", "read f32 @rho[]", "div f32 $0, $1", "read f32 %a[]", "read f32 %w[]", "div f32 $3, $4", "mul f32 $2, $5")
	g.field("p", "read f32 %r[x, y, z]", "read f32 %beta[]", "read f32 @p[x, y, z]", "read f32 %w[]", "read f32 %q[x, y, z]", "mul f32 $3, $4",
		"sub f32 $2, $5", "mul f32 $1, $6", "add f32 $0, $7")
	g.scalar("more", "bool", "scalar f32 tol2", "read f32 @bb[]", "mul f32 $0, $1", "read f32 %rr[]", "lt bool $2, $3")
	g.scalar("n", "i32", "read i32 @n[]", "const i32 1", "add i32 $0, $1")
	g.f("set @u = %%u\nset @r = %%r\nset @p = %%p\nset @rho = %%rho\nset @more = %%more\nset @n = %%n\n}")
	g.f("proc solve {\ncall start\nwhile @more max max { call iterate }\n}\nrun solve count one")
	return parse(t, g.b.String())
}

// Cycles per cell and iteration of whole solvers, printed; the published figure for BiCGStab on the first wafer is 15.6 cycles per cell of
// a column of 1536, with 16-bit vectors (Rocki et al. 2020).
func BenchmarkSolvers(b *testing.B) {
	for _, c := range []struct {
		name  string
		build func(testing.TB, int, int, int) *ir.Program
	}{{"cg", cg}, {"bicgstab", bicgstab}} {
		for _, size := range [][3]int{{32, 32, 384}, {96, 96, 384}} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", c.name, size[0], size[1], size[2]), func(b *testing.B) {
				p := c.build(b, size[0], size[1], size[2])
				x, err := build(p, "wse2", size[0], size[1], true)
				if err != nil {
					b.Fatal(err)
				}
				for range b.N {
					cycles, n, err := timed(x, map[string]*ir.Tensor{"b": source(size[:]...)})
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(cycles)/float64(n)/float64(size[2]), "cycles/cell/iteration")
					b.ReportMetric(float64(n), "iterations")
				}
			})
		}
	}
}

// timed solves on the fast engine.
func timed(x *built, data map[string]*ir.Tensor) (cycles int64, n int32, err error) {
	w, _, err := fast.Open(x.code, x.m, sim.Options{})
	if err != nil {
		return 0, 0, err
	}
	e, err := host.On(x.p, x.mesh, w)
	if err != nil {
		return 0, 0, err
	}
	r, err := run(x.p, e, data, 1)
	if err != nil {
		return 0, 0, err
	}
	cycles, _ = e.Cycles()
	return cycles, r.arrays["n"].I32[0], nil
}
