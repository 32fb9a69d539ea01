package cpu

import (
	"slices"

	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// rowPart is a run of columns with the same piece.
type rowPart struct {
	body   *ir.Body
	lo, hi int
}

// wholeRow computes a row of which all ends are known. A vector in which pieces meet is computed for each of them and put together, if they
// fill it: a store of part of a line that is to go past the caches would wait until the line is there.
func (k *planeEmit) wholeRow(parts []rowPart) {
	n := k.lane
	var meet []int
	for _, p := range parts {
		for _, end := range []int{p.lo, p.hi} {
			x, sum := roundDown(end, n), 0
			for _, q := range parts {
				sum += max(0, min(q.hi, x+n)-max(q.lo, x))
			}
			if end != x && sum == n && !slices.Contains(meet, x) {
				meet = append(meet, x)
			}
		}
	}
	for _, p := range parts {
		if x := roundDown(p.lo, n); slices.Contains(meet, x) {
			p.lo = x + n
		}
		if x := roundDown(p.hi, n); slices.Contains(meet, x) {
			p.hi = x
		}
		if p.lo < p.hi {
			k.row(p.body, emit.At(p.lo), emit.At(p.hi))
		}
	}
	for _, x := range meet {
		k.together(parts, x)
	}
}

// together computes a full vector in which pieces meet.
func (k *planeEmit) together(parts []rowPart, x int) {
	var sum [][]value.Value
	for _, p := range parts {
		if p.hi <= x || p.lo >= x+k.lane {
			continue
		}
		all := k.values(p.body, emit.At(x))
		if k.err != nil {
			return
		}
		if sum == nil {
			sum = all
			continue
		}
		here := k.between(emit.At(x), emit.At(p.lo), emit.At(p.hi))
		for i := range all {
			for j := range all[i] {
				sum[i][j] = k.Cur.NewSelect(here, all[i][j], sum[i][j])
			}
		}
	}
	k.mask = nil
	k.store(emit.At(x), sum)
}
