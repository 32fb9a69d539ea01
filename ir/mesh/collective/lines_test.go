package collective_test

import (
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

func clone(v []float32) []float32 { return append([]float32{}, v...) }

// sequence combines vectors: the first starts, each later one is local op received.
func sequence(vs ...[]float32) []float32 {
	acc := clone(vs[0])
	for _, v := range vs[1:] {
		for i := range acc {
			acc[i] = v[i] + acc[i]
		}
	}
	return acc
}

func TestRectangles(t *testing.T) {
	for _, name := range []string{"wse2", "wse3"} {
		m := profile(t, name)
		k, lim := cost.Collective(m, false), collective.Limits{Queues: 2, Colors: 8}
		for _, s := range [][2]int{{2, 2}, {5, 3}, {16, 9}, {3, 20}, {40, 33}} {
			for _, n := range []int{1, 30} {
				w, h := s[0], s[1]
				tx, ty := collective.Choose("x", w, []int{n}, k, lim), collective.Choose("y", h, []int{n}, k, lim)
				for _, all := range []bool{false, true} {
					_, before, after := simulate(t, collective.XYProgram(tx, ty, ir.F32, ir.Add, n, all), m)
					var column [][]float32
					for y := range h {
						column = append(column, want(tx, before[y*w:(y+1)*w]))
					}
					sum := want(ty, column)
					for i := range after {
						if i == 0 || all {
							sameVector(t, fmt.Sprintf("%s X-Y %v PE %d", name, s, i), after[i], sum)
						}
					}
				}
				_, before, after := simulate(t, collective.SnakeProgram(w, h, ir.F32, ir.Add, n), m)
				var order [][]float32
				for y := h - 1; y >= 0; y-- {
					for i := range w {
						x := w - 1 - i
						if y%2 == 1 {
							x = i
						}
						order = append(order, before[y*w+x])
					}
				}
				sameVector(t, fmt.Sprintf("%s snake %v", name, s), after[0], sequence(order...))
			}
		}
	}
}

func TestRing(t *testing.T) {
	m := profile(t, "wse2")
	k, start := cost.Collective(m, false), empty(t, m)
	for _, parts := range []int{2, 3, 8, 16} {
		for _, chunk := range []int{1, 8, 64} {
			cycles, before, after := simulate(t, collective.RingProgram(parts, chunk, ir.F32, ir.Add), m)
			at := func(v [][]float32, pos, c int) []float32 { // chunk c of the part at a position
				part := layout(parts).Part(pos)
				slot := (c - part + parts) % parts
				return v[pos][slot*chunk : (slot+1)*chunk]
			}
			for c := range parts {
				var order [][]float32
				for _, k := range collective.RingOrder(parts, c) {
					order = append(order, at(before, layout(parts).Pos(k), c))
				}
				sum := sequence(order...)
				for pos := range parts {
					sameVector(t, fmt.Sprintf("ring of %d, chunk %d at %d", parts, c, pos), at(after, pos, c), sum)
				}
			}
			t.Logf("ring of %d, %d elements: %d cycles, published model %.0f", parts, parts*chunk, cycles-start, collective.Ring(k, parts, parts*chunk))
		}
	}
}

// layout is that of the programs on rings.
func layout(parts int) *mesh.Layout {
	return &mesh.Layout{N: parts, Parts: parts, Periodic: true, Folded: parts > 2}
}

func TestGatherScatterTranspose(t *testing.T) {
	for _, name := range []string{"wse2", "wse3"} {
		m := profile(t, name)
		for _, parts := range []int{2, 3, 7, 16, 50} {
			for _, n := range []int{1, 5} {
				_, before, after := simulate(t, collective.GatherProgram(parts, n, ir.F32), m)
				for k := range parts {
					sameVector(t, "gather", after[0][k*n:(k+1)*n], before[k][:n])
				}
				_, before, after = simulate(t, collective.ScatterProgram(parts, n, ir.F32), m)
				for k := range parts {
					sameVector(t, "scatter", after[k][:n], before[0][k*n:(k+1)*n])
				}
				_, before, after = simulate(t, collective.TransposeProgram(parts, n, ir.F32), m)
				l := layout(parts)
				for k := range parts {
					for j := range parts {
						to := (k + j) % parts
						sameVector(t, fmt.Sprintf("transpose %d->%d", k, to), after[l.Pos(to)][j*n:(j+1)*n], before[l.Pos(k)][j*n:(j+1)*n])
					}
				}
			}
		}
	}
}
