// Package solvers is the library of `solve`: iterative methods for A(x) = b as programs of the language.
//
// The checker writes a program out for the operator, the right side and the unknown of an equation; what comes out is checked and lowered
// like what a user wrote. A text speaks of
//
//	A(p)           the linear operator applied to a direction, with homogeneous boundary conditions
//	residual(x)    right side minus left side, boundary conditions included
//	diagonal()     the diagonal of A
//	inner(a, b)    the sum over all unknowns of a*b;  size(r) its measure in the norm of the solve, bound(s) what the tolerance makes of it
//	center(r)      r without its mean, where the operator is singular, else r
//	unknown, guess the unknown with its boundary conditions, and its first value;  tol, most: the options
//
// and leaves the solution in x, its measure in rr, the bound in limit and the iterations in k. Vectors with one component per unknown are
// written like fields: a statement is checked once per component.
//
// The texts are templates: {{pre "r" "z"}} writes the preconditioner z = M(r), and methods with a fixed number of vectors are unrolled.
package solvers

import (
	"embed"
	"fmt"
	"strings"
	"text/template"
)

//go:embed *.wf
var files embed.FS

// Has says whether the library has a method of that name.
func Has(name string) bool {
	_, err := files.ReadFile(name + ".wf")
	return err == nil
}

// Names lists the methods a `using` may name.
func Names() []string {
	return []string{"cg", "bicgstab", "gmres", "jacobi", "chebyshev", "multigrid", "newton"}
}

// Text writes the program of a method out. Data are the fields the text mentions; pre writes a preconditioner.
func Text(name string, data any, pre func(from, to string) string, setup func() string) (string, error) {
	src, err := files.ReadFile(name + ".wf")
	if err != nil {
		return "", fmt.Errorf("no solver %s", name)
	}
	t, err := template.New(name).Funcs(template.FuncMap{"pre": pre, "setup": setup, "upto": upto, "add": func(a, b int) int { return a + b }, "sub": func(a, b int) int { return a - b }}).Parse(string(src))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	return b.String(), nil
}

// upto is lo, lo+1, .. hi-1.
func upto(lo, hi int) []int {
	var out []int
	for i := lo; i < hi; i++ {
		out = append(out, i)
	}
	return out
}
