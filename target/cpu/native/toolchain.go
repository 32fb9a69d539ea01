package native

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/wfc-lang/wfc/internal/diag"
)

// ErrNoToolchain is in the chain of the error of [New] when no LLVM can be found.
var ErrNoToolchain = errors.New("no LLVM tool chain")

// Toolchain compiles LLVM IR text to a shared object: clang, or opt with llc and a linker.
type Toolchain struct {
	Clang     string // path of clang, "" when Opt and LLC are used
	Opt, LLC  string
	Linker    []string // command that links an object: cc -shared, or ld -shared
	Version   int      // major version of LLVM
	id        string   // what --version prints
	Processor string   // processor to compile for by its LLVM name; "" is this one
	level     string   // of optimisation, "0" to "3"; "" is the highest
}

// Versions of LLVM that are looked for by name, newest first, after a plain clang.
const (
	newestLLVM = 23
	oldestLLVM = 14
)

// All lists every tool chain of this machine, the one that is used by default first.
func All() []*Toolchain {
	var found []*Toolchain
	seen := map[string]bool{}
	add := func(t *Toolchain, err error) {
		if err != nil || t.Version < oldestLLVM {
			return
		}
		key := fmt.Sprint(t.Clang != "", t.Version)
		if !seen[key] {
			seen[key] = true
			found = append(found, t)
		}
	}
	for _, n := range toolNames("clang") {
		if path := lookTool(n); path != "" {
			add(clangAt(path))
		}
	}
	for _, n := range toolNames("opt") {
		if path := lookTool(n); path != "" {
			add(optAt(path))
		}
	}
	return found
}

func toolNames(base string) []string {
	names := []string{base}
	for v := newestLLVM; v >= oldestLLVM; v-- {
		names = append(names, fmt.Sprintf("%s-%d", base, v))
	}
	return names
}

// lookTool finds a program in PATH or where distributions put LLVM without linking it into PATH.
func lookTool(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	base, version, _ := strings.Cut(name, "-")
	dirs := []string{"/opt/homebrew/opt/llvm/bin", "/usr/local/opt/llvm/bin"}
	if version != "" {
		dirs = []string{"/usr/lib/llvm-" + version + "/bin", "/opt/homebrew/opt/llvm@" + version + "/bin", "/usr/local/opt/llvm@" + version + "/bin",
			"/usr/lib64/llvm" + version + "/bin"}
	}
	for _, d := range dirs {
		if p, err := exec.LookPath(filepath.Join(d, base)); err == nil {
			return p
		}
	}
	return ""
}

// Find returns the tool chain to use. tool, if not empty, is the path or name of a clang or an opt (llc is looked for beside it).
func Find(tool string) (*Toolchain, error) {
	if tool != "" {
		path, err := exec.LookPath(tool)
		if err != nil {
			return nil, noToolchain(fmt.Sprintf("%s was asked for: %v", tool, err))
		}
		var t *Toolchain
		if strings.Contains(filepath.Base(path), "opt") {
			t, err = optAt(path)
		} else {
			t, err = clangAt(path)
		}
		if err != nil {
			return nil, noToolchain(err.Error())
		}
		return t, nil
	}
	if t := defaultToolchain(); t != nil {
		return t, nil
	}
	return nil, noToolchain("")
}

// defaultToolchain takes the first that is found: asking all of them for their version would cost each run.
var defaultToolchain = sync.OnceValue(func() *Toolchain {
	for _, base := range []string{"clang", "opt"} {
		for _, n := range toolNames(base) {
			path := lookTool(n)
			if path == "" {
				continue
			}
			find := clangAt
			if base == "opt" {
				find = optAt
			}
			if t, err := find(path); err == nil && t.Version >= oldestLLVM {
				return t
			}
		}
	}
	return nil
})

type toolchainError struct{ *diag.Diagnostic }

func (e toolchainError) Unwrap() []error { return []error{e.Diagnostic, ErrNoToolchain} }

func noToolchain(detail string) error {
	d := diag.New("WF0590", diag.Span{}, "no LLVM tool chain for the CPU target")
	if detail != "" {
		d.Note("%s", detail)
	}
	d.Note("the CPU target compiles with clang %d or newer, or with opt, llc and a linker; none is in PATH", oldestLLVM)
	d.Suggest("%s; or run with the interpreter", installHint())
	return toolchainError{d}
}

// installHint says what to type on this system.
func installHint() string {
	switch runtime.GOOS {
	case "darwin":
		return "install it with `xcode-select --install` or `brew install llvm`"
	case "linux":
		release, _ := os.ReadFile("/etc/os-release") // absent: the general hint
		switch s := string(release); {
		case strings.Contains(s, "debian"):
			return "install it with `sudo apt install clang`"
		case strings.Contains(s, "fedora"), strings.Contains(s, "rhel"):
			return "install it with `sudo dnf install clang`"
		case strings.Contains(s, "arch"):
			return "install it with `sudo pacman -S clang`"
		}
	}
	return "install clang: `apt install clang` (Debian, Ubuntu), `dnf install clang` (Fedora) or `brew install llvm` (macOS)"
}

var versionPattern = regexp.MustCompile(`(?:clang|LLVM) version (\d+)`)

// versionOf asks a tool for its version.
func versionOf(path string) (major int, text string, err error) {
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return 0, "", fmt.Errorf("%s --version: %w", path, err)
	}
	if major = parseVersion(string(out)); major == 0 {
		return 0, "", fmt.Errorf("%s --version does not name an LLVM version", path)
	}
	return major, string(out), nil
}

// parseVersion finds the major version of LLVM in what --version prints; 0 if there is none. Apple counts releases of its own, which
// come close.
func parseVersion(out string) int {
	m := versionPattern.FindStringSubmatch(out)
	if m == nil {
		return 0
	}
	v, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return v
}

func clangAt(path string) (*Toolchain, error) {
	v, id, err := versionOf(path)
	if err != nil {
		return nil, err
	}
	return &Toolchain{Clang: path, Version: v, id: id}, nil
}

func optAt(path string) (*Toolchain, error) {
	v, id, err := versionOf(path)
	if err != nil {
		return nil, err
	}
	dir, base := filepath.Split(path)
	llc := dir + strings.Replace(base, "opt", "llc", 1)
	if _, err := exec.LookPath(llc); err != nil {
		if llc = lookTool(fmt.Sprintf("llc-%d", v)); llc == "" {
			return nil, fmt.Errorf("%s has no llc beside it", path)
		}
	}
	for _, l := range [][]string{{"cc", "-shared"}, {"gcc", "-shared"}, {"ld", "-shared"}, {"ld.lld", "-shared"}, {fmt.Sprintf("ld.lld-%d", v), "-shared"}} {
		if p := lookTool(l[0]); p != "" {
			return &Toolchain{Opt: path, LLC: llc, Linker: append([]string{p}, l[1:]...), Version: v, id: id}, nil
		}
	}
	return nil, fmt.Errorf("%s has no linker: neither cc nor ld is in PATH", path)
}

func (t *Toolchain) String() string {
	if t.Clang != "" {
		return fmt.Sprintf("%s (LLVM %d)", t.Clang, t.Version)
	}
	return fmt.Sprintf("%s and %s (LLVM %d)", t.Opt, t.LLC, t.Version)
}

// processorFlag selects the instructions: those of this machine, as a rule.
func (t *Toolchain) processorFlag() string {
	cpu := t.Processor
	if cpu == "" {
		cpu = chosen().march
	}
	switch runtime.GOARCH {
	case "amd64", "386":
		if t.Clang != "" {
			return "-march=" + cpu
		}
	}
	return "-mcpu=" + cpu
}

// Levels of optimisation. None changes a bit; below the highest, loops stay scalar where LLVM would make vectors of them.
var Levels = []string{"0", "1", "2", "3"}

// At returns the tool chain with another level of optimisation.
func (t *Toolchain) At(level string) (*Toolchain, error) {
	if level == "" {
		return t, nil
	}
	if !slices.Contains(Levels, level) {
		return nil, diag.New("WF0592", diag.Span{}, "there is no level of optimisation %q", level).Note("the levels are %s", strings.Join(Levels, ", ")).
			Suggest("leave it out: the highest is the default")
	}
	u := *t
	u.level = level
	return &u, nil
}

func (t *Toolchain) flag() string {
	if t.level == "" {
		return "-O3"
	}
	return "-O" + t.level
}

// Commands are the steps from dir/k.ll to dir/k.so. No step may fuse a multiplication with an addition.
func (t *Toolchain) Commands(dir string) [][]string {
	ll, bc, obj, so := filepath.Join(dir, "k.ll"), filepath.Join(dir, "k.bc"), filepath.Join(dir, "k.o"), filepath.Join(dir, "k.so")
	if t.Clang != "" {
		clang := []string{t.Clang, "-x", "ir", ll, t.flag(), t.processorFlag(), "-ffp-contract=off", "-shared", "-fPIC", "-Wno-override-module",
			"-Wno-pass-failed", "-o", so, "-lm"}
		for _, f := range t.passFlags() {
			clang = append(clang, "-mllvm", f)
		}
		return [][]string{clang}
	}
	return [][]string{
		slices.Concat([]string{t.Opt, t.flag(), t.processorFlag()}, t.tripleFlag(), t.passFlags(), []string{ll, "-o", bc}),
		append([]string{t.LLC, t.flag(), t.processorFlag(), "-fp-contract=off", "-relocation-model=pic", "-filetype=obj"}, append(t.tripleFlag(), bc, "-o", obj)...),
		append(append([]string{}, t.Linker...), obj, "-o", so, "-lm"),
	}
}

// passFlags keep passes that are wrong from running. Up to LLVM 17 the loop vectoriser joins strided loads into one without a look at the
// stores between them (llvm-project issue 63602).
func (t *Toolchain) passFlags() []string {
	if t.Version < 18 {
		return []string{"-enable-interleaved-mem-accesses=false"}
	}
	return nil
}

var triplePattern = regexp.MustCompile(`Default target: (\S+)`)

// tripleFlag names the target for opt, which does not vectorise without one.
func (t *Toolchain) tripleFlag() []string {
	if m := triplePattern.FindStringSubmatch(t.id); m != nil {
		return []string{"-mtriple=" + m[1]}
	}
	return nil
}
