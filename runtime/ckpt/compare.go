package ckpt

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// Change is how a tensor of one checkpoint differs from that of another.
type Change struct {
	Name   string  // group/name
	What   string  // "" when both have it with one shape; else what is the matter
	Count  int     // values
	Differ int     // values whose bits differ
	Max    float64 // largest difference
	Rel    float64 // L2 norm of the difference over that of the first
}

// Diff compares two checkpoints tensor by tensor, in the order of the first, then what only the second has.
func Diff(a, b *Checkpoint) ([]Change, error) {
	var out []Change
	for _, g := range union(a.Groups(), b.Groups()) {
		var x, y []Named
		var err error
		if a.Has(g) {
			if x, err = a.Group(g); err != nil {
				return nil, err
			}
		}
		if b.Has(g) {
			if y, err = b.Group(g); err != nil {
				return nil, err
			}
		}
		out = append(out, diffGroup(g, x, y)...)
	}
	return out, nil
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func diffGroup(group string, a, b []Named) (out []Change) {
	other := map[string]*ir.Tensor{}
	for _, t := range b {
		other[t.Name] = t.T
	}
	for _, t := range a {
		name := group + "/" + t.Name
		u := other[t.Name]
		if u == nil {
			out = append(out, Change{Name: name, What: "only in the first"})
			continue
		}
		delete(other, t.Name)
		out = append(out, diffTensor(name, t.T, u))
	}
	for _, t := range b {
		if other[t.Name] != nil {
			out = append(out, Change{Name: group + "/" + t.Name, What: "only in the second"})
		}
	}
	return out
}

func diffTensor(name string, a, b *ir.Tensor) Change {
	c := Change{Name: name, Count: a.Len()}
	if a.Elem != b.Elem || !slices.Equal(a.Dims, b.Dims) {
		c.What = fmt.Sprintf("%v %v in the first, %v %v in the second", a.Elem, a.Dims, b.Elem, b.Dims)
		return c
	}
	sum, norm := 0.0, 0.0
	for i := range c.Count {
		x, y := a.At(i), b.At(i)
		if math.Float64bits(x) != math.Float64bits(y) {
			c.Differ++
		}
		d := math.Abs(x - y)
		if x == y {
			d = 0 // infinities
		}
		if d > c.Max || d != d {
			c.Max = d
		}
		sum += d * d
		norm += x * x
	}
	if sum != 0 {
		c.Rel = math.Sqrt(sum / norm)
	}
	return c
}

// Average is the weighted mean of the weights of checkpoints, formed in f64 in their order and rounded once. The optimizer's state has
// no mean: what comes out holds weights only, to sample, export or begin with. parts need not sum to 1; nil means equal parts.
func Average(list []*Checkpoint, parts []float64) (*Snapshot, error) {
	if len(list) == 0 || parts != nil && len(parts) != len(list) {
		return nil, errors.New("an average needs checkpoints, and a part for each or none")
	}
	total := 0.0
	for i := range list {
		p := 1.0
		if parts != nil {
			p = parts[i]
		}
		if math.IsNaN(p) || math.IsInf(p, 0) {
			return nil, fmt.Errorf("a part of %v", p)
		}
		total += p
	}
	if total == 0 {
		return nil, errors.New("the parts sum to zero")
	}
	var first []Named
	var sums [][]float64
	var names []string
	for i, c := range list {
		ts, err := c.Group(Weights)
		if err != nil {
			return nil, err
		}
		p := 1 / total
		if parts != nil {
			p = parts[i] / total
		}
		if i == 0 {
			first = ts
			for _, t := range ts {
				sums = append(sums, make([]float64, t.T.Len()))
			}
		}
		if err := addTo(sums, first, ts, p); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Dir, err)
		}
		names = append(names, fmt.Sprintf("step %d", c.Run.Step))
	}
	out := &Snapshot{Run: list[len(list)-1].Run, Groups: []Group{{Name: Weights}}}
	out.Run.Note = "average of " + strings.Join(names, ", ")
	if parts != nil {
		out.Run.Note += fmt.Sprintf(" with parts %v", parts)
	}
	out.Run.Loss, out.Run.ValLoss = nil, nil
	for k, t := range first {
		r := ir.NewTensor(t.T.Elem, t.T.Dims...)
		for i, v := range sums[k] {
			switch {
			case r.F32 != nil:
				x := ir.RoundTo(r.Elem, v)
				r.F32[i] = float32(x.F)
			case r.F64 != nil:
				r.F64[i] = v
			default:
				return nil, fmt.Errorf("weight %s is of %v", t.Name, t.T.Elem)
			}
		}
		out.Groups[0].Tensors = append(out.Groups[0].Tensors, Named{Name: t.Name, T: r})
	}
	return out, nil
}

// addTo adds a part of the weights.
func addTo(sums [][]float64, first, ts []Named, part float64) error {
	if len(ts) != len(first) {
		return fmt.Errorf("%d weights, the first has %d", len(ts), len(first))
	}
	for k, t := range ts {
		f := first[k]
		if t.Name != f.Name || t.T.Elem != f.T.Elem || !slices.Equal(t.T.Dims, f.T.Dims) {
			return fmt.Errorf("weight %s is %v %v, the first has %s %v %v", t.Name, t.T.Elem, t.T.Dims, f.Name, f.T.Elem, f.T.Dims)
		}
		for i := range sums[k] {
			sums[k][i] += float64(t.T.At(i) * part)
		}
	}
	return nil
}

// WriteDir writes a checkpoint as a directory of its own, which must not be there yet.
func WriteDir(fs FS, dir string, s *Snapshot) error {
	names, err := fs.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("%s is there already", dir)
	}
	if err := fs.MkdirAll(dir); err != nil {
		return err
	}
	return fill(fs, dir, s)
}
