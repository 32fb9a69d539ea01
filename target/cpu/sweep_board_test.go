package cpu

import "testing"

// A smoother: its coefficients follow from each other, and from a number that stays. Of the two results of a map one is needed beside the
// tile too, and the other must not be written over something else there.
const chebyshev = `
axis x 9 cells lo 0 h 1
axis y 20 cells lo 0 h 1
axis z 70 cells lo 0 h 1
array @r[x, y, z] f64
array @z[x, y, z] f64
array @f[] f32
array @g[] f32
array @top[] f64
func step {
  map %h f64, %g f32 [] {
    box []
      $0 = read f32 @f[]
      $1 = cvt f64 $0
      $2 = read f64 @top[]
      $3 = add f64 $1, $2
      $4 = const f64 0.25
      $5 = mul f64 $3, $4
      $6 = cvt f32 $5
      yield $5, $6
  }
  map %q f64, %z f64 [x in x 0..9, y in y 0..20, z in z 0..70] {
    box [0..9, 0..20, 0..70]
      $0 = read f64 @r[x, y, z]
      $1 = read f64 %h[]
      $2 = mul f64 $0, $1
      $3 = read f32 @g[]
      $4 = cvt f64 $3
      $5 = read f64 @z[x, y, z]
      $6 = mul f64 $4, $5
      $7 = add f64 $2, $6
      yield $2, $7
  }
  extend %q.y f64 [x in x 0..9, y in y -1..21, z in z 0..70] from %q {
    box [0..9, -1..0, 0..70]
      $0 = read f64 %q[x, y+1, z]
      $1 = neg f64 $0
      yield $1
    box [0..9, 20..21, 0..70]
      $0 = read f64 %q[x, y-1, z]
      $1 = neg f64 $0
      yield $1
  }
  map %s f64 [x in x 0..9, y in y 0..20, z in z 0..70] {
    box [0..9, 0..20, 0..70]
      $0 = read f64 @r[x, y, z]
      $1 = read f64 %q.y[x, y-1, z]
      $2 = read f64 %q.y[x, y+1, z]
      $3 = add f64 $1, $2
      $4 = sub f64 $0, $3
      $5 = read f32 @f[]
      $6 = cvt f64 $5
      $7 = mul f64 $4, $6
      yield $7
  }
  set @r = %s
  set @z = %z
  set @f = %g
  set @g = @f
}
`

// Numbers of every step are computed before the pass, and are in the arrays what they are after its last step.
func TestNumbersInPasses(t *testing.T) {
	needsLLVM(t)
	if !sweptAsInterpreted(t, toolchains()[0], text(chebyshev), "step", 7) {
		t.Error("a function with numbers is not computed in passes")
	}
}

// A number that is made of a point of a field is not known before the pass.
func TestNumbersOfFields(t *testing.T) {
	p := text(`
axis x 64 cells lo 0 h 1
axis y 64 cells lo 0 h 1
array @u[x, y] f32
func point {
  map %a f32 [] {
    box []
      $0 = read f32 @u[3, 4]
      yield $0
  }
  map %u f32 [x in x 0..64, y in y 0..64] {
    box [0..64, 0..64]
      $0 = read f32 @u[x, y]
      $1 = read f32 %a[]
      $2 = add f32 $0, $1
      yield $2
  }
  set @u = %u
}
`)
	if sweptPlan(t, p).funcs["point"].sweep != nil {
		t.Error("it is computed in passes")
	}
}
