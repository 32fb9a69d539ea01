package wse

import "slices"

// The WSE-1 (CS-1) and silicon profiles are few measured rows over a sibling's table.

// derived is a table with some rows replaced, the others marked as taken over when mark is not empty.
func derived(base []row, mark string, over ...row) []row {
	out := slices.Clone(base)
	for i := range out {
		if k := slices.IndexFunc(over, func(r row) bool { return r.key == out[i].key }); k >= 0 {
			out[i] = over[k]
		} else if mark != "" {
			out[i].grade, out[i].source = Assumed, mark+": "+out[i].source
		}
	}
	return out
}

// wse1Rows: next to nothing below the level of whole programs was published for the CS-1. Its language and queues are taken to be
// those of its successor.
var wse1Rows = derived(wse2Rows, "taken over from WSE-2",
	row{"fabric.width", 602, 600, 633, "PE", Assumed, "602 x 595 quoted from memory in reviews of arXiv 2010.03660; its program used 600 x 595"},
	row{"fabric.height", 595, 595, 633, "PE", Assumed, "602 x 595 quoted from memory in reviews of arXiv 2010.03660; its program used 600 x 595"},
	row{"mesh.width", 600, 595, 602, "PE", Second, "Rocki et al., arXiv 2010.03660: 600 x 595 PEs"},
	row{"mesh.height", 595, 593, 595, "PE", Second, "Rocki et al., arXiv 2010.03660: 600 x 595 PEs"},
	row{"hop.cycles", 1, 1, 1, "cycles", Derived, "Rocki: a scalar all-reduce over the wafer takes 1.1 times its diameter; 1,315 cycles are 1.5 us at 0.875 GHz"},
	row{"rate.fma.f16.ticks", 250, 250, 500, "ticks/element", Second, "survey: 4 half-precision FMAC lanes"},
	row{"memory.bytes", 49152, 49152, 49152, "bytes", Second, "survey: 18 GB over 400,000 PEs, 48 kB each"},
	row{"clock.mhz", 875, 850, 1100, "MHz", Derived, "Rocki's cycles and times agree at 0.875 to 0.9 GHz"},
)

// wse3siRows: the same machine as the silicon shows it. Rows not named here were not measured apart from the simulator's.
var wse3siRows = derived(wse3Rows, "",
	row{"link.ticks", 1125, 1125, 1125, "ticks/wavelet", Measured, "FABRICA 4, 10g: 1.125 cycles per wavelet on CS-3; agent-memory: 0.889 wavelets per cycle on one link"},
	row{"ramp.ticks", 1000, 1000, 1125, "ticks/wavelet", Assumed, "the link's derate was not measured at the ramp"},
	row{"rate.copy.f32.ticks", 410, 250, 415, "ticks/element", Measured, "FABRICA 3, CS-3: 2.44 per cycle"},
	row{"rate.copy.f16.ticks", 207, 125, 208, "ticks/element", Measured, "FABRICA 3, CS-3: 4.82 per cycle"},
	row{"rate.fma.f16.ticks", 342, 250, 345, "ticks/element", Measured, "FABRICA 3, CS-3: 2.92 per cycle"},
	row{"rate.add.f16.ticks", 342, 250, 415, "ticks/element", Derived, "the simulator's 4 per cycle with the memory derate of fma, 1.37; other paths lose up to 1.66"},
	row{"rate.mul.f16.ticks", 342, 250, 415, "ticks/element", Derived, "the simulator's 4 per cycle with the memory derate of fma, 1.37; other paths lose up to 1.66"},
	row{"task.data.dispatch", 40, 28, 45, "cycles", Derived, "agent-memory: 43.3 cycles per wavelet of a small data task on CS-3, less the body of about 3"},
	row{"task.control.dispatch", 40, 28, 45, "cycles", Assumed, "as a data task"},
	row{"clock.mhz", 750, 750, 1100, "MHz", Measured, "agent-memory: calibrated against host time on CS-3; 850, 875 and 1100 are used elsewhere"},
)

type profile struct {
	name, title string
	rows        []row
}

var profiles = []profile{
	{"wse2", "WSE-2 (CS-2)", wse2Rows},
	{"wse3", "WSE-3 (CS-3) as the vendor's simulator shows it", wse3Rows},
	{"wse3-si", "WSE-3 (CS-3) silicon", wse3siRows},
	{"wse1", "WSE-1 (CS-1)", wse1Rows},
}

// aliases are other names of profiles.
var aliases = map[string]string{"wse3-sim": "wse3"}

// Profiles lists the names of the profiles, the default one first; "wse3-sim" is another name of wse3.
func Profiles() []string {
	var out []string
	for _, p := range profiles {
		out = append(out, p.name)
	}
	return out
}
