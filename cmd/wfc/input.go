package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wfc-lang/wfc"
)

// stdin is the argument that stands for standard input.
const stdin = "-"

// stdinLimit bounds what is read from standard input.
const stdinLimit = 1 << 30

// readStdin reads standard input. Its data files are looked for in the working directory.
func readStdin(c *cli.Context) (wfc.Source, error) {
	b, err := io.ReadAll(io.LimitReader(c.App.Reader, stdinLimit))
	return wfc.Source{Name: "stdin.wf", Text: string(b), Dir: "."}, err
}

// readSource reads the source a command names.
func readSource(c *cli.Context, path string) (wfc.Source, error) {
	if path != stdin {
		return wfc.ReadSource(path)
	}
	src, err := readStdin(c)
	if err != nil {
		return src, err
	}
	return src, wfc.CheckText("standard input", []byte(src.Text))
}

// open builds a source or loads a compiled program, whichever the file holds. With loaded, it is a compiled one.
func open(c *cli.Context, path string, opt wfc.BuildOptions) (p *wfc.Program, loaded bool, err error) {
	var src wfc.Source
	if path != stdin {
		if p, err = loadCompiled(c, path); p != nil || err != nil {
			return p, true, err
		}
		src, err = wfc.ReadSource(path)
	} else {
		if src, err = readStdin(c); err != nil {
			return nil, false, err
		}
		if wfc.IsCompiled([]byte(src.Text)) {
			if err := builtFor(c); err != nil {
				return nil, true, err
			}
			p, err = wfc.Decode("standard input", []byte(src.Text))
			return p, true, err
		}
		err = wfc.CheckText("standard input", []byte(src.Text))
	}
	if err != nil {
		return nil, false, err
	}
	p, err = wfc.Build(src, opt)
	return p, false, err
}

// loadCompiled loads a compiled program; it is nil when the file is another.
func loadCompiled(c *cli.Context, path string) (*wfc.Program, error) {
	if path == stdin || filepath.Ext(path) != ".wfx" && !beginsCompiled(path) {
		return nil, nil
	}
	if err := builtFor(c); err != nil {
		return nil, err
	}
	return wfc.Load(path)
}

// builtFor refuses flags that say for which machine, when a program has been compiled for one.
func builtFor(c *cli.Context) error {
	for _, f := range []string{"machine", "mesh", "products"} {
		if c.IsSet(f) {
			return usagef("--%s cannot be used with a .wfx file: it was built for one machine", f)
		}
	}
	return nil
}

// beginsCompiled looks at the first bytes of a regular file. What cannot be read is said by who reads it.
func beginsCompiled(path string) bool {
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [4]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && wfc.IsCompiled(head[:])
}

// besides is the name of the compiled program of a source: a.wf gives a.wfx.
func besides(src wfc.Source) string {
	return strings.TrimSuffix(src.Name, filepath.Ext(src.Name)) + ".wfx"
}
