package cpu

import (
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// In three dimensions, planes of the arrays are asked for one time before they are read first, by the kernels of that time together: the
// kernel that reads them would wait for the memory while the others, which find all they read in the second cache, leave it idle. A core has
// so few requests under way at once that those of a whole plane, made in a row, hold up what comes after them. Kernels of single planes each ask for
// a part of every row, before they compute it. Kernels of several planes have time for a request with every vector of them, so each asks for one
// plane, line by line as it goes.

// fetches says that planes are asked for: it pays where several steps of few operations each go by between one plane and the next. Kernels of
// wide stencils need the requests for what they read themselves, and rows of two dimensions are so long that the core asks by itself
// (BenchmarkOrders, BenchmarkHeat2: to ask costs a third of the time).
func (s *sweep) fetches() bool { return s.rank == 3 && (s.jam == 1 || s.reach() == 1) }

// linewise says that kernels of several planes ask for one line with every vector.
func (s *sweep) linewise() bool { return s.rank == 3 && s.jam > 1 && s.reach() == 1 }

// planeFetch is what a kernel asks for: of every row it computes, a part of the same row of a plane that is read later.
type planeFetch struct {
	plane    int64 // address
	row      int64 // bytes between rows
	from, to int64 // of the columns, in parts of fetchParts
}

const (
	fetchParts = 256
	fetchWords = 4
	mostFetch  = 8 // of one call
)

// fetchArgs are the arguments of a call's fetches: their number, then each.
func fetchArgs(list []planeFetch) []int64 {
	out := []int64{number(len(list))}
	for _, f := range list {
		out = append(out, f.plane, number(int(f.row)), number(int(f.from)), number(int(f.to)))
	}
	return out
}

// lineArgs are those of a kernel of several planes, which asks for at most one: its address, the bytes between rows. Without one the kernel asks for
// what it reads itself.
func lineArgs(list []planeFetch, own planeFetch) []int64 {
	if len(list) > 0 {
		own = list[0]
	}
	return []int64{own.plane, number(int(own.row))}
}

// share divides planes among the calls of a time: call i of n.
func (s *sweep) share(list []planeFetch, i, n int) (out []planeFetch) {
	all := len(list) * fetchParts
	lo, hi := all*i/n, all*(i+1)/n
	for k, f := range list {
		f.from, f.to = int64(max(lo-k*fetchParts, 0)), int64(min(hi-k*fetchParts, fetchParts))
		if f.from < f.to && len(out) < mostFetch {
			out = append(out, f)
		}
	}
	return out
}

// deal gives each of n calls at most one plane, spread over them: what call i gets. Planes that find no call are left to the core.
func deal(list []planeFetch, i, n int) []planeFetch {
	q := min(len(list), n)
	if k := (i*q + n - 1) / n; k < q && k*n/q == i {
		return list[k : k+1]
	}
	return nil
}

// comes are the planes of arrays that entries read and nobody has read or asked for before; seen remembers them.
func (s *sweep) comes(u *unrolled, need map[*tensorBuf]*planes, entries []entry, seen map[*tensorBuf]int) (out []planeFetch) {
	for _, e := range entries {
		nd := u.nodes[e.node]
		run := s.run(nd.st, e.plane)
		for _, rd := range run.reads {
			b := nd.in[rd.root]
			l := (*s.layout)[b.slot]
			if b.memory < 0 || len(l.stride) != s.rank {
				continue
			}
			for k := range e.count {
				p := e.plane + rd.plane + k
				if last, ok := seen[b]; ok && p <= last {
					continue
				}
				seen[b] = p
				out = append(out, planeFetch{plane: s.address(b, need[b], p, 0), row: int64(l.stride[1] * storageBytes(l.elem))})
			}
		}
	}
	return out
}

// fetch asks for the parts of columns [lo, hi) of the current row that the call was given.
func (k *planeEmit) fetch(lo, hi int) {
	size := 1
	for _, r := range k.st.op.Results {
		size = max(size, storageBytes(r.Elem))
	}
	word := func(i emit.Bound) value.Value {
		return k.Cur.NewLoad(types.I64, k.Cur.NewGetElementPtr(types.I64, k.fetches, i.Value()), 8)
	}
	k.Loop(emit.At(0), emit.Bound{V: word(emit.At(0))}, 1, emit.Plain, func(i emit.Bound) {
		first := k.Add(k.Scale(i, fetchWords), emit.At(1))
		plane := k.Cur.NewAdd(word(first), k.Cur.NewMul(k.Index[k.st.op.Dom[1].Index].Value(), word(k.Add(first, emit.At(1)))))
		column := func(w int) emit.Bound {
			part := k.Cur.NewMul(k.I64((hi-lo)*size), word(k.Add(first, emit.At(w))))
			return k.Add(emit.At(lo*size), emit.Bound{V: k.Cur.NewAShr(part, constant.NewInt(types.I64, 8))})
		}
		from, to := column(2), column(3)
		k.Loop(from, to, lineBytes, emit.Plain, func(x emit.Bound) {
			k.Cur.NewPrefetch(k.Cur.NewIntToPtr(k.Cur.NewAdd(plane, x.Value()), types.NewPointer(types.I8)), 2)
		})
	})
}

// linewise says that this is one of the kernels that ask for a line with every vector.
func (k *planeEmit) linewise() bool { return k.variant&jammed != 0 && k.s.linewise() }

// fetchLine asks for the line of column x of the row that is asked for while the current one is computed.
func (k *planeEmit) fetchLine(x emit.Bound) {
	if !k.linewise() || k.lane == 0 {
		return
	}
	word := func(i int) value.Value {
		return k.Cur.NewLoad(types.I64, k.Cur.NewGetElementPtr(types.I64, k.fetches, constant.NewInt(types.I64, int64(i))), 8)
	}
	row := k.Cur.NewAdd(word(0), k.Cur.NewMul(k.row0().Value(), word(1)))
	k.Cur.NewPrefetch(k.Cur.NewIntToPtr(k.Cur.NewAdd(row, k.Scale(x, lineBytes/k.lane).Value()), types.NewPointer(types.I8)), 2)
}
