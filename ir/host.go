package ir

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// EvalBody evaluates result 0 of a scalar body. leaf gives the values of Param, Scalar, Read, Index and Coord nodes; constants are
// evaluated here.
func EvalBody(b *Body, leaf func(*Node) (Val, error)) (Val, error) {
	if len(b.Results) == 0 {
		return Val{}, fmt.Errorf("body has no result")
	}
	vals := make([]Val, len(b.Nodes))
	var args []Val
	var elems []Elem
	for i := range b.Nodes {
		n := &b.Nodes[i]
		var err error
		switch {
		case n.Op == Const:
			vals[i] = n.ConstVal()
		case Arity(n.Op) == 0:
			vals[i], err = leaf(n)
		default:
			args, elems = args[:0], elems[:0]
			for _, a := range n.Args {
				if a < 0 || a >= i {
					return Val{}, fmt.Errorf("node %d: argument %d does not come before it", i, a)
				}
				args, elems = append(args, vals[a]), append(elems, b.Nodes[a].Elem)
			}
			vals[i], err = Apply(n, elems, args)
		}
		if err != nil {
			return Val{}, fmt.Errorf("node %d: %w", i, err)
		}
	}
	r := b.Results[0]
	if r < 0 || r >= len(vals) {
		return Val{}, fmt.Errorf("result %d is not a node", r)
	}
	return vals[r], nil
}

// ConstVal returns the value of a Const node.
func (n *Node) ConstVal() Val {
	if n.Elem.IsFloat() {
		return Val{F: n.Imm}
	}
	return Val{I: n.Int}
}

// EvalHost computes all host scalars in definition order, in float64. params overrides the defaults of Program.Params by name; an
// unknown name is an error. With bind, the scalars are computed once without it, then again with every bind[i].Name fixed to the first
// value of bind[i].To, so that what depends on a bound scalar follows it.
func EvalHost(p *Program, params map[string]float64, bind []Bind) (map[string]float64, error) {
	values := map[string]float64{}
	for _, q := range p.Params {
		values[q.Name] = q.Value
	}
	names := make([]string, 0, len(params))
	for n := range params {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if _, ok := values[n]; !ok {
			return nil, fmt.Errorf("program %s has no parameter %q", p.Name, n)
		}
		values[n] = params[n]
	}
	env, err := evalDefs(p, values, nil)
	if err != nil || len(bind) == 0 {
		return env, err
	}
	fixed := map[string]float64{}
	for _, b := range bind {
		v, ok := env[b.To]
		if !ok {
			return nil, fmt.Errorf("bind %s = %s: no host scalar %q", b.Name, b.To, b.To)
		}
		if _, ok := env[b.Name]; !ok {
			return nil, fmt.Errorf("bind %s = %s: no host scalar %q", b.Name, b.To, b.Name)
		}
		fixed[b.Name] = v
	}
	return evalDefs(p, values, fixed)
}

func evalDefs(p *Program, params, fixed map[string]float64) (map[string]float64, error) {
	env := map[string]float64{}
	for i := range p.Host {
		d := &p.Host[i]
		if v, ok := fixed[d.Name]; ok {
			env[d.Name] = v
			continue
		}
		v, err := EvalBody(&d.Body, func(n *Node) (Val, error) {
			from := env
			switch n.Op {
			case Param_:
				from = params
			case Scalar:
			default:
				return Val{}, fmt.Errorf("%s cannot be evaluated on the host", n.Op)
			}
			x, ok := from[n.Name]
			if !ok {
				return Val{}, fmt.Errorf("%s %q is not defined before its use", n.Op, n.Name)
			}
			return RoundTo(n.Elem, x), nil
		})
		if err != nil {
			return nil, fmt.Errorf("host scalar %s: %w", d.Name, err)
		}
		r := d.Body.Nodes[d.Body.Results[0]].Elem
		env[d.Name] = Convert(r, F64, v).F
	}
	return env, nil
}

// CheckFailure is a host check whose condition is false.
type CheckFailure struct {
	Code, Message string // Message has the values filled in
	Pos           Pos
}

func (f *CheckFailure) Error() string { return f.Code + ": " + f.Message }

// EvalChecks returns the checks that fail under env, in order. A NaN condition fails too.
func EvalChecks(p *Program, env map[string]float64) []CheckFailure {
	var out []CheckFailure
	for _, c := range p.Checks {
		v, ok := env[c.Cond]
		if ok && v != 0 && !math.IsNaN(v) {
			continue
		}
		out = append(out, CheckFailure{c.Code, Interpolate(c.Message, env), c.Pos})
	}
	return out
}

// Interpolate replaces {name} by the value of host scalar name with six significant digits; other braces stay.
func Interpolate(msg string, env map[string]float64) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(msg, '{')
		if i < 0 {
			break
		}
		j := strings.IndexByte(msg[i:], '}')
		if j < 0 {
			break
		}
		b.WriteString(msg[:i])
		if v, ok := env[msg[i+1:i+j]]; ok {
			b.WriteString(strconv.FormatFloat(v, 'g', 6, 64))
		} else {
			b.WriteString(msg[i : i+j+1])
		}
		msg = msg[i+j+1:]
	}
	b.WriteString(msg)
	return b.String()
}
