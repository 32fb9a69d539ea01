package ckpt

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"strings"

	"github.com/wfc-lang/wfc/runtime/safetensors"
)

// Names of directories that are no checkpoints: being written, replaced, being removed.
const (
	tmpPrefix = ".tmp-"
	oldPrefix = ".old-"
	delPrefix = ".del-"
)

// Prepare makes the directory of checkpoints and puts in order what a crash left.
func Prepare(fs FS, dir string) error {
	if err := fs.MkdirAll(dir); err != nil {
		return err
	}
	for _, d := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if err := fs.SyncDir(d); err != nil {
			return err
		}
	}
	if err := Recover(fs, dir); err != nil {
		return err
	}
	names, err := fs.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasPrefix(n, tmpPrefix) || strings.HasPrefix(n, oldPrefix) || strings.HasPrefix(n, delPrefix) {
			if err := fs.RemoveAll(filepath.Join(dir, n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Recover gives a checkpoint that was about to be replaced its name back, when the crash came before the new one had it.
func Recover(fs FS, dir string) error {
	names, err := fs.ReadDir(dir)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, n := range names {
		have[n] = true
	}
	for _, n := range names {
		final, ok := strings.CutPrefix(n, oldPrefix)
		if _, is := stepOf(final); !ok || !is || have[final] {
			continue
		}
		if err := fs.Rename(filepath.Join(dir, n), filepath.Join(dir, final)); err != nil {
			return err
		}
		if err := fs.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// Save writes a checkpoint into dir and returns its path. It fills Run.Files.
func Save(fs FS, dir string, s *Snapshot) (string, error) {
	name := StepDir(s.Run.Step)
	tmp, final := filepath.Join(dir, tmpPrefix+name), filepath.Join(dir, name)
	if err := fs.RemoveAll(tmp); err != nil {
		return "", err
	}
	if err := fs.MkdirAll(tmp); err != nil {
		return "", err
	}
	if err := fill(fs, tmp, s); err != nil {
		return "", err
	}
	return final, publish(fs, dir, name, tmp)
}

// fill writes the files of a checkpoint into a directory and syncs them.
func fill(fs FS, dir string, s *Snapshot) error {
	s.Run.Format, s.Run.Files = Format, nil
	for i := range s.Groups {
		sum, err := writeGroup(fs, dir, &s.Groups[i])
		if err != nil {
			return fmt.Errorf("state %s: %w", s.Groups[i].Name, err)
		}
		s.Run.Files = append(s.Run.Files, sum)
	}
	text, err := s.Run.text()
	if err != nil {
		return err
	}
	if err := writeFile(fs, filepath.Join(dir, RunFile), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}); err != nil {
		return err
	}
	return fs.SyncDir(dir)
}

// publish gives a whole directory its name. One of the same step is renamed first: Recover takes it back after a crash in between.
func publish(fs FS, dir, name, tmp string) error {
	final, old := filepath.Join(dir, name), filepath.Join(dir, oldPrefix+name)
	names, err := fs.ReadDir(dir)
	if err != nil {
		return err
	}
	replaces := false
	for _, n := range names {
		replaces = replaces || n == name
	}
	if replaces {
		if err := fs.RemoveAll(old); err != nil {
			return err
		}
		if err := fs.Rename(final, old); err != nil {
			return err
		}
	}
	if err := fs.Rename(tmp, final); err != nil {
		return err
	}
	if err := fs.SyncDir(dir); err != nil {
		return err
	}
	if replaces {
		return fs.RemoveAll(old)
	}
	return nil
}

// Prune removes all but the last keep checkpoints; 0 keeps all.
func Prune(fs FS, dir string, keep int) error {
	steps, err := Steps(fs, dir)
	if err != nil || keep <= 0 {
		return err
	}
	for _, step := range steps[:max(0, len(steps)-keep)] {
		if err := Remove(fs, dir, step); err != nil {
			return err
		}
	}
	return nil
}

// Remove removes a checkpoint.
func Remove(fs FS, dir string, step int64) error {
	del := filepath.Join(dir, delPrefix+StepDir(step))
	if err := fs.RemoveAll(del); err != nil {
		return err
	}
	if err := fs.Rename(filepath.Join(dir, StepDir(step)), del); err != nil {
		return err
	}
	// The name must be gone for good before the first file is.
	if err := fs.SyncDir(dir); err != nil {
		return err
	}
	return fs.RemoveAll(del)
}

// summed counts and hashes what is written.
type summed struct {
	w io.Writer
	h hash.Hash
	n int64
}

func (s *summed) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.h.Write(b[:n])
	s.n += int64(n)
	return n, err
}

func writeGroup(fs FS, dir string, g *Group) (Sum, error) {
	heads := make([]safetensors.Tensor, len(g.Tensors))
	for i, t := range g.Tensors {
		h, err := safetensors.Head(t.Name, t.T)
		if err != nil {
			return Sum{}, err
		}
		heads[i] = h
	}
	sum := Sum{Name: g.Name + ext}
	err := writeFile(fs, filepath.Join(dir, sum.Name), func(w io.Writer) error {
		s := &summed{w: w, h: sha256.New()}
		err := safetensors.WriteStream(s, heads, map[string]string{"format": "wfc"}, func(i int, w io.Writer) error {
			t, err := g.Tensors[i].tensor()
			if err != nil {
				return err
			}
			return safetensors.WriteTensor(w, t)
		})
		sum.Bytes, sum.SHA256 = s.n, hex.EncodeToString(s.h.Sum(nil))
		return err
	})
	return sum, err
}

// writeFile writes and syncs a file.
func writeFile(fs FS, path string, f func(io.Writer) error) error {
	w, err := fs.Create(path)
	if err != nil {
		return err
	}
	if err = f(w); err == nil {
		err = w.Sync()
	}
	return errors.Join(err, w.Close())
}
