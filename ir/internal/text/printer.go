package text

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Printer collects lines.
type Printer struct{ b strings.Builder }

// Line writes one line at an indentation of two spaces per level.
func (p *Printer) Line(level int, format string, args ...any) {
	for range level {
		p.b.WriteString("  ")
	}
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteByte('\n')
}

// Gap writes an empty line.
func (p *Printer) Gap() { p.b.WriteByte('\n') }

func (p *Printer) String() string { return p.b.String() }

// Name writes a name, quoted unless it is an identifier.
func Name(s string) string {
	if isIdent(s) {
		return s
	}
	return strconv.Quote(s)
}

// Float writes the shortest decimal that reads back exactly: as a 32-bit number when bits is 32 and x is one. A number that is not
// representable in 32 bits is then written in hexadecimal.
func Float(x float64, bits int) string {
	switch {
	case x != x:
		return fmt.Sprintf("nan(%#x)", math.Float64bits(x))
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	case bits == 32 && float64(float32(x)) != x:
		return strconv.FormatFloat(x, 'x', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, bits)
}

// Pos writes " !start:end", or nothing for the unknown position.
func Pos(start, end int) string {
	if start == 0 && end == 0 {
		return ""
	}
	return fmt.Sprintf(" !%d:%d", start, end)
}

// Unit writes ` unit "m"`, or nothing for no unit.
func Unit(u string) string {
	if u == "" {
		return ""
	}
	return " unit " + strconv.Quote(u)
}
