package wse

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
)

// VariantExt ends the names of machine files.
const VariantExt = ".machine"

// Profile returns a machine by name: a profile, or a variant of one spelled in its name, "wse2+router.depth=8+link.ticks=1125".
// That is the Name a variant from a file gets, so that whatever was compiled for it says what it needs without the file.
func Profile(name string) (Machine, error) {
	base, rest, isVariant := strings.Cut(name, "+")
	m, err := plainProfile(base)
	if err != nil || !isVariant {
		return m, err
	}
	for _, item := range strings.Split(rest, "+") {
		key, val, _ := strings.Cut(item, "=")
		n, err := strconv.ParseInt(val, 10, 64)
		if err != nil {
			return Machine{}, fmt.Errorf("machine %q: %q is no KEY=NUMBER", name, item)
		}
		if m, err = m.vary(key, n); err != nil {
			return Machine{}, fmt.Errorf("machine %q: %w", name, err)
		}
	}
	if err := m.sound(); err != nil {
		return Machine{}, fmt.Errorf("machine %q: %w", name, err)
	}
	m.Name = m.variantName(base)
	return m, nil
}

func plainProfile(name string) (Machine, error) {
	if a, ok := aliases[name]; ok {
		name = a
	}
	for _, p := range profiles {
		if p.name == name {
			return build(name, p.rows), nil
		}
	}
	return Machine{}, fmt.Errorf("unknown machine %q: the profiles are %v", name, Profiles())
}

// variantName spells what differs from the profile, in the order of its table.
func (m Machine) variantName(base string) string {
	if a, ok := aliases[base]; ok {
		base = a
	}
	for _, c := range m.Constants() {
		if c.Changed {
			base += fmt.Sprintf("+%s=%d", c.Key, c.Value)
		}
	}
	return base
}

// bounds are the values a variant may give a constant: any that the simulator can run, inside the published range or not.
func bounds(key string) (lo, hi int64) {
	part := strings.Split(key, ".")
	switch {
	case part[0] == "fabric" && part[1] != "setup", part[0] == "mesh":
		return 1, 4096
	case key == "router.depth", part[0] == "queue" && len(part) == 3:
		return 1, 4096
	case key == "link.ticks", key == "ramp.ticks", key == "memory.conflict":
		return TicksPerCycle, 1000 * TicksPerCycle
	case part[0] == "rate" && part[3] == "ticks":
		return 1, 1000 * TicksPerCycle
	case key == "memory.model":
		return 0, int64(BanksSlow)
	case key == "memory.bytes":
		return 1024, 1 << 24
	case key == "memory.banks":
		return 1, 64
	case key == "colors", key == "colors.usable", key == "task.control":
		return 1, 64
	case key == "ut.count":
		return 1, 64
	case key == "task.local.lo", key == "task.local.hi":
		return 0, 63
	case key == "switch.positions", key == "filters":
		return 1, 64
	case plainFlags(&Machine{})[key] != nil:
		return 0, 1
	case part[0] == "hop", part[0] == "ramp":
		return 1, 100_000
	}
	return 0, 100_000_000
}

// vary is With for a value from outside.
func (m Machine) vary(key string, v int64) (Machine, error) {
	out, err := m.With(key, v)
	if err != nil {
		return m, err
	}
	if lo, hi := bounds(key); v < lo || v > hi {
		return m, fmt.Errorf("%s = %d is not in %d to %d", key, v, lo, hi)
	}
	return out, nil
}

// sound refuses a variant whose constants contradict each other.
func (m Machine) sound() error {
	switch {
	case m.Width > m.FabricW || m.Height > m.FabricH:
		return fmt.Errorf("mesh.width and mesh.height (%d x %d) exceed the fabric of %d x %d", m.Width, m.Height, m.FabricW, m.FabricH)
	case m.UsableColors > m.Colors:
		return fmt.Errorf("colors.usable = %d exceeds colors = %d", m.UsableColors, m.Colors)
	case m.ReservedBytes+m.StackBytes >= m.MemBytes:
		return fmt.Errorf("memory.reserved and memory.stack leave nothing of memory.bytes = %d", m.MemBytes)
	}
	return nil
}

// ParseVariant reads a machine file: a line `base PROFILE`, then lines `KEY = NUMBER`; `//` and `#` start comments. name is the
// file's, for messages. The error is a diag.List with spans.
func ParseVariant(name, src string) (Machine, error) {
	var list diag.List
	f := diag.NewFile(name, src)
	var m Machine
	base, seen, pos := "", map[string]bool{}, 0
	for _, line := range strings.SplitAfter(src, "\n") {
		start := pos
		pos += len(line)
		text := line
		for _, mark := range []string{"//", "#"} {
			text, _, _ = strings.Cut(text, mark)
		}
		trimmed := strings.TrimSpace(text)
		if trimmed == "" {
			continue
		}
		start += strings.Index(text, trimmed)
		fail := func(format string, args ...any) *diag.Diagnostic {
			return list.Add(diag.New("WF0606", diag.Span{File: f, Start: start, End: start + len(trimmed)}, format, args...))
		}
		key, val, isPair := strings.Cut(trimmed, "=")
		key, val = strings.TrimSpace(key), strings.TrimSpace(val)
		if word := strings.Fields(trimmed); !isPair && len(word) == 2 && word[0] == "base" {
			key, val = word[0], word[1]
		}
		switch {
		case key == "base" && base != "":
			fail("the base is given twice")
		case key == "base":
			base = val
			var err error
			if m, err = plainProfile(val); err != nil {
				d := fail("%v", err)
				if n, ok := diag.Nearest(val, Profiles()); ok {
					d.Suggest("did you mean %s?", n)
				}
				return m, list
			}
		case base == "":
			fail("a machine file begins with `base PROFILE`").Suggest("write `base wse2` first")
			return m, list
		case !isPair:
			fail("expected `KEY = NUMBER`, found %q", trimmed)
		case seen[key]:
			fail("%s is given twice", key)
		default:
			seen[key] = true
			n, err := strconv.ParseInt(strings.ReplaceAll(val, "_", ""), 10, 64)
			if err != nil {
				fail("%q is no whole number", val).Suggest("figures below a cycle are in ticks, %d to a cycle", TicksPerCycle)
				continue
			}
			if !m.has(key) {
				d := fail("%s has no constant %q", base, key)
				if near, ok := diag.Nearest(key, m.keys()); ok {
					d.Suggest("did you mean %s?", near)
				}
				continue
			}
			v, err := m.vary(key, n)
			if err != nil {
				fail("%v", err)
				continue
			}
			m = v
		}
	}
	end := diag.Span{File: f, Start: len(src), End: len(src)}
	if base == "" {
		list.Add(diag.New("WF0606", end, "a machine file begins with `base PROFILE`")).Suggest("write `base wse2`")
	} else if err := m.sound(); err != nil && len(list) == 0 {
		list.Add(diag.New("WF0606", end, "%v", err))
	}
	if err := list.Err(); err != nil {
		return m, err
	}
	m.Name = m.variantName(base)
	return m, nil
}

func (m Machine) keys() []string {
	out := make([]string, len(m.rows))
	for i, r := range m.rows {
		out[i] = r.key
	}
	return out
}

func (m Machine) has(key string) bool {
	for _, r := range m.rows {
		if r.key == key {
			return true
		}
	}
	return false
}

// maxVariant bounds a machine file.
const maxVariant = 1 << 20

// Find returns the machine a user names: a file that ends in VariantExt, or what Profile takes.
func Find(name string) (Machine, error) {
	if !strings.HasSuffix(name, VariantExt) {
		return Profile(name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return Machine{}, err
	}
	if info.Size() > maxVariant {
		return Machine{}, fmt.Errorf("%s has %d bytes; machine files may have %d", name, info.Size(), maxVariant)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return Machine{}, err
	}
	return ParseVariant(name, string(b))
}
