package ckpt

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// crashFS is a file system in memory that dies at a chosen operation and then shows what a disk may hold: of every file what was
// synced or any prefix of what was written since, of every directory what was synced and any prefix of the changes since.
type crashFS struct {
	root  *inode
	ops   int // done so far
	dieAt int // operation at which it dies, -1 never
	dead  bool
	trace []string
}

var errDead = errors.New("the machine is off")

type inode struct {
	dir     bool
	ents    map[string]*inode // as a running program sees it
	durable map[string]*inode
	pending []func(map[string]*inode) // changes of ents since the last sync, in order
	data    []byte
	synced  []byte
}

func newDir() *inode {
	return &inode{dir: true, ents: map[string]*inode{}, durable: map[string]*inode{}}
}

func newCrashFS(dieAt int) *crashFS { return &crashFS{root: newDir(), dieAt: dieAt} }

// step counts an operation; it fails at the fatal one and ever after.
func (f *crashFS) step(what string) error {
	if f.dead {
		return errDead
	}
	f.trace = append(f.trace, what)
	if f.ops == f.dieAt {
		f.dead = true
		return errDead
	}
	f.ops++
	return nil
}

func (f *crashFS) walk(path string) *inode {
	n := f.root
	for _, p := range strings.Split(filepath.ToSlash(filepath.Clean(path)), "/") {
		if p == "." || p == "" {
			continue
		}
		if n = n.ents[p]; n == nil {
			return nil
		}
	}
	return n
}

func (n *inode) change(f func(map[string]*inode)) {
	f(n.ents)
	n.pending = append(n.pending, f)
}

func (f *crashFS) MkdirAll(dir string) error {
	if err := f.step("mkdir " + dir); err != nil {
		return err
	}
	n := f.root
	for _, p := range strings.Split(filepath.ToSlash(filepath.Clean(dir)), "/") {
		if p == "." || p == "" {
			continue
		}
		if n.ents[p] == nil {
			d := newDir()
			n.change(func(m map[string]*inode) { m[p] = d })
		}
		n = n.ents[p]
	}
	return nil
}

func (f *crashFS) parent(path string) *inode { return f.walk(filepath.Dir(path)) }

func (f *crashFS) Create(path string) (File, error) {
	if err := f.step("create " + path); err != nil {
		return nil, err
	}
	d := f.parent(path)
	if d == nil {
		return nil, os.ErrNotExist
	}
	n, base := &inode{}, filepath.Base(path)
	d.change(func(m map[string]*inode) { m[base] = n })
	return &crashFile{f, n, path}, nil
}

type crashFile struct {
	f    *crashFS
	n    *inode
	path string
}

func (w *crashFile) Write(b []byte) (int, error) {
	if err := w.f.step("write " + w.path); err != nil {
		w.n.data = append(w.n.data, b[:len(b)/2]...)
		return len(b) / 2, err
	}
	w.n.data = append(w.n.data, b...)
	return len(b), nil
}

func (w *crashFile) Sync() error {
	if err := w.f.step("fsync " + w.path); err != nil {
		return err
	}
	w.n.synced = append([]byte(nil), w.n.data...)
	return nil
}

func (w *crashFile) Close() error { return nil }

func (f *crashFS) Rename(from, to string) error {
	if err := f.step("rename " + from + " " + to); err != nil {
		return err
	}
	d := f.parent(from)
	n := f.walk(from)
	if n == nil || d != f.parent(to) || f.walk(to) != nil {
		return errors.New("rename: " + from + " " + to)
	}
	a, b := filepath.Base(from), filepath.Base(to)
	d.change(func(m map[string]*inode) { delete(m, a); m[b] = n })
	return nil
}

func (f *crashFS) RemoveAll(path string) error {
	n := f.walk(path)
	if n == nil {
		return nil
	}
	for _, name := range sorted(n.ents) { // file by file, as the system does it
		if err := f.RemoveAll(filepath.Join(path, name)); err != nil {
			return err
		}
	}
	if err := f.step("remove " + path); err != nil {
		return err
	}
	base := filepath.Base(path)
	f.parent(path).change(func(m map[string]*inode) { delete(m, base) })
	return nil
}

func (f *crashFS) SyncDir(dir string) error {
	if err := f.step("fsync dir " + dir); err != nil {
		return err
	}
	n := f.walk(dir)
	if n == nil {
		return os.ErrNotExist
	}
	for _, c := range n.pending {
		c(n.durable)
	}
	n.pending = nil
	return nil
}

func (f *crashFS) ReadDir(dir string) ([]string, error) {
	if f.dead {
		return nil, errDead
	}
	n := f.walk(dir)
	if n == nil {
		return nil, nil
	}
	return sorted(n.ents), nil
}

func sorted(m map[string]*inode) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// dump writes what the disk holds into a real directory. lost says that the power failed: what was not synced is there in part;
// otherwise only the process died.
func (f *crashFS) dump(t *testing.T, to string, lost bool, rng *rand.Rand) {
	t.Helper()
	var rec func(n *inode, path string)
	rec = func(n *inode, path string) {
		if !n.dir {
			data := n.data
			if lost {
				data = n.synced
				if len(n.data) > len(n.synced) {
					data = n.data[:len(n.synced)+rng.IntN(len(n.data)-len(n.synced)+1)]
				}
			}
			if err := os.WriteFile(path, data, 0o666); err != nil {
				t.Fatal(err)
			}
			return
		}
		if err := os.MkdirAll(path, 0o777); err != nil {
			t.Fatal(err)
		}
		ents := n.ents
		if lost {
			ents = map[string]*inode{}
			for k, v := range n.durable {
				ents[k] = v
			}
			for _, c := range n.pending[:rng.IntN(len(n.pending)+1)] {
				c(ents)
			}
		}
		for _, name := range sorted(ents) {
			rec(ents[name], filepath.Join(path, name))
		}
	}
	rec(f.root, to)
}
