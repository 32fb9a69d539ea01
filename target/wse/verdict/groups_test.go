package verdict

import (
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
)

// A line of senders whose routers turn is judged by a few of them, with as many messages less, or as a whole where messages are taken one by one.
func TestLinesOfSenders(t *testing.T) {
	text := func(parts int, own, receive string) string {
		return fmt.Sprintf(`machine wse2
mesh %[1]d 1
class root { at x 0..1 y 0..1 array u f32[2] queue q in 2 color 0
  task main local 8 { %[3]s exit } entry main }
class leaf { at x 1..%[2]d y 0..1 array u f32[2] queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 2%[4]s) = u[0 : 2] exit } entry main }
class last { at x %[2]d..%[1]d y 0..1 array u f32[2] queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 2) = u[0 : 2] mov.u32 ctl(q, 1) = cmd(advance) exit } entry main }
route color 0 at x 0..1 y 0..1 rx east tx ramp
route color 0 at x 1..%[2]d y 0..1 rx ramp tx west pos rx east ring
route color 0 at x %[2]d..%[1]d y 0..1 rx ramp tx west
`, parts, parts-1, receive, own)
	}
	once := func(n int) string {
		return fmt.Sprintf("add.f32 u[0 : %d*0, 2] = u[0 : %d*0, 2], fab(q, %d)", n, n, 2*n)
	}
	m, err := wse.Profile("wse2")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		what, text string
		want       Kind
		kept       int // most PEs executed
	}{
		{"in turn", text(300, ", advance own", once(299)), Free, 10},
		{"one message too many", text(300, ", advance own", once(300)), Deadlocks, 300},
		{"routers that never turn", text(300, "", once(299)), Deadlocks, 10},
		{"one by one", text(12, ", advance own", "set %i = 11 while %i > 0 { set %i = %i - 1 add.f32 u[0 : 2] = u[0 : 2], fab(q, 2) }"), Free, 12},
	} {
		p, err := wse.Parse("line.wse", x.text)
		if err != nil {
			t.Fatal(x.what, err)
		}
		if v, err := Judge(p, m, Options{}); err != nil || v.Kind != x.want {
			t.Errorf("%s: %v %v", x.what, v, err)
		}
		if c := newModel(p, m, true); len(c.xs) > x.kept {
			t.Errorf("%s: %d PEs are executed", x.what, len(c.xs))
		}
	}
}
