package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/target/cpu/native"
)

// mpiruns are the programs that start ranks, with what they need in a container.
var mpiruns = []struct {
	name string
	args []string
}{
	{"mpirun.openmpi", []string{"--allow-run-as-root", "--oversubscribe"}},
	{"mpirun.mpich", nil},
}

// mpirun starts n ranks of this program. The test is skipped when there is no such mpirun, or not its library.
func mpirun(t *testing.T, which, n int, args ...string) *exec.Cmd {
	t.Helper()
	m := mpiruns[which]
	path, err := exec.LookPath(m.name)
	if err != nil {
		t.Skipf("there is no %s", m.name)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wfc := filepath.Join(t.TempDir(), "wfc")
	if err := os.Symlink(exe, wfc); err != nil {
		t.Skip(err)
	}
	return exec.Command(path, append(append(append([]string{}, m.args...), "-n", strconv.Itoa(n), wfc), args...)...)
}

// output runs a command to its end.
func output(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Skip(err)
	}
	timer := time.AfterFunc(2*time.Minute, func() { c.Process.Kill() })
	err := c.Wait()
	if !timer.Stop() {
		t.Fatalf("hangs: %s", &out)
	}
	if err != nil {
		if strings.Contains(out.String(), "WF0626") {
			t.Skipf("%s", &out)
		}
		t.Fatalf("%v: %s", err, &out)
	}
	return out.String()
}

// The diffusion of a spot, with a reduction that decides when it ends, and a probe.
const spot = `grid g { x: 0 .. 1 in 23; y: 0 .. 1 in 16 }
field T on g = 0 { region x in 0.2 .. 0.5: 1 }
bc T { all: dn(T) = 0 }
param steps = 200
evolve n in 0 .. steps { T'[x,y] = T[x,y] + 0.2*(T[x+1,y] + T[x-1,y] + T[x,y+1] + T[x,y-1] - 4*T[x,y]) }
output T at end as npy
probe middle = T at (x = 0.5, y = 0.5) every 10 steps
`

func program(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "spot.wf")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// alone runs this program in one process.
func alone(t *testing.T, args ...string) {
	t.Helper()
	var out bytes.Buffer
	if code := run(t.Context(), append([]string{"wfc"}, args...), &out, &out); code != 0 {
		t.Fatalf("exit code %d: %s", code, &out)
	}
}

// equalFiles compares all files of two directories with the given endings.
func equalFiles(t *testing.T, a, b string, ends ...string) {
	t.Helper()
	n := 0
	for _, end := range ends {
		names, err := filepath.Glob(filepath.Join(a, "*"+end))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			x, err1 := os.ReadFile(name)
			y, err2 := os.ReadFile(filepath.Join(b, filepath.Base(name)))
			if err1 != nil || err2 != nil || !bytes.Equal(x, y) {
				t.Errorf("%s differs: %v %v", filepath.Base(name), err1, err2)
			}
			n++
		}
	}
	if n < len(ends) {
		t.Errorf("%d files to compare in %s", n, a)
	}
}

// Under mpirun a run leaves the files of one process, with either library.
func TestMPIRun(t *testing.T) {
	for which, m := range mpiruns {
		t.Run(m.name, func(t *testing.T) {
			dir, src := t.TempDir(), program(t, spot)
			alone(t, "run", src, "--target", "interp", "--out", filepath.Join(dir, "one"), "-q")
			text := output(t, mpirun(t, which, 3, "run", src, "--target", "interp", "--out", filepath.Join(dir, "three"), "-q"))
			if strings.Count(text, "spot: 200 steps") != 1 {
				t.Errorf("shown: %s", text)
			}
			equalFiles(t, filepath.Join(dir, "one"), filepath.Join(dir, "three"), "T.npy", "probes.csv")
		})
	}
}

// The profile of a run under mpirun says where the time of every rank went, in the text and in the report.
func TestMPIProfile(t *testing.T) {
	if _, err := native.Find(""); err != nil {
		t.Skip(err)
	}
	for which, m := range mpiruns {
		t.Run(m.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			text := output(t, mpirun(t, which, 2, "run", program(t, spot), "--target", "cpu", "--profile", "--out", out, "-q"))
			page, err := os.ReadFile(filepath.Join(out, "profile.html"))
			if err != nil {
				t.Fatal(err)
			}
			rows := regexp.MustCompile(`(?m)^ +[01]( +[0-9.]+){6}$`).FindAllString(text, -1)
			if len(rows) != 2 || !bytes.Contains(page, []byte("The kernels are those of rank 0")) {
				t.Errorf("shown: %s", text)
			}
		})
	}
}

// A rank that is killed ends the run with a message, soon, and the checkpoints that were written can be gone on from, on another number
// of ranks.
func TestMPILostRank(t *testing.T) {
	for which, m := range mpiruns {
		t.Run(m.name, func(t *testing.T) {
			dir := t.TempDir()
			src := program(t, strings.Replace(spot, "steps = 200", "steps = 1500", 1))
			out := filepath.Join(dir, "lost")
			c := mpirun(t, which, 3, "run", src, "--target", "interp", "--out", out, "--checkpoint", "100", "-q")
			var shown bytes.Buffer
			c.Stdout, c.Stderr = &shown, &shown
			if err := c.Start(); err != nil {
				t.Skip(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- c.Wait() }()
			checkpoint := filepath.Join(out, "checkpoints", "step-0000000100", "run.json")
			killed := false
			for begun := time.Now(); time.Since(begun) < time.Minute && !killed; time.Sleep(10 * time.Millisecond) {
				select {
				case err := <-ended:
					if strings.Contains(shown.String(), "WF0626") {
						t.Skipf("%s", &shown)
					}
					t.Fatalf("ended by itself: %v: %s", err, &shown)
				default:
				}
				if _, err := os.Stat(checkpoint); err == nil {
					killed = kill(t, out, 2)
				}
			}
			if !killed {
				c.Process.Kill()
				t.Fatalf("found no rank 2 to kill: %s", &shown)
			}
			select {
			case err := <-ended:
				if err == nil || shown.Len() == 0 {
					t.Errorf("%v: %s", err, &shown)
				}
			case <-time.After(time.Minute):
				c.Process.Kill()
				t.Fatalf("the run goes on without rank 2: %s", &shown)
			}
			rest := filepath.Join(dir, "rest")
			output(t, mpirun(t, which, 2, "run", src, "--target", "interp", "--restart", out, "--out", rest, "-q"))
			alone(t, "run", src, "--target", "interp", "--out", filepath.Join(dir, "whole"), "-q")
			equalFiles(t, filepath.Join(dir, "whole"), rest, "T.npy", "probes.csv")
		})
	}
}

// kill kills a rank of the job that writes to a directory, as kill -9 does.
func kill(t *testing.T, out string, rank int) bool {
	t.Helper()
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		line, _ := os.ReadFile(filepath.Join(d, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(d, "environ"))
		if !bytes.Contains(line, []byte(out)) {
			continue
		}
		for _, v := range bytes.Split(env, []byte{0}) {
			if s := string(v); s == fmt.Sprint("OMPI_COMM_WORLD_RANK=", rank) || s == fmt.Sprint("PMI_RANK=", rank) {
				pid, _ := strconv.Atoi(filepath.Base(d))
				p, err := os.FindProcess(pid)
				return err == nil && p.Kill() == nil
			}
		}
	}
	return false
}
