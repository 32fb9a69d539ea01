package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
)

// elsewhere are names that other tools and textbooks have for what the language calls otherwise.
var elsewhere = map[string]string{
	"laplace": "lap", "laplacian": "lap", "del2": "lap", "gradient": "grad", "divergence": "div", "rot": "curl", "advect": "adv", "average": "mean", "avg": "mean",
	"integrate": "integral", "maximum": "max", "minimum": "min", "fabs": "abs", "if": "where",
	"d2x": "dx(dx(..))", "dxx": "dx(dx(..))", "d2dx2": "dx(dx(..))", "d2y": "dy(dy(..))", "dyy": "dy(dy(..))", "d2dy2": "dy(dy(..))", "d2z": "dz(dz(..))",
	"dzz": "dz(dz(..))", "ddx": "dx", "ddy": "dy", "ddz": "dz", "dxy": "dx(dy(..))",
	"mg": "multigrid", "gmg": "multigrid", "pcg": "cg(pre = diagonal)", "bicg": "bicgstab", "fgmres": "gmres", "newton_krylov": "newton",
	"tolerance": "tol", "rtol": "tol", "eps": "tol", "maxiter": "max", "max_iter": "max", "iterations": "max", "preconditioner": "pre", "precond": "pre",
	"left": "x.lo", "right": "x.hi", "west": "x.lo", "east": "x.hi", "bottom": "y.lo", "top": "y.hi", "south": "y.lo", "north": "y.hi",
	"forward_euler": "euler", "explicit": "euler", "implicit_euler": "backward_euler", "implicit": "backward_euler", "cn": "crank_nicolson", "rk45": "rk23",
	"adams_bashforth": "ab2", "heun": "rk2", "midpoint": "rk2",
}

// closest returns what name is called here, the candidate nearest to it, or "" when none is near.
func closest(name string, candidates []string) string {
	if s := elsewhere[strings.ToLower(name)]; s != "" {
		word := s
		if i := strings.IndexAny(s, ".("); i >= 0 {
			word = s[:i]
		}
		if slices.Contains(candidates, word) {
			return s
		}
	}
	if s, ok := diag.Nearest(name, candidates); ok {
		return s
	}
	return ""
}

// trimFloat prints a value for a message.
func trimFloat(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
