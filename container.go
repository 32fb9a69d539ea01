package wfc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/runtime/wfx"
	"github.com/wfc-lang/wfc/target/wse"
)

// container makes the .wfx sections of a program.
func (p *Program) container() (*wfx.File, error) {
	if p.IR == nil {
		return nil, p.Refusal
	}
	rep, err := p.ReportData.JSON()
	if err != nil {
		return nil, err
	}
	f := &wfx.File{Program: p.Name, Machine: p.Machine, SourceName: filepath.Base(p.Source.Name), Source: p.Source.Text,
		IR: ir.Print(p.IR), Report: rep}
	if f.Train, err = p.training(); err != nil {
		return nil, err
	}
	if p.Mesh != nil {
		f.Mesh = mesh.Print(p.Mesh)
	}
	if p.Code != nil {
		f.Code = wse.Print(p.Code)
	} else {
		var b strings.Builder
		if err := p.Refusal.Render(&b, diag.Style{}); err != nil {
			return nil, err
		}
		f.Refusal = b.String()
	}
	return f, nil
}

// Write writes the program as a .wfx file. The bytes depend on the program only.
func (p *Program) Write(w io.Writer) error {
	f, err := p.container()
	if err != nil {
		return err
	}
	return wfx.Write(w, f)
}

// WriteFile writes the program to a .wfx file.
func (p *Program) WriteFile(path string) error {
	f, err := p.container()
	if err != nil {
		return err
	}
	if err := wfx.WriteFile(path, f); err != nil {
		return fileError(err)
	}
	return nil
}

// Load reads a .wfx file.
func Load(path string) (*Program, error) {
	b, err := readLimited(path, wfx.MaxFile)
	if err != nil {
		return nil, err
	}
	p, err := Decode(path, b)
	if err != nil {
		return nil, err
	}
	p.Source.Dir = filepath.Dir(path)
	return p, nil
}

// Decode reads a .wfx file held in memory; name is for messages.
func Decode(name string, b []byte) (*Program, error) {
	bad := func(section string, err error) error {
		if section != "" {
			section = "section " + section + ": "
		}
		return diag.List{diag.New("WF0607", diag.Span{}, "%s: %s%v", name, section, err).Suggest("build the program again with wfc build")}
	}
	f, err := wfx.Decode(b)
	if err != nil {
		return nil, bad("", err)
	}
	p := &Program{Name: f.Program, Machine: f.Machine, frozen: true}
	p.Source = Source{Name: f.SourceName, Text: f.Source}
	p.file = diag.NewFile(f.SourceName, f.Source)
	if p.IR, err = ir.Parse(name+"/program.wfir", f.IR); err != nil {
		return nil, bad("program.wfir", err)
	}
	if err := ir.VerifyCanonical(p.IR); err != nil {
		return nil, bad("program.wfir", err)
	}
	p.ReportData = &report.Report{}
	d := json.NewDecoder(bytes.NewReader(f.Report))
	if err := d.Decode(p.ReportData); err != nil {
		return nil, bad("report.json", err)
	}
	if err := p.setTraining(f.Train); err != nil {
		return nil, bad("train.json", err)
	}
	if f.Mesh != "" {
		if p.Mesh, err = mesh.Parse(name+"/mesh.txt", f.Mesh); err != nil {
			return nil, bad("mesh.txt", err)
		}
		if err := mesh.Verify(p.Mesh); err != nil {
			return nil, bad("mesh.txt", err)
		}
	}
	if f.Code != "" {
		code, err := wse.Parse(name+"/machine.txt", f.Code)
		if err != nil {
			return nil, bad("machine.txt", err)
		}
		p.Code = code
		if err := consistent(p); err != nil {
			return nil, bad("", err)
		}
		return p, nil
	}
	p.Refusal = findings(p.file, p.ReportData.Diagnostics)
	return p, nil
}

// consistent holds the sections of a file against each other: each is well-formed by itself, but only together do they run.
func consistent(p *Program) error {
	m, c := p.Mesh, p.Code
	switch {
	case m == nil:
		return fmt.Errorf("there is a machine program and no mesh program")
	case m.W != c.W || m.H != c.H:
		return fmt.Errorf("the mesh program is for %d x %d PEs, the machine program for %d x %d", m.W, m.H, c.W, c.H)
	case c.Machine != p.Machine:
		return fmt.Errorf("the machine program is for %s, the file for %s", c.Machine, p.Machine)
	}
	for _, l := range m.Layouts {
		if a := p.IR.Axis(l.Origin()); a == nil || a.N != l.N || a.Periodic != l.Periodic {
			return fmt.Errorf("the layout of axis %s is not that of the program", l.Axis)
		}
	}
	for _, s := range m.Symbols {
		if s.Array == "" {
			continue
		}
		a := p.IR.Array(s.Array)
		if a == nil || len(a.Axes) != len(s.Strides) {
			return fmt.Errorf("the place of array %s is not that of the program's array", s.Array)
		}
		ls, err := m.Lay(&s, a.Axes)
		if err != nil {
			return err
		}
		for d, l := range ls {
			if l.Origin() != a.Axes[d] {
				return fmt.Errorf("the place of array %s along axis %s goes by axis %s", s.Array, a.Axes[d], l.Origin())
			}
		}
	}
	return nil
}
