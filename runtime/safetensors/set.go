package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// IndexName is the file that lists the shards of a model in a directory; SingleName is the file of a model in one piece.
const (
	IndexName  = "model.safetensors.index.json"
	SingleName = "model.safetensors"
)

// Index is the list of shards.
type Index struct {
	Meta struct {
		TotalSize int64 `json:"total_size"`
	} `json:"metadata"`
	Map map[string]string `json:"weight_map"` // tensor -> file
}

// Set is the tensors of a model, in one file or in shards.
type Set struct {
	files []*File
	at    map[string]*File
}

// OpenSet opens a file, or the model in a directory: its index when there is one, else model.safetensors.
func OpenSet(path string) (*Set, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		if strings.HasSuffix(path, ".json") {
			return openShards(path)
		}
		return newSet(path)
	}
	if index := filepath.Join(path, IndexName); exists(index) {
		return openShards(index)
	}
	return newSet(filepath.Join(path, SingleName))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func newSet(paths ...string) (*Set, error) {
	var files []*File
	for _, p := range paths {
		f, err := Open(p)
		if err != nil {
			return nil, errors.Join(err, (&Set{files: files}).Close())
		}
		files = append(files, f)
	}
	return SetOf(files...)
}

// SetOf is the tensors of open files, which belong to the set afterwards.
func SetOf(files ...*File) (*Set, error) {
	s := &Set{files: files, at: map[string]*File{}}
	for _, f := range files {
		for i := range f.Entries {
			name := f.Entries[i].Name
			if g := s.at[name]; g != nil {
				return nil, errors.Join(fmt.Errorf("tensor %q is in %s and in %s", name, g.Path, f.Path), s.Close())
			}
			s.at[name] = f
		}
	}
	return s, nil
}

// maxIndex bounds the index file; real ones have some hundred kilobytes.
const maxIndex = MaxHeader

func openShards(path string) (*Set, error) {
	if st, err := os.Stat(path); err != nil {
		return nil, err
	} else if st.Size() > maxIndex {
		return nil, fmt.Errorf("%s has %d bytes; an index has at most %d", path, st.Size(), maxIndex)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var ix Index
	if err := json.Unmarshal(b, &ix); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var paths []string
	seen := map[string]bool{}
	for _, f := range ix.Map {
		if f == "" || f == ".." || filepath.Base(f) != f || strings.ContainsAny(f, `/\`) {
			return nil, fmt.Errorf("%s: the shard %q is not a file beside the index", path, f)
		}
		if !seen[f] {
			seen[f] = true
			paths = append(paths, filepath.Join(filepath.Dir(path), f))
		}
	}
	sort.Strings(paths)
	s, err := newSet(paths...)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(ix.Map))
	for n := range ix.Map {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if f := s.at[n]; f == nil || filepath.Base(f.Path) != ix.Map[n] {
			return nil, errors.Join(fmt.Errorf("%s: tensor %q is not in %s", path, n, ix.Map[n]), s.Close())
		}
	}
	return s, nil
}

// Names lists the tensors, sorted.
func (s *Set) Names() []string {
	out := make([]string, 0, len(s.at))
	for n := range s.at {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// Entry finds a tensor, or nil.
func (s *Set) Entry(name string) *Entry {
	if f := s.at[name]; f != nil {
		return f.Entry(name)
	}
	return nil
}

// Floats reads a tensor as float32 values.
func (s *Set) Floats(name string) ([]float32, error) {
	f := s.at[name]
	if f == nil {
		return nil, fmt.Errorf("there is no tensor %q", name)
	}
	return f.Floats(name)
}

// Close closes the files.
func (s *Set) Close() (err error) {
	for _, f := range s.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// Shards cuts tensors into files of at most limit bytes of data, in order (a larger tensor has a file to itself). One file is named
// model.safetensors and has no index.
func Shards(tensors []Tensor, limit int64) (files [][]Tensor, names []string, index *Index, err error) {
	var size, total int64
	for _, t := range tensors {
		n, err := byteSize(t.DType, t.Shape)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if len(files) == 0 || limit > 0 && size+n > limit && size > 0 {
			files, size = append(files, nil), 0
		}
		files[len(files)-1] = append(files[len(files)-1], t)
		size, total = size+n, total+n
	}
	if len(files) <= 1 {
		return files, []string{SingleName}, nil, nil
	}
	index = &Index{Map: map[string]string{}}
	index.Meta.TotalSize = total
	for i, f := range files {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(files))
		names = append(names, name)
		for _, t := range f {
			index.Map[t.Name] = name
		}
	}
	return files, names, index, nil
}
