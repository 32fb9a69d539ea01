package control

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
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
