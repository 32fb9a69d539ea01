/*
Text form (.wfir). Tokens separated by blanks, tabs and line breaks, which mean nothing else; comments run from // to the end of the
line. Print writes one fixed layout and order; Parse takes the declarations in any order.

	wfir 1
	program heat
	axis x 64 cells lo 0 h 0.015625 unit "m"      // or nodes; then maybe periodic
	param n = 64 shape
	scalar c {                                    // host scalar: a body
	  $0 = param f64 n
	  $1 = const f64 0.1
	  $2 = mul f64 $0, $1
	  yield $2
	}
	check ok WF0301 "step {dt} is too long" !10:20
	axis x.f 65 nodes lo 0 h 0.015625 unit "m" of x  // the faces of x
	axis r 2 cells lo 0 h 0.5 at [0, 0.1, 0.3, 0.6, 1]  // uneven: ends, centres and the face between them
	array @T[x] f32 unit "K" {                    // flags: const, local, file "T.npy"
	  bc x lo value {                             // or gradient, or mixed
	    $0 = const f32 500
	    yield $0
	  }
	}
	func step {                                   // or: func init host {
	  map %a f32 [x in x 0..64] {
	    box [0..64]
	      $0 = read f32 @T[x-1]
	      $1 = scalar f32 c
	      $2 = mul f32 $1, $0
	      yield $2
	  }
	  reduce %s f32 [] over [x in x 0..64] sum order canon {
	    box [0..64]
	      $0 = read f32 %a[x]
	      yield $0
	  }
	  extend %g f32 [x in x -1..64] from %a {
	    box [-1..0]
	      $0 = read f32 %a[0]
	      yield $0
	  }
	  set @T = %a
	}
	proc solve until @done {
	  call step
	  loop count { call step }
	  while @more max count {
	    if @small { call step } else { loop count { } }
	  }
	}
	run step count steps t0 t0 dt dt bind dt = last
	run solve count steps clock (@t, @t.low) done @over next @t.next on @t.on due @t.due every @t.every of second
	failure @failed WF0630 "no convergence: {res}" history @norms entries @n !5:9
	output (@T) steps every as vti, png(z 0.25)
	probe p @T at (0.5) steps every

Names that are not identifiers (letters, digits, _ and ', dots between) are quoted. A node is its operation, its element type and its
arguments; the forms of the leaves, of deriv and of shift are

	const f32 0.1      param f64 n        scalar f32 c       read f32 @T[x+1, 3, z]
	index i32 x        coord f64 x        deriv f32 $0 along x order 2 acc 4
	shift f32 $0 along x by -1            read f32 @fine[2*x+1]      read f32 @coarse[(x+1)/2]

Numbers are the shortest decimals that read back exactly (f16 and f32 constants: in 32 bits), hexadecimal floats, inf, -inf or
nan(bits). reduce takes sum, prod, max or min, maybe fma, and order seq, canon or mesh(x 4, y 3). "!start:end" is a byte range of the
source program. Integers of ranges and offsets are below 2^40 in magnitude, texts at most 64 MiB.
*/
package ir
