package tokens

import (
	"testing"

	"pgregory.net/rapid"
)

// Known answers of Threefry-2x32-20 (Random123 distribution, kat_vectors).
func TestThreefry(t *testing.T) {
	for _, c := range [][6]uint32{
		{0, 0, 0, 0, 0x6b200159, 0x99ba4efe},
		{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7},
		{0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0},
	} {
		if a, b := threefry(c[0], c[1], c[2], c[3]); a != c[4] || b != c[5] {
			t.Errorf("threefry(%x) = %x %x, want %x %x", c[:4], a, b, c[4], c[5])
		}
	}
}

func TestPermutation(t *testing.T) {
	for n := uint64(1); n < 300; n++ {
		p := newPermutation(n, 1337, n)
		seen := make([]bool, n)
		fixed := 0
		for i := range n {
			k := p.at(i)
			if k >= n || seen[k] {
				t.Fatalf("n = %d: %d -> %d, outside or twice", n, i, k)
			}
			seen[k] = true
			if k == i {
				fixed++
			}
		}
		if n > 100 && fixed > 12 { // about 1 for a random permutation
			t.Errorf("n = %d: %d points stay where they are", n, fixed)
		}
	}
}

// A sampler that stops anywhere and is made again from its cursor gives what it would have given, through changes of the context.
func TestResume(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(40, 400).Draw(r, "n")
		ids := make([]int32, n)
		for i := range ids {
			ids[i] = int32(i)
		}
		data := Of(ids)
		order := rapid.SampledFrom([]string{Shuffle, Stream}).Draw(r, "order")
		seed := rapid.Uint64().Draw(r, "seed")
		ctx := rapid.IntRange(1, 16).Draw(r, "context")
		a, err := NewSampler(data, order, seed, ctx, Cursor{})
		if err != nil {
			r.Fatal(err)
		}
		b, err := NewSampler(data, order, seed, ctx, Cursor{})
		if err != nil {
			r.Fatal(err)
		}
		for range rapid.IntRange(1, 60).Draw(r, "batches") {
			if rapid.Bool().Draw(r, "again") {
				if b, err = NewSampler(data, order, seed, ctx, b.Cursor()); err != nil {
					r.Fatal(err)
				}
			}
			if rapid.IntRange(0, 9).Draw(r, "phase") == 0 {
				ctx = rapid.IntRange(1, 16).Draw(r, "context")
				if a, err = NewSampler(data, order, seed, ctx, a.Cursor()); err != nil {
					r.Fatal(err)
				}
				if b, err = NewSampler(data, order, seed, ctx, b.Cursor()); err != nil {
					r.Fatal(err)
				}
			}
			size := ctx * rapid.IntRange(1, 5).Draw(r, "batch")
			x, y, u, v := make([]int32, size), make([]int32, size), make([]int32, size), make([]int32, size)
			a.Next(x, y)
			b.Next(u, v)
			for i := range x {
				if x[i] != u[i] || y[i] != v[i] || y[i] != x[i]+1 {
					r.Fatalf("%v %v and %v %v", x, y, u, v)
				}
			}
			if a.Cursor() != b.Cursor() {
				r.Fatalf("%+v and %+v", a.Cursor(), b.Cursor())
			}
		}
	})
}

// An epoch gives every token of its sequences once; the next one has another order.
func TestEpoch(t *testing.T) {
	ids := make([]int32, 1001)
	for i := range ids {
		ids[i] = int32(i)
	}
	s, err := NewSampler(Of(ids), Shuffle, 3, 10, Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	var first [2]int32
	for e := range 2 {
		seen := map[int32]bool{}
		x, y := make([]int32, 10), make([]int32, 10)
		for k := range s.Sequences() {
			s.Next(x, y)
			if k == 0 {
				first[e] = x[0]
			}
			for _, v := range x {
				if seen[v] {
					t.Fatalf("epoch %d: token %d twice", e, v)
				}
				seen[v] = true
			}
		}
		if len(seen) < 980 {
			t.Errorf("epoch %d: %d tokens of 1000", e, len(seen))
		}
		if c := s.Cursor(); c.Epoch != uint64(e) {
			t.Errorf("%+v", c)
		}
		if e == 0 { // the epoch turns with the next sequence
			s2, err := NewSampler(Of(ids), Shuffle, 3, 10, s.Cursor())
			if err != nil {
				t.Fatal(err)
			}
			s2.Next(x, y)
			s = s2
			if first[1] = x[0]; first[1] == first[0] {
				t.Error("the second epoch begins like the first")
			}
			// begin it again for the loop above
			c := s.Cursor()
			c.Sequence, c.Tokens = 0, c.Tokens-10
			if s, err = NewSampler(Of(ids), Shuffle, 3, 10, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	same, err := NewSampler(Of(ids), Same, 0, 4, Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]int32, 8), make([]int32, 8)
	for range 3 {
		if same.Next(x, y); x[0] != 0 || x[7] != 7 || y[7] != 8 {
			t.Error(x, y)
		}
	}
	if _, err := NewSampler(Of(ids[:4]), Shuffle, 0, 4, Cursor{}); err == nil {
		t.Error("too few tokens were taken")
	}
	if _, err := NewSampler(Of(ids), "random", 0, 4, Cursor{}); err == nil {
		t.Error("an unknown order was taken")
	}
}

func TestSpread(t *testing.T) {
	d := Of(make([]int32, 101))
	for i := range 10 {
		if at := d.Spread(i, 10, 10); at != 10*i {
			t.Errorf("window %d at %d", i, at)
		}
	}
	if at := d.Spread(2, 3, 10); at != 60 {
		t.Error(at)
	}
}
