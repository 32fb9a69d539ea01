package native

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/wfc-lang/wfc/internal/diag"
)

// What code is made for is found out when a program is compiled, which is when it is run: this processor, with all it has. The environment
// can ask for less, to compare, or for caches and results that must not depend on the machine: bits never do.

// processorVariable names a level of x86-64 instead of this processor.
const processorVariable = "WFC_CPU"

// levels of x86-64 that can be asked for, by what decides here: the features that the level has of those we look for.
var levels = map[string][]string{
	"x86-64-v3": {"avx2", "fma", "f16c"},
	"x86-64-v4": {"avx2", "fma", "f16c", "avx512f"},
}

// madeFor is what code is made for.
type madeFor struct {
	march string // LLVM's name
	id    string // identifies it in caches; its words are features
}

// chosen is what code of this process is made for.
var chosen = sync.OnceValue(func() madeFor {
	this := thisProcessor()
	level := os.Getenv(processorVariable)
	if checkLevel(level, this) != nil || level == "" {
		return madeFor{"native", this}
	}
	return madeFor{level, runtime.GOOS + "/" + runtime.GOARCH + "\n" + level + " " + strings.Join(levels[level], " ")}
})

// Processor identifies the machine code that is wanted, for caches that several machines share.
func Processor() string { return chosen().id }

// HasFeature looks for an instruction set in what may be used.
func HasFeature(name string) bool { return slices.Contains(strings.Fields(Processor()), name) }

// CheckProcessor refuses what the environment asks for if this processor does not have it.
func CheckProcessor() error { return checkLevel(os.Getenv(processorVariable), thisProcessor()) }

// checkLevel is CheckProcessor of a level and what the processor has; "" is all of it.
func checkLevel(level, this string) error {
	if level == "" {
		return nil
	}
	features, ok := levels[level]
	if !ok || runtime.GOARCH != "amd64" {
		return diag.New("WF0593", diag.Span{}, "%s=%s: the processors to choose from are x86-64-v3 (AVX2) and x86-64-v4 (AVX-512)", processorVariable, level).
			Suggest("unset %s: code is then made for this processor", processorVariable)
	}
	has := strings.Fields(this)
	for _, f := range features {
		if runtime.GOOS == "linux" && !slices.Contains(has, f) {
			return diag.New("WF0593", diag.Span{}, "%s=%s: this processor has no %s", processorVariable, level, f).
				Suggest("unset %s: code is then made for this processor", processorVariable)
		}
	}
	return nil
}

// thisProcessor is what the system says of this processor.
var thisProcessor = sync.OnceValue(func() string {
	id := runtime.GOOS + "/" + runtime.GOARCH
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return id
	}
	for _, l := range strings.Split(string(info), "\n") {
		k, _, _ := strings.Cut(l, ":")
		switch strings.TrimSpace(k) {
		case "model name", "flags", "Features", "CPU part":
			id += "\n" + l
		case "":
			return id // the first processor is enough
		}
	}
	return id
})
