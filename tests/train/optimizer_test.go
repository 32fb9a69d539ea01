package train

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes/grad"
)

// adamw builds function "step": the loss, its gradients, and AdamW with rate 1e-3, betas 0.9 and 0.95, epsilon 1e-8 and decay 0.1 of
// every weight, in the order of operations of llm.c. Gradients stay in arrays g.NAME when they are asked for.
func adamw(p *ir.Program, wrt []string, gradients bool) error {
	const rate, b1, b2, eps, decay = 1e-3, 0.9, 0.95, 1e-8, 0.1
	f := p.Func("loss").Clone()
	f.Name = "step"
	gs, err := grad.Pull(p, &f, []grad.Seed{{Value: "%loss"}}, wrt, nil)
	if err != nil {
		return err
	}
	n := &net{p: p, f: &f, e: p.Array("loss").Elem}
	set := func(array, value string) { n.f.Sets = append(n.f.Sets, ir.Set{Array: array, Value: value}) }
	for _, k := range []string{"b1t", "b2t"} { // products of the betas: 1 - beta^t corrects the bias
		n.array(k, "", n.e)
		beta := b1
		if k == "b2t" {
			beta = b2
		}
		set(k, n.each(k+".new", "", func(b *body) int { return b.Mul(b.at("@"+k+"[]"), b.num(beta)) }))
		n.each(k+".rest", "", func(b *body) int { return b.Sub(b.num(1), b.at("%"+k+".new[]")) })
	}
	for i, w := range wrt {
		arr := p.Array(w)
		n.axis = map[string]string{}
		index := ""
		for _, x := range arr.Axes {
			n.axis[x] = x
			index += x + " "
		}
		n.array("m."+w, index, n.e)
		n.array("v."+w, index, n.e)
		if gradients {
			n.array("g."+w, index, n.e)
			set("g."+w, gs[i])
		}
		here := func(name string) string { return name + "[" + index + "]" }
		m := n.each("m."+w, index, func(b *body) int {
			return b.Add(b.Mul(b.num(b1), b.at(here("@m."+w))), b.Mul(b.num(1-b1), b.at(here(gs[i]))))
		})
		v := n.each("v."+w, index, func(b *body) int {
			g := b.at(here(gs[i]))
			return b.Add(b.Mul(b.num(b2), b.at(here("@v."+w))), b.Mul(b.Mul(b.num(1-b2), g), g))
		})
		next := n.each("w."+w, index, func(b *body) int {
			hat := func(x string, t string) int { return b.Div(b.at(here(x)), b.at(t+"[]")) }
			x := b.at(here("@" + w))
			step := b.Add(b.Div(hat(m, "%b1t.rest"), b.Add(b.Op(ir.Sqrt, hat(v, "%b2t.rest")), b.num(eps))), b.Mul(b.num(decay), x))
			return b.Sub(x, b.Mul(b.num(rate), step))
		})
		set(w, next)
		set("m."+w, m)
		set("v."+w, v)
	}
	p.Funcs = append(p.Funcs, f)
	return nil
}
