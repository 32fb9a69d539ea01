package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strconv"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"percent": func(used, limit int) int {
		if limit <= 0 {
			return 0
		}
		return min(100, used*100/limit)
	},
	"over":  func(used, limit int) bool { return used > limit },
	"count": count,
	"num":   func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) },
	"span":  spanText,
	"cyc":   func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) },
	"pct":   func(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) },
	"gig":   func(v float64) string { return strconv.FormatFloat(v/1e9, 'f', 2, 64) },
	"mul":   func(a, b float64) float64 { return a * b },
	"part":  func(v, of float64) float64 { return v / max(of, 1e-300) },
	"hex":   func(v int) string { return fmt.Sprintf("0x%04x", v) },
}).Parse(pageText))

// HTML is the report as one self-contained page: no scripts, no other files, light or dark as the reader's system is.
func (r *Report) HTML() ([]byte, error) {
	r.fill()
	v := view{Report: r}
	if w := r.Wafer; w != nil {
		v.Floor = floorplan(w)
		for i := range w.Colors {
			if len(w.Colors[i].Routes) > 0 {
				v.Colors = append(v.Colors, colorView{&w.Colors[i], routeMap(w, &w.Colors[i])})
			}
		}
		for _, i := range w.Worst {
			if i >= 0 && i < len(w.Ops) {
				v.Worst = append(v.Worst, worstView{w.Ops[i], w.classes(w.Ops[i]) - 1})
			}
		}
		for i := range w.Classes {
			v.Classes = append(v.Classes, classView{&w.Classes[i], memoryMap(&w.Classes[i]), template.CSS(hue(i))})
		}
	}
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

type view struct {
	*Report
	Floor   template.HTML
	Colors  []colorView
	Worst   []worstView
	Classes []classView
}

type worstView struct {
	Operation
	Others int // classes besides
}

type colorView struct {
	*Color
	Map template.HTML
}

type classView struct {
	*Class
	Map  template.HTML
	Fill template.CSS
}

// count is a number with thin groups of three digits.
func count(n any) string {
	s := fmt.Sprint(n)
	neg := len(s) > 0 && s[0] == '-'
	if neg {
		s = s[1:]
	}
	out := ""
	for len(s) > 3 {
		out, s = "\u202f"+s[len(s)-3:]+out, s[:len(s)-3]
	}
	if out = s + out; neg {
		out = "-" + out
	}
	return out
}

// spanText is "3", "0..9" or "0..8 by 2".
func spanText(r Range) string {
	n := r.Len()
	switch {
	case n == 0:
		return "none"
	case n == 1:
		return strconv.Itoa(r.Lo)
	case r.Step > 1:
		return fmt.Sprintf("%d..%d by %d", r.Lo, r.Lo+(n-1)*r.Step, r.Step)
	}
	return fmt.Sprintf("%d..%d", r.Lo, r.Hi-1)
}

// hue is the fill of class i: neighbours in the list are far apart on the colour circle (steps of the golden angle).
func hue(i int) string { return fmt.Sprintf("hsl(%d 55%% 55%%)", (i*13751/100+200)%360) }
