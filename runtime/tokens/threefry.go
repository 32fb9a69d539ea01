package tokens

import "math/bits"

// threefry is Threefry-2x32 with 20 rounds: two random words for a key and a counter (Salmon, Moraes, Dror, Shaw: Parallel Random
// Numbers: As Easy as 1, 2, 3, SC11).
func threefry(k0, k1, c0, c1 uint32) (uint32, uint32) {
	rot := [8]int{13, 15, 26, 6, 17, 29, 16, 24}
	k := [3]uint32{k0, k1, 0x1BD11BDA ^ k0 ^ k1}
	x0, x1 := c0+k[0], c1+k[1]
	for r := range 20 {
		x0 += x1
		x1 = bits.RotateLeft32(x1, rot[r%8]) ^ x0
		if r%4 == 3 {
			s := uint32(r/4 + 1)
			x0 += k[s%3]
			x1 += k[(s+1)%3] + s
		}
	}
	return x0, x1
}

// Random gives 64 random bits for a seed, a stream and a counter.
func Random(seed uint64, stream uint32, n uint64) uint64 {
	// The stream changes the key by one application, so that streams of one seed share no counters.
	k0, k1 := threefry(uint32(seed), uint32(seed>>32), stream, 0x57464331)
	a, b := threefry(k0, k1, uint32(n), uint32(n>>32))
	return uint64(b)<<32 | uint64(a)
}

// permutation is a keyed bijection of 0..n-1, computed point by point: a Feistel network on the smallest even number of bits that
// holds n, walked until the result is below n (Black, Rogaway: Ciphers with Arbitrary Finite Domains, CT-RSA 2002, "cycle walking").
type permutation struct {
	n    uint64
	half uint // bits of a half
	k    [rounds][2]uint32
}

const rounds = 8

func newPermutation(n, seed uint64, epoch uint64) permutation {
	p := permutation{n: n, half: uint(max(1, (bits.Len64(max(n, 1)-1)+1)/2))}
	for i := range p.k {
		v := Random(seed, 0x70657200+uint32(i), epoch)
		p.k[i] = [2]uint32{uint32(v), uint32(v >> 32)}
	}
	return p
}

func (p *permutation) at(i uint64) uint64 {
	mask := uint64(1)<<p.half - 1
	for {
		l, r := i>>p.half, i&mask
		for _, k := range p.k {
			f, g := threefry(k[0], k[1], uint32(r), uint32(r>>32))
			l, r = r, l^(uint64(g)<<32|uint64(f))&mask
		}
		if i = l<<p.half | r; i < p.n {
			return i
		}
	}
}
