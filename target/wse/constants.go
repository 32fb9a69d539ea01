package wse

import (
	"fmt"
	"sort"
	"strings"
)

// Grade says how a constant is known.
type Grade string

// Grades, best first.
const (
	Measured Grade = "measured" // published measurement or limit, read in its source
	Document Grade = "document" // vendor document or first-party code
	Second   Grade = "second"   // read in somebody's notes about a source
	Derived  Grade = "derived"  // arithmetic on other rows
	Assumed  Grade = "assumed"  // not found anywhere: a parameter, judge by its range
)

// Constant is one line of the machine's table.
type Constant struct {
	Key    string
	Value  int64
	Lo, Hi int64 // uncertainty, inclusive
	Unit   string
	Grade  Grade
	Source string
	Effect string // what it changes
	// Changed is set when the caller altered the field after Profile; the source
	// then speaks of the profile's value, not of this one.
	Changed bool
}

// row is a constant of a profile; the key names a field by accessors.
type row struct {
	key    string
	val    int64
	lo, hi int64
	unit   string
	grade  Grade
	source string
}

// field returns accessors of the machine's field for a key. Keys of tables are
// "queue.in.3", "rate.fma.f32.ticks", "map.div", "code.op".
func field(m *Machine, key string) (get func() int64, set func(int64)) {
	num := func(p *int) (func() int64, func(int64)) {
		return func() int64 { return int64(*p) }, func(v int64) { *p = int(v) }
	}
	if p, ok := plainFields(m)[key]; ok {
		return num(p)
	}
	if p, ok := plainFlags(m)[key]; ok {
		return func() int64 {
			if *p {
				return 1
			}
			return 0
		}, func(v int64) { *p = v != 0 }
	}
	part := strings.Split(key, ".")
	switch part[0] {
	case "memory": // memory.model
		return func() int64 { return int64(m.Banks) }, func(v int64) { m.Banks = BankModel(v) }
	case "queue":
		var id int
		fmt.Sscan(part[2], &id)
		list := &m.InQueues
		if part[1] == "out" {
			list = &m.OutQueues
		}
		return func() int64 { return int64((*list)[id].Depth) }, func(v int64) {
			for len(*list) <= id {
				*list = append(*list, QueueSpec{})
			}
			(*list)[id].Depth = int(v)
		}
	case "rate":
		k := RateKey{part[1], part[2] == "f16"}
		setup := part[3] == "setup"
		return func() int64 {
				if setup {
					return int64(m.Rates[k].Setup)
				}
				return int64(m.Rates[k].Ticks)
			}, func(v int64) {
				r := m.Rates[k]
				if setup {
					r.Setup = int(v)
				} else {
					r.Ticks = int(v)
				}
				m.Rates[k] = r
			}
	}
	table := m.MapFn
	if part[0] == "code" {
		table = m.CodeBytes
	}
	return func() int64 { return int64(table[part[1]]) }, func(v int64) { table[part[1]] = int(v) }
}

func plainFlags(m *Machine) map[string]*bool {
	return map[string]*bool{"queue.one-color": &m.OneColorPerQueue, "task.data-id-is-queue": &m.DataTaskIDIsQueue,
		"ut.explicit": &m.ExplicitMicrothread, "switch.both": &m.SwitchBoth, "switch.pop": &m.PopCommands}
}

func plainFields(m *Machine) map[string]*int {
	return map[string]*int{
		"fabric.width": &m.FabricW, "fabric.height": &m.FabricH, "mesh.width": &m.Width, "mesh.height": &m.Height,
		"hop.cycles": &m.HopCycles, "ramp.out.cycles": &m.RampOutCycles, "ramp.in.cycles": &m.RampInCycles,
		"link.ticks": &m.LinkTicks, "ramp.ticks": &m.RampTicks, "router.depth": &m.RouterDepth,
		"colors": &m.Colors, "switch.colors": &m.SwitchColors, "switch.positions": &m.Positions, "filters": &m.Filters,
		"route.cycles": &m.RerouteCycles, "rebind.cycles": &m.RebindCycles, "colors.usable": &m.UsableColors, "ut.count": &m.Microthreads,
		"task.local.lo": &m.LocalTaskLo, "task.local.hi": &m.LocalTaskHi, "task.control": &m.ControlTasks,
		"memory.bytes": &m.MemBytes, "memory.banks": &m.BankCount, "memory.bank.bytes": &m.BankBytes,
		"memory.conflict": &m.ConflictTicks, "memory.span": &m.SpanWords, "memory.reserved": &m.ReservedBytes, "memory.stack": &m.StackBytes,
		"map.call": &m.MapCall, "map.native": &m.MapNative, "call.cycles": &m.CallCycles, "time.cycles": &m.StampCycles,
		"ut.steal": &m.StealTicks, "dsr.cycles": &m.DSRCycles, "fabric.setup": &m.FabricSetup, "async.issue": &m.AsyncIssue,
		"scalar.cycles": &m.ScalarCycles, "load.cycles": &m.LoadCycles, "branch.fall": &m.BranchFall,
		"branch.taken": &m.BranchTaken, "branch.back": &m.LoopBack, "task.ctl.cycles": &m.TaskCtlCycles,
		"task.local.dispatch": &m.LocalDispatch, "task.data.dispatch": &m.DataDispatch, "task.control.dispatch": &m.CtlDispatch, "task.teardown.dispatch": &m.TearDispatch,
		"host.channels": &m.HostChannels, "host.ticks": &m.HostLinkTicks, "host.latency": &m.HostLatency, "host.launch": &m.HostLaunch, "clock.mhz": &m.ClockMHz,
	}
}

// build makes a machine from its rows.
func build(name string, rows []row) Machine {
	m := Machine{Name: name, Rates: map[RateKey]Rate{}, MapFn: map[string]int{}, CodeBytes: map[string]int{}, rows: rows}
	for _, r := range rows {
		_, set := field(&m, r.key)
		set(r.val)
	}
	m.ReservedTasks = []int{21, 22, 23, 27, 28, 29, 30}
	m.InQueues[0].Reserved, m.OutQueues[0].Reserved = true, true
	if m.DataTaskIDIsQueue { // WSE-3: the host interface takes two of each
		m.InQueues[1].Reserved, m.OutQueues[1].Reserved = true, true
	}
	return m
}

// Clone returns a copy that shares nothing mutable with m.
func (m Machine) Clone() Machine {
	m.InQueues = append([]QueueSpec(nil), m.InQueues...)
	m.OutQueues = append([]QueueSpec(nil), m.OutQueues...)
	m.ReservedTasks = append([]int(nil), m.ReservedTasks...)
	rates := make(map[RateKey]Rate, len(m.Rates))
	for k, v := range m.Rates {
		rates[k] = v
	}
	fn := make(map[string]int, len(m.MapFn))
	for k, v := range m.MapFn {
		fn[k] = v
	}
	code := make(map[string]int, len(m.CodeBytes))
	for k, v := range m.CodeBytes {
		code[k] = v
	}
	m.Rates, m.MapFn, m.CodeBytes = rates, fn, code
	return m
}

// Constants lists every constant with its range, source and grade, in the fixed
// order of the profile's table.
func (m Machine) Constants() []Constant {
	out := make([]Constant, len(m.rows))
	for i, r := range m.rows {
		get, _ := field(&m, r.key)
		v := get()
		out[i] = Constant{Key: r.key, Value: v, Lo: r.lo, Hi: r.hi, Unit: r.unit, Grade: r.grade, Source: r.source,
			Effect: Effect(r.key), Changed: v != r.val}
	}
	return out
}

// Smallest returns the machine with every buffer at the low end of its range:
// what a deadlock verdict must hold for.
func (m Machine) Smallest() Machine {
	m = m.Clone()
	for _, r := range m.rows {
		if r.key == "router.depth" || strings.HasPrefix(r.key, "queue.in.") || strings.HasPrefix(r.key, "queue.out.") {
			get, set := field(&m, r.key)
			set(min(get(), r.lo))
		}
	}
	return m
}

// With returns the machine with one constant changed, by its key in Constants.
func (m Machine) With(key string, value int64) (Machine, error) {
	m = m.Clone()
	for _, r := range m.rows {
		if r.key == key {
			_, set := field(&m, key)
			set(value)
			return m, nil
		}
	}
	keys := make([]string, 0, len(m.rows))
	for _, r := range m.rows {
		keys = append(keys, r.key)
	}
	sort.Strings(keys)
	return m, fmt.Errorf("%s has no constant %q; it has %s", m.Name, key, strings.Join(keys, ", "))
}
