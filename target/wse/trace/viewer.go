package trace

import (
	"bufio"
	"fmt"
	"io"
	"sort"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Viewer writes the text trace that the public viewer davidz-cerebras/wse-viz reads, the format of the vendor's simulator as far as that
// viewer shows it: what each CE executes, its stalls, back pressure, and every hop of every wavelet. Our operations carry the mnemonic of
// the instruction that would do their work, so that the viewer colours them.
type Viewer struct {
	w     *bufio.Writer
	codes []sim.Code
	class []int32
	width int
	win   Window
	now   int64
	later []line // of cycles to come
	err   error
}

type line struct {
	cycle int64
	text  string
}

// NewViewer writes what happens in s to w.
func NewViewer(w io.Writer, s *sim.Sim, win Window) *Viewer {
	width, height := s.Size()
	v := &Viewer{w: bufio.NewWriter(w), codes: s.Codes(), class: s.ClassOf(), width: width, win: win, now: -1}
	v.put(fmt.Sprintf("@0 dimX=%d, dimY=%d\n", width, height))
	return v
}

func (v *Viewer) put(s string) {
	if _, err := v.w.WriteString(s); err != nil && v.err == nil {
		v.err = err
	}
}

// advance writes what was put off until t.
func (v *Viewer) advance(t int64) {
	if t <= v.now {
		return
	}
	v.now = t
	sort.SliceStable(v.later, func(i, j int) bool { return v.later[i].cycle < v.later[j].cycle })
	n := 0
	for n < len(v.later) && v.later[n].cycle <= t {
		v.put(v.later[n].text)
		n++
	}
	v.later = v.later[:copy(v.later, v.later[n:])]
}

// Event implements sim.Sink.
func (v *Viewer) Event(e *sim.Event) {
	v.advance(e.Cycle)
	if e.PE < 0 {
		return
	}
	x, y := e.PE%v.width, e.PE/v.width
	if e.Kind == sim.EvHop {
		v.hop(e, x, y)
		return
	}
	if !v.win.Contains(x, y) {
		return
	}
	at := fmt.Sprintf("@%d P%d.%d", e.Cycle, x, y)
	if e.Kind == sim.EvUp {
		v.put(fmt.Sprintf("%s: Sending wavelet C%d data ident:%016x on OUT_Q[%d]\n", at, e.Color, e.Wavelet, hardware(&v.codes[v.class[e.PE]], e.Queue)))
		t := e.Cycle + e.N
		v.later = append(v.later, line{t, fmt.Sprintf("@%d P%d.%d (hwtile) landing C%d from link R, ident=%x\n", t, x, y, e.Color, e.Wavelet)},
			line{t, v.wavelet(t, x, y, e, "R", "     ", "")})
		return
	}
	code := &v.codes[v.class[e.PE]]
	sync := int(e.Thread) == len(code.Threads)
	switch e.Kind {
	case sim.EvDispatch:
		v.put(fmt.Sprintf("%s: [EX OP] ^ 0x%04x: T%02d TASK\n", at, 0xf000+int(e.Task), code.Tasks[e.Task].ID))
	case sim.EvTaskEnd:
		v.put(at + ": [EX OP] IDLE\n")
	case sim.EvIns:
		in := &code.Ins[e.PC]
		v.execute(at, code, e.PC)
		if conflict(in) > 0 && !in.Async {
			v.put(fmt.Sprintf("%s: Pipe: 5, Msg: stall: read conflict MEM[%04x](b%d)\n", at, in.Addr, in.Addr/4%4))
			v.execute(at, code, e.PC)
		}
	case sim.EvOpBegin:
		if sync {
			v.execute(at, code, e.PC)
		}
	case sim.EvStall:
		v.stall(at, code, e, sync, x, y)
	case sim.EvGo:
		if sync {
			v.execute(at, code, e.PC)
		}
	case sim.EvSend:
		v.put(fmt.Sprintf("%s: Writing wavelet C%d data=%08x to OUT_Q[%d]\n", at, e.Color, e.Value, code.Outputs[e.Queue].ID))
	case sim.EvTake:
		v.put(v.wavelet(e.Cycle, x, y, e, "-", "     ", ", to_ce_from_q"))
	}
}

// hardware is the id of hardware output queue q of a class, as EvUp counts them: by id, each once.
func hardware(code *sim.Code, q int32) int {
	for i := range code.Outputs {
		if i == 0 || code.Outputs[i].ID != code.Outputs[i-1].ID {
			if q--; q < 0 {
				return code.Outputs[i].ID
			}
		}
	}
	return -1
}

// stall writes why a CE waits. The viewer has a stall last until something else is executed.
func (v *Viewer) stall(at string, code *sim.Code, e *sim.Event, sync bool, x, y int) {
	if e.Queue < 0 { // for a FIFO in memory
		if sync {
			v.put(fmt.Sprintf("%s: [EX OP] IDLE\n%s: Pipe: 7, Msg: stall: %s\n", at, at, stallName(e.Why)))
		}
		return
	}
	if e.Why != sim.WhyOperand {
		q := code.Outputs[e.Queue]
		v.put(fmt.Sprintf("%s: Backpressure on C%d for OUT_Q[%d]\n", at, q.Color(x, y), code.Outputs[e.Queue].ID))
		if sync {
			v.put(fmt.Sprintf("%s: [EX OP] IDLE\n%s: Pipe: 7, Msg: stall: %s\n", at, at, stallName(e.Why)))
		}
		return
	}
	if sync {
		q := code.Inputs[e.Queue]
		v.put(fmt.Sprintf("%s: [EX OP] IDLE\n%s: Not enough wavelets (0/1) for SRC0 with C%d, IN_Q[%d], SIMD-1\n", at, at, q.Color(x, y), q.ID))
	}
}

func (v *Viewer) execute(at string, code *sim.Code, pc int32) {
	in := &code.Ins[pc]
	name, id := mnemonic(in), code.Tasks[in.Task].ID
	if in.Op != nil {
		v.put(fmt.Sprintf("%s: [IS OP] ^ 0x%04x: T%02d %s %s\n", at, pc, id, name, operands(in.Op)))
	}
	v.put(fmt.Sprintf("%s: [EX OP] ^ 0x%04x: T%02d %s\n", at, pc, id, name))
}

// operands in the fields that the viewer shows.
func operands(o *wse.Op) string {
	name := func(x wse.Operand) string {
		switch {
		case x.Kind == wse.Fabric:
			return "[" + x.Queue + "]"
		case x.Array != "":
			return "[" + x.Array + "]"
		case x.Reg != "":
			return x.Reg
		}
		return fmt.Sprintf("imm(%x)", x.Bits)
	}
	s := "Dest:" + name(o.Dst)
	for i, x := range o.Src {
		s += fmt.Sprintf(" Src%d:%s", i, name(x))
	}
	return s
}

var mnemonics = map[wse.Opcode]string{wse.OpAdd: "FADD", wse.OpSub: "FSUB", wse.OpMul: "FMUL", wse.OpFma: "FMAC", wse.OpNeg: "FNEG", wse.OpAbs: "FABS",
	wse.OpMax: "FMAX", wse.OpMin: "FMIN", wse.OpDot: "FDP", wse.OpSum: "FADD", wse.OpRedMax: "FMAX", wse.OpRedMin: "FMIN", wse.OpRedMul: "FMUL",
	wse.OpFma3: "FMAC", wse.OpLt: "FLT", wse.OpLe: "FLTEQ", wse.OpEq: "FEQ", wse.OpDiv: "FDIVS"}

var wordMnemonics = map[wse.Opcode]string{wse.OpMapAdd: "ADD", wse.OpMapSub: "SUB", wse.OpSum: "ADD", wse.OpAnd: "AND", wse.OpOr: "OR", wse.OpXor: "XOR",
	wse.OpNot: "NOT", wse.OpShl: "SLL", wse.OpShr: "SLR", wse.OpLt: "LT", wse.OpLe: "LTE", wse.OpEq: "EQ"}

func mnemonic(in *sim.Ins) string {
	o := in.Op
	if o == nil {
		switch in.Text {
		case "branch":
			return "JMP"
		case "exit", "end":
			return "TERM"
		}
		return "ADD16"
	}
	half := o.Elem.Bytes() == 2
	suffix := func(s, h string) string {
		if half {
			return h
		}
		return s
	}
	if o.Code == wse.OpMov {
		return suffix("MOV32", "MOV16")
	}
	if o.Elem == wse.F32 || o.Elem == wse.F16 {
		if m := mnemonics[o.Code]; m != "" {
			return m + suffix("S", "H")
		}
	} else if m := wordMnemonics[o.Code]; m != "" {
		return m + suffix("32", "16")
	}
	return "CALL." + o.Code.String()
}

// wavelet is the line of a wavelet at a router. Landing is the port it came by, departing one column for each of E, N, W, S and the ramp.
func (v *Viewer) wavelet(t int64, x, y int, e *sim.Event, landing, departing, more string) string {
	ctrl := 0
	if e.Control {
		ctrl = 1
	}
	return fmt.Sprintf("@%d P%d.%d (hwtile) wavelet C%d ctrl=%d, idx=%04x, data=%04x (u32(%d)), half=0, ident=%016x landing=%s departing=/%s/%s\n",
		t, x, y, e.Color, ctrl, e.Value>>16, e.Value&0xffff, e.Value, e.Wavelet, landing, departing, more)
}

var letters = [...]string{wse.North: "N", wse.East: "E", wse.South: "S", wse.West: "W", wse.Ramp: "R"}

func (v *Viewer) hop(e *sim.Event, x, y int) {
	mask := []byte("     ")
	for i, d := range [...]wse.Dir{wse.East, wse.North, wse.West, wse.South, wse.Ramp} {
		if !e.Tx.Has(d) {
			continue
		}
		mask[i] = letters[d][0]
		if d == wse.Ramp {
			continue
		}
		dx, dy := d.Delta()
		if nx, ny := x+dx, y+dy; v.win.Contains(nx, ny) {
			// The viewer looks for a wavelet that departs in one cycle at the neighbour in the next.
			from := letters[d.Opposite()]
			v.later = append(v.later, line{e.Cycle + 1, fmt.Sprintf("@%d P%d.%d (hwtile) landing C%d from link %s, ident=%x\n", e.Cycle+1, nx, ny, e.Color, from, e.Wavelet)},
				line{e.Cycle + 1, v.wavelet(e.Cycle+1, nx, ny, e, from, "     ", "")})
		}
	}
	if v.win.Contains(x, y) {
		v.put(v.wavelet(e.Cycle, x, y, e, "-", string(mask), ""))
	}
}

// Close writes what is left.
func (v *Viewer) Close() error {
	v.advance(1<<63 - 1)
	if err := v.w.Flush(); err != nil && v.err == nil {
		v.err = err
	}
	return v.err
}
