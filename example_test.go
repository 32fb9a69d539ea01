package wfc_test

import (
	"context"
	"fmt"

	"github.com/wfc-lang/wfc"
)

// A field that doubles every step, built for the default machine and run on its simulator.
func Example() {
	src := wfc.Source{Name: "double.wf", Text: `
param steps = 3
grid g { x: 0 .. 1 in 4; y: 0 .. 1 in 4 }
field T on g = 1
evolve n in 0 .. steps { T' = 2*T }
`}
	p, err := wfc.Build(src, wfc.BuildOptions{Set: map[string]string{"steps": "4"}})
	if err != nil {
		fmt.Println(err) // wfc.Diagnostics: located, explained, with a stable code
		return
	}
	res, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Wafer})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Report().Status, res.Steps, res.Fields["T"].Max, *res.Cycles > 0)
	// Output: fits 4 16 true
}

// Errors come with their places.
func ExampleCheck() {
	src := wfc.Source{Name: "bad.wf", Text: "grid g { x: 0 .. 1 in 4 }\nfield T on h = 1\n"}
	for _, d := range wfc.Check(src, nil) {
		fmt.Println(d)
	}
	// Output: bad.wf:2:12: error WF0201: unknown grid h
}
