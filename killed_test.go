package wfc_test

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/runtime/tokens"
)

var kills = flag.Int("kills", 1, "random kills of each training process")

// schedules are runs that are killed: every way of the rate, over accumulation, a batch warmup and a phase switch, or a change of the batch,
// with a loss scale.
var schedules = []struct{ name, text string }{
	{"cosine", strings.Replace(everything, "then linear to 0", "then cosine to 10%", 1)},
	{"warmup, stable, decay", strings.Replace(everything, "then linear to 0", "then constant then linear to 0 over 40%", 1)},
	{"batch change, cosine tail", strings.NewReplacer("then linear to 0", "then constant then cosine to 0 over 50%", "batch 2 to 6 over 20 steps", "batch 4 to 6 after 30 steps",
		"  phase 75% { ctx 8; batch 2; accumulate 3 }\n", "", "  phase 25% { ctx 16; batch 2; accumulate 2 }\n", "").Replace(everything)},
}

// killedRun trains one of them, or goes on, with a checkpoint at every other step, on three files of tokens.
func killedRun(schedule int, out, data string) error {
	s := schedules[schedule]
	_, err := os.Stat(filepath.Join(out, "checkpoints"))
	o := wfc.TrainOptions{Target: wfc.Interp, Data: []string{filepath.Join(data, "*.tok"), filepath.Join(data, "last.bin")}, Out: out, SaveEvery: 2, Keep: 2, Resume: err == nil}
	_, err = wfc.Train(context.Background(), wfc.Source{Name: s.name, Text: s.text}, o)
	if o.Resume && err != nil && strings.Contains(err.Error(), "WF0644") { // it died before its first checkpoint
		o.Resume = false
		_, err = wfc.Train(context.Background(), wfc.Source{Name: s.name, Text: s.text}, o)
	}
	return err
}

// TestKilledChild is the process that TestTrainingKilled kills.
func TestKilledChild(t *testing.T) {
	job := os.Getenv("WFC_TEST_KILLED")
	if job == "" {
		t.Skip("TestTrainingKilled runs it")
	}
	var schedule int
	var out, data string
	if _, err := fmt.Sscanf(job, "%d %s %s", &schedule, &out, &data); err != nil {
		t.Fatal(err)
	}
	if err := killedRun(schedule, out, data); err != nil {
		t.Fatal(err)
	}
}

// Training processes that are killed at random moments, again and again, end in the state of the run that was not.
func TestTrainingKilled(t *testing.T) {
	dir := t.TempDir()
	ids := make([]int32, 700)
	for k := range ids {
		ids[k] = int32(k*k/3+k) % 8
	}
	for i, name := range []string{"a.tok", "b.tok"} {
		if err := tokens.WriteFile(filepath.Join(dir, name), ids[:500+13*i], 8, ""); err != nil {
			t.Fatal(err)
		}
	}
	var bare []byte
	for _, id := range ids {
		bare = binary.LittleEndian.AppendUint16(bare, uint16(id))
	}
	if err := os.WriteFile(filepath.Join(dir, "last.bin"), bare, 0o666); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for i, s := range schedules {
		whole := filepath.Join(dir, fmt.Sprint("whole", i))
		begun := time.Now()
		if err := killedRun(i, whole, dir); err != nil {
			t.Fatal(s.name, err)
		}
		took := time.Since(begun)
		want := sums(t, whole)
		out := filepath.Join(dir, fmt.Sprint("killed", i))
		ends := 0
		for dead := 0; dead < *kills || ends == 0; {
			cmd := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
			cmd.Env = append(os.Environ(), fmt.Sprintf("WFC_TEST_KILLED=%d %s %s", i, out, dir))
			var said strings.Builder
			cmd.Stdout = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			life := time.Hour
			if dead < *kills {
				life = 10*time.Millisecond + time.Duration(rng.Int64N(int64(took)))
			}
			timer := time.AfterFunc(life, func() { cmd.Process.Kill() })
			err := cmd.Wait()
			timer.Stop()
			if err == nil { // it came to its end
				if d := cmp.Diff(want, sums(t, out)); d != "" {
					t.Fatalf("%s: %s", s.name, d)
				}
				ends++
				if err := os.RemoveAll(out); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if strings.Contains(said.String(), "FAIL") {
				t.Fatalf("%s: %s", s.name, said.String())
			}
			dead++
		}
		t.Logf("%s: %d kills, %d ends", s.name, *kills, ends)
	}
}
