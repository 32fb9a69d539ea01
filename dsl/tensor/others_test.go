package tensor

import (
	"strings"
	"testing"
)

// Blocks that models of other kinds are made of: each becomes a model around one layer and trains on the periodic data.
func TestOtherBlocksTrain(t *testing.T) {
	for _, c := range []struct{ name, decl, block string }{
		{"mixture of experts", "dim experts = 3, f = 8\n  index x in experts", `
    weight wg[d, experts], w1[experts, d, f], w2[experts, f, d] ~ normal(0.3)
    let gate[s,x] = softmax over x of a[s,d]*wg[d,x]
    let r[s,d] = y[s,d] + gate[s,x]*gelu(a[s,d]*w1[x,d,f])*w2[x,f,d]`},
		{"linear attention", "fn_", `
    weight wq[d, e], wk[d, e], wv[d, e], wo[e, d] ~ normal(0.4)
    let q[s,e] = positive(a[s,d]*wq[d,e])
    let k[s,e] = positive(a[s,d]*wk[d,e])
    let u[s,e] = a[s,d]*wv[d,e]
    let w[s,t] = where(t <= s, q[s,e]*k[s=t,e], 0)
    let z[s] = (sum over t of w[s,t]) + 1e-6
    let r[s,d] = y[s,d] + (w[s,t]*u[s=t,e])*wo[e,d]/z[s]`},
		{"retention", "", `
    weight wq[d, e], wk[d, e], wv[d, e], wo[e, d] ~ normal(0.4)
    let q[s,e] = a[s,d]*wq[d,e]
    let k[s,e] = a[s,d]*wk[d,e]
    let u[s,e] = a[s,d]*wv[d,e]
    let w[s,t] = where(t <= s, pow(0.9, s - t)*(q[s,e]*k[s=t,e]), 0)
    let r[s,d] = y[s,d] + (w[s,t]*u[s=t,e])*wo[e,d]`},
		{"convolution", "dim taps = 3\n  index n in taps", `
    weight c[taps, d] ~ normal(0.4)
    weight w1[d, e], w2[e, d] ~ normal(0.4)
    let m[s,d] = sum over n where n <= s of y[s - n,d]*c[n,d]
    let r[s,d] = y[s,d] + silu(m[s,d]*w1[d,e])*w2[e,d]`},
		{"recurrence", "index c in d", `
    weight u[c,d], w1[c,d] ~ normal(0.3)
    let h[d] = 0
    let o[t,d] = 0
    for i in ctx carrying h, o {
      h'[d] = tanh(a[i,c]*w1[c,d] + h[c]*u[c,d])
      o'[t,d] = o[t,d] + where(t == i, h'[d], 0)
    }
    let r[s,d] = y[s,d] + o[s,d]`},
		{"sinusoidal positions and normed queries", "", `
    weight wq[d, e], wk[d, e], wv[d, e], wo[e, d] ~ normal(0.4)
    index j in d
    let p[s,j] = 0.3*sin(s*exp(-j*(log(100)/#j)))
    let b[s,d] = a[s,d] + p[s,j=d]
    let q[s,e] = rmsnorm over e of b[s,d]*wq[d,e]
    let k[s,e] = rmsnorm over e of b[s,d]*wk[d,e]
    let u[s,e] = b[s,d]*wv[d,e]
    let w[s,t] = softmax over t where t <= s of (q[s,e]*k[s=t,e])
    let r[s,d] = y[s,d] + (w[s,t]*u[s=t,e])*wo[e,d]`},
		{"patches", "dim n = ctx/2, half = 2\n  index p, q in n\n  index b in half\n  index c in d", `
    weight join[half, d, e], back[half, e, d] ~ normal(0.4)
    let g[p,e] = sum over b, d of a[s = 2*p + b, d]*join[b,d,e]
    let w[p,q] = softmax over q where q <= p of (g[p,e]*g[p=q,e])
    let u[p,e] = w[p,q]*g[p=q,e]
    let o[s,d] = sum over e of u[p = max(floor(s/2) - 1, 0), e]*back[half = s - 2*floor(s/2), e, d]
    let r[s,d] = y[s,d] + where(s >= 2, o[s,d], 0)`},
		{"token shift and decay", "index c in d", `
    weight mu[d] ~ 0.5
    weight wr[d,c], wk[d,c], wv[d,c], wo[c,d] ~ normal(0.4)
    weight w0[c], bonus[c] ~ normal(0.3)
    let m[s,d] = mu[d]*a[s,d] + (1 - mu[d])*where(s >= 1, a[s-1,d], 0)
    let k[t,c] = exp(m[s=t,d]*wk[d,c])
    let u[t,c] = m[s=t,d]*wv[d,c]
    let own[c] = exp(bonus[c])
    let f[s,t,c] = where(t < s, exp(-(s - t)*exp(w0[c])), where(t == s, own[c], 0))
    let num[s,c] = sum over t of f[s,t,c]*k[t,c]*u[t,c]
    let den[s,c] = sum over t of f[s,t,c]*k[t,c]
    let r[s,d] = y[s,d] + (sigmoid(m[s,d]*wr[d,c])*num[s,c]/den[s,c])*wo[c,d]`},
	} {
		fn := "fn positive(x) = where(x > 0, x + 1, exp(min(x, 0)))\n"
		decl := strings.Replace(c.decl, "fn_", "", 1)
		text := fn + `
model other(vocab = 8, ctx = 8, d = 8, e = 6, layers = 2) {
  index s, t in ctx
  index v in vocab
  ` + decl + `
  input tokens[s], next[s] in vocab
  weight wte[v, d] ~ normal(0.5)
  let y[s,d] = wte[tokens[s],d]
  for l in layers carrying y {
    let a[s,d] = rmsnorm over d of y[s,d]` + c.block + `
    y'[s,d] = r[s,d]
  }
  weight head[d, v] ~ normal(0.3)
  let logits[s,v] = y[s,d]*head[d,v]
  let z = mean over s of (logsumexp over v of logits[s,v])^2
  loss = (mean over s of crossentropy(logits[s], next[s])) + 1e-4*z
}
train other on bytes { batch 2; steps 25; optimizer adamw(lr = 2e-2); clip 1 }
`
		p := buildText(t, c.name+".wf", text, nil)
		if first, last := trained(t, p, 25); !(last < 0.6*first) || !(first > 1) {
			t.Errorf("%s: the loss goes from %.4f to %.4f", c.name, first, last)
		}
	}
}
