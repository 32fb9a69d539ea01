// Package loads writes machine programs that put a load on a simulated wafer, for measuring engines.
package loads

import (
	"fmt"
	"math/rand"
	"strings"
)

// Traffic is saturated traffic: every PE of a W x H mesh sends n words without a pause to the PE that a random permutation of its eight in
// a row gives, so that words go up to seven hops and links carry several streams. Sender i of eight has color i. Every kx-th eight of every
// ky-th row have the same permutation: few kinds, and PEs far apart have the same routes; as many as there are, and none have.
func Traffic(w, h, n, kx, ky int, seed int64) string { return Blocks(w, h, 8, 1, n, kx, ky, seed) }

// Blocks is Traffic in blocks of bw x bh PEs, of which there are at most as many as colors: words go along x first, then along y.
func Blocks(w, h, bw, bh, n, kx, ky int, seed int64) string {
	block := bw * bh
	r := rand.New(rand.NewSource(seed))
	var b strings.Builder
	fmt.Fprintf(&b, "machine wse2\nmesh %d %d\n", w, h)
	for k := range kx * ky {
		p := r.Perm(block)
		for fixed(p) {
			p = r.Perm(block)
		}
		from := make([]int, block)
		for i, to := range p {
			from[to] = i
		}
		at := func(i int) string {
			return fmt.Sprintf("at x %d..%d step %d y %d..%d step %d", k%kx*bw+i%bw, w, kx*bw, k/kx*bh+i/bw, h, ky*bh)
		}
		fmt.Fprintf(&b, "class k%d {", k)
		var out, in []string
		for i := range block {
			fmt.Fprintf(&b, " %s\n", at(i))
			out, in = append(out, fmt.Sprint(i, " ", at(i))), append(in, fmt.Sprint(from[i], " ", at(i)))
		}
		fmt.Fprintf(&b, " array u f32[%d] = affine 1 + 1*i + 1*px\n array v f32[%d] export\n", n, n)
		fmt.Fprintf(&b, " queue s out 2 color %s\n queue r in 3 color %s\n", strings.Join(out, ", "), strings.Join(in, ", "))
		fmt.Fprintf(&b, " task main local 8 { mov.f32 fab(s, %d) = u[0 : %d] async activate join mov.f32 v[0 : %d] = fab(r, %d) async unblock join }\n", n, n, n, n)
		fmt.Fprintf(&b, " task join local 9 blocked { block join exit }\n entry main }\n")
		for i, to := range p {
			rx := "ramp"
			for pe := i; pe != to; {
				step, ahead, back := 1, "east", "west"
				switch {
				case to%bw < pe%bw:
					step, ahead, back = -1, "west", "east"
				case to%bw == pe%bw && to > pe:
					step, ahead, back = bw, "south", "north"
				case to%bw == pe%bw:
					step, ahead, back = -bw, "north", "south"
				}
				fmt.Fprintf(&b, "route color %d %s rx %s tx %s\n", i, at(pe), rx, ahead)
				pe, rx = pe+step, back
			}
			fmt.Fprintf(&b, "route color %d %s rx %s tx ramp\n", i, at(to), rx)
		}
	}
	return b.String()
}

// fixed reports whether a permutation leaves something in its place, which a route cannot do.
func fixed(p []int) bool {
	for i, to := range p {
		if i == to {
			return true
		}
	}
	return false
}
