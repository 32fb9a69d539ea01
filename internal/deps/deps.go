package deps

import (
	_ "github.com/alecthomas/participle/v2"
	_ "github.com/cheggaaa/pb/v3"
	_ "github.com/ebitengine/purego"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/urfave/cli/v2"
	_ "golang.org/x/image/font/basicfont"
	_ "gonum.org/v1/gonum/mat"
	_ "pgregory.net/rapid"
)
