package wse

import (
	"fmt"
	"math/bits"
	"strings"
)

// Switch makes a route change under way: control wavelets move a router from position to position. The route's own Rx and Tx are
// position 0.
type Switch struct {
	Pos   []Position // positions 1 and up
	Start int        // initial position
	Ring  bool       // an advance past the last position goes to position 0; else it changes nothing
	Pop   PopMode
}

// Position is one setting of a switch.
type Position struct {
	Rx Dir
	Tx DirSet
}

// PopMode says when a router takes the first command off a control wavelet that it has obeyed, so that the next router sees the next one.
type PopMode uint8

// Pop modes.
const (
	PopNever PopMode = iota
	PopAlways
	PopOnAdvance
)

var popNames = [...]string{"never", "always", "advance"}

func (p PopMode) String() string { return popNames[p] }

// FilterKind of a route.
type FilterKind uint8

// Filters.
const (
	FilterRange   FilterKind = iota // wavelets whose upper 16 bits are in [Lo, Hi] reach the CE
	FilterCounter                   // those that meet a counter of at most Max; it counts on and is 0 after Limit
)

// Filter selects which data wavelets of a color the router hands to its CE. Other ports get them all, and control wavelets pass
// uncounted.
type Filter struct {
	Kind   FilterKind
	Lo, Hi int // FilterRange
	Init   int // FilterCounter
	Max    int
	Limit  int
}

// Passes reports whether a data wavelet reaches the CE, and the counter after it.
func (f *Filter) Passes(value uint32, counter int) (ok bool, next int) {
	if f.Kind == FilterRange {
		w := int(value >> 16)
		return w >= f.Lo && w <= f.Hi, counter
	}
	next = counter + 1
	if counter >= f.Limit {
		next = 0
	}
	return counter <= f.Max, next
}

// Command of a control wavelet to the routers on its way.
type Command uint8

// Commands; the numbers are those of the hardware.
const (
	CmdNop Command = iota
	CmdAdvance
	CmdReset // to the initial position
	CmdTeardown
)

var cmdNames = [...]string{"nop", "advance", "reset", "teardown"}

// MaxCommands is the number of commands a control wavelet carries here: three bits each from bit 22 on.
const MaxCommands = 3

const cmdShift, cmdIgnore = 22, 1 << 24

// ControlWord is the value of a control wavelet: bits 0 to 15 data, 16 to 21 the control task, then a command and a bit that keeps
// the wavelet from the CE for each slot. A negative task makes a wavelet that no CE sees.
func ControlWord(task int, data uint16, cmds ...Command) uint32 {
	w := uint32(data)
	if task >= 0 {
		w |= uint32(task&63) << 16
	}
	for i := 0; i < MaxCommands; i++ {
		slot := uint32(0)
		if i < len(cmds) {
			slot = uint32(cmds[i])
		}
		if task < 0 {
			slot |= 4
		}
		w |= slot << (cmdShift + 3*i)
	}
	return w
}

// controlText is a control wavelet's value as machine text spells it; hexadecimal where `cmd` cannot say it.
func controlText(w uint32) string {
	cmds := make([]Command, MaxCommands)
	for i := range cmds {
		cmds[i] = Command(w >> (cmdShift + 3*i) & 3)
	}
	for len(cmds) > 1 && cmds[len(cmds)-1] == CmdNop {
		cmds = cmds[:len(cmds)-1]
	}
	task, data := int(w>>16&63), uint16(w)
	if IgnoredByCE(w) {
		task = -1
	}
	if ControlWord(task, data, cmds...) != w {
		return fmt.Sprintf("%#x", w)
	}
	var s []string
	for _, c := range cmds {
		s = append(s, cmdNames[c])
	}
	text := strings.Join(s, ", ")
	if task >= 0 {
		text += fmt.Sprintf(" task %d", task)
	}
	if data != 0 {
		text += fmt.Sprintf(" data %d", data)
	}
	return "cmd(" + text + ")"
}

// CommandOf is the first command of a control wavelet.
func CommandOf(w uint32) Command { return Command(w >> cmdShift & 3) }

// IgnoredByCE reports whether the wavelet stays away from the CE at this router.
func IgnoredByCE(w uint32) bool { return w&cmdIgnore != 0 }

// PopCommand removes the first command; what follows the last one is nop, with the CE bit of the last.
func PopCommand(w uint32) uint32 {
	const low = 1<<cmdShift - 1
	slots := w >> cmdShift & 0x1ff
	return w&low | (slots>>3|slots&0x100)<<cmdShift
}

// At is position i of a route.
func (r Route) At(i int) Position {
	if i == 0 || r.Switch == nil {
		return Position{r.Rx, r.Tx}
	}
	return r.Switch.Pos[i-1]
}

// Positions is the number of positions of a route.
func (r Route) Positions() int {
	if r.Switch == nil {
		return 1
	}
	return 1 + len(r.Switch.Pos)
}

// CanSwitch reports whether routers can switch a color.
func (m Machine) CanSwitch(color int) bool {
	return color >= 0 && color < 32 && m.SwitchColors>>color&1 == 1
}

// Dynamic reports whether anything in the program can change a route, a switch or a queue binding while it runs, or keep a wavelet
// from a CE. A control wavelet whose value is not written in the program can.
func (p *Program) Dynamic() bool {
	for _, r := range p.Routes {
		if r.Switch != nil || r.Filter != nil || r.Teardown {
			return true
		}
	}
	found := false
	for _, c := range p.Classes {
		for _, t := range c.Tasks {
			found = found || t.Kind == Handler
		}
		for _, body := range c.Bodies() {
			Walk(body, func(s Stmt) {
				switch s := s.(type) {
				case *Reroute, *Rebind:
					found = true
				case *Op:
					found = found || s.Dst.Advance || s.Dst.Control && s.commands()
				}
			})
		}
	}
	return found
}

// Controls calls f for every operation that sends control wavelets.
func (p *Program) Controls(f func(*Class, *Op)) {
	for _, c := range p.Classes {
		for _, body := range c.Bodies() {
			Walk(body, func(s Stmt) {
				if o, ok := s.(*Op); ok && o.Dst.Control {
					f(c, o)
				}
			})
		}
	}
}

// commands reports whether the control wavelets an operation sends may carry commands or stay away from CEs: also when their value is not
// written in the program.
func (o *Op) commands() bool {
	if o.Code == OpMov && len(o.Src) == 1 && o.Src[0].Kind == Imm {
		return o.Src[0].Bits>>cmdShift != 0
	}
	return true
}

func single(s DirSet) bool { return bits.OnesCount8(uint8(s)) == 1 }

// Reroute gives a color of this PE's router a new route, with switch positions of its own or none, and takes it out of teardown (CSL: the
// <tile_config> library). The PE must have a route of the color, whose filter stays.
type Reroute struct {
	Color  int
	Rx     Dir
	Tx     DirSet
	Switch *Switch // further positions; nil = none
	Line   string
}

// Route is what the router of the PE becomes.
func (r *Reroute) Route() Route { return Route{Color: r.Color, Rx: r.Rx, Tx: r.Tx, Switch: r.Switch} }

// Settings are the positions of a route.
func (r Route) Settings() []Position {
	out := make([]Position, r.Positions())
	for i := range out {
		out[i] = r.At(i)
	}
	return out
}

// Rebind binds a queue to another color. An output queue is flushed first: the CE waits until it is empty. An input queue must be
// empty.
type Rebind struct {
	Queue  string
	Colors []ColorAt
	Line   string
}

func (*Reroute) stmt() {}
func (*Rebind) stmt()  {}

// Color is the new color in PE (x, y), or -1.
func (r *Rebind) Color(x, y int) int { return Queue{Colors: r.Colors}.Color(x, y) }
