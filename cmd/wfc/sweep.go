package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/internal/diag"
)

// variation is one parameter of a sweep with its values.
type variation struct {
	name   string
	values []string
}

// variations reads the --sweep flags.
func variations(c *cli.Context) ([]variation, error) {
	var out []variation
	for _, arg := range c.StringSlice("sweep") {
		name, list, ok := strings.Cut(arg, "=")
		v := variation{name: strings.TrimSpace(name)}
		for _, x := range strings.Split(list, ",") {
			x = strings.TrimSpace(x)
			ok = ok && x != ""
			v.values = append(v.values, x)
		}
		if !ok || v.name == "" {
			return nil, usagef("--sweep %s: expected NAME=VALUE,VALUE,.., for example --sweep re=100,400,1000", arg)
		}
		for _, o := range out {
			if o.name == v.name {
				return nil, usagef("--sweep gives %s twice", v.name)
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// row is one run of a sweep.
type row struct {
	set   []string // parallel to the variations
	res   *wfc.Result
	fails string
}

// sweep runs a program with every combination of the values and makes one table of the results: printed, and sweep.csv in the output
// directory, where every run has a directory of its own.
func sweep(c *cli.Context, path string, target wfc.Target) error {
	for _, f := range []string{"restart", "dry-run", "json", "profile", "timeline", "trace"} {
		if c.IsSet(f) {
			return usagef("--sweep and --%s cannot be used together", f)
		}
	}
	vs, err := variations(c)
	if err != nil {
		return err
	}
	given, err := settings(c)
	if err != nil {
		return err
	}
	for _, v := range vs {
		if _, both := given[v.name]; both {
			return usagef("%s is given by --set and by --sweep", v.name)
		}
	}
	var rows []row
	interrupted := false
	err = combinations(vs, func(set []string) error {
		more := map[string]string{}
		var label []string
		for i, v := range vs {
			more[v.name] = set[i]
			label = append(label, v.name+"="+set[i])
		}
		fmt.Fprintf(c.App.ErrWriter, "%s\n", strings.Join(label, ", "))
		r := row{set: append([]string(nil), set...)}
		p, ro, err := loadRun(c, path, target, more)
		if err == nil {
			if ro.OutDir != "" {
				ro.OutDir = filepath.Join(ro.OutDir, directory(label))
				if ro.Checkpoints != nil {
					ro.Checkpoints.Dir = ro.OutDir
				}
			}
			r.res, err = p.Run(c.Context, ro)
		}
		var usage usageError
		if errors.As(err, &usage) {
			return err
		}
		if err != nil {
			report(err, c.App.ErrWriter)
			r.fails = failure(err)
		}
		rows = append(rows, r)
		if r.res != nil && r.res.Interrupted {
			interrupted = true
			return errStop
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	head, body := table(vs, rows)
	tw := tabwriter.NewWriter(c.App.Writer, 0, 8, 2, ' ', tabwriter.AlignRight)
	for _, line := range append([][]string{head}, body...) {
		fmt.Fprintln(tw, strings.Join(line, "\t")+"\t")
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if out := c.String("out"); out != "" {
		name := filepath.Join(out, "sweep.csv")
		if err := writeTable(name, head, body); err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "wrote %s\n", name)
	}
	for _, r := range rows {
		if r.fails != "" {
			return errShown{exitFailed}
		}
	}
	if interrupted {
		return errShown{exitInterrupted}
	}
	return nil
}

var errStop = errors.New("stop")

// combinations calls f with every choice of values, the last parameter fastest.
func combinations(vs []variation, f func([]string) error) error {
	set := make([]string, len(vs))
	var choose func(i int) error
	choose = func(i int) error {
		if i == len(vs) {
			return f(set)
		}
		for _, x := range vs[i].values {
			set[i] = x
			if err := choose(i + 1); err != nil {
				return err
			}
		}
		return nil
	}
	return choose(0)
}

// directory is the name of the directory of a run: its values, without what file names should not have.
func directory(label []string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("/\\:*?\"<>| ", r) {
			return '_'
		}
		return r
	}, strings.Join(label, ","))
}

// failure is an error in one word: its code if it has one.
func failure(err error) string {
	var list diag.List
	if errors.As(err, &list) && len(list) > 0 {
		return list[0].Code
	}
	return "failed"
}

// table lists the results: the parameters, steps and time, the last value of every probe, and the statistics of every field.
func table(vs []variation, rows []row) (head []string, body [][]string) {
	for _, v := range vs {
		head = append(head, v.name)
	}
	head = append(head, "steps", "time")
	probes, fields := map[string]bool{}, map[string]bool{}
	cycles := false
	for _, r := range rows {
		if r.res == nil {
			continue
		}
		cycles = cycles || r.res.Cycles != nil
		for k := range r.res.Probes {
			probes[k] = true
		}
		for k := range r.res.Fields {
			fields[k] = true
		}
	}
	if cycles {
		head = append(head, "cycles")
	}
	head = append(head, keys(probes)...)
	for _, k := range keys(fields) {
		head = append(head, "min("+k+")", "max("+k+")", "mean("+k+")")
	}
	head = append(head, "outcome")
	for _, r := range rows {
		line := append([]string(nil), r.set...)
		if r.res == nil {
			for len(line) < len(head)-1 {
				line = append(line, "")
			}
			body = append(body, append(line, r.fails))
			continue
		}
		line = append(line, strconv.FormatInt(r.res.Steps, 10), number(float64(r.res.Time)))
		if cycles {
			n := ""
			if r.res.Cycles != nil {
				n = strconv.FormatInt(*r.res.Cycles, 10)
			}
			line = append(line, n)
		}
		for _, k := range keys(probes) {
			x, ok := r.res.Probes[k]
			line = append(line, known(ok, float64(x)))
		}
		for _, k := range keys(fields) {
			s, ok := r.res.Fields[k]
			line = append(line, known(ok, float64(s.Min)), known(ok, float64(s.Max)), known(ok, float64(s.Mean)))
		}
		outcome := "done"
		switch {
		case r.fails != "":
			outcome = r.fails
		case r.res.Interrupted:
			outcome = "interrupted"
		case r.res.Stopped != "":
			outcome = "stopped"
		}
		body = append(body, append(line, outcome))
	}
	return head, body
}

func known(ok bool, v float64) string {
	if !ok {
		return ""
	}
	return number(v)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }

// writeTable writes a table as CSV.
func writeTable(name string, head []string, body [][]string) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return csvTo(f, head, body)
}

func csvTo(w io.Writer, head []string, body [][]string) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(head); err != nil {
		return err
	}
	return cw.WriteAll(body)
}
