package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/png"
)

// film is an animation in the making. Its frames are drawn when the run ends, in one scale of colours. A run with checkpoints appends them to
// a file beside the checkpoints, as they come: a run that goes on reads back those that its checkpoint counts.
type film struct {
	name   string
	x, y   png.Axis
	titles []string
	frames [][]float32 // row by row, y outer
	saved  int         // frames in the file
}

// filmState is a film in a checkpoint. The frames are in File, which is beside the checkpoint.
type filmState struct {
	Name   string   `json:"name"`
	File   string   `json:"file"`
	X      png.Axis `json:"x"`
	Y      png.Axis `json:"y"`
	Titles []string `json:"titles"`
}

// maxFrames bounds an animation: later frames are left out, since all are held until the end.
const maxFrames = 2000

func (m *film) size() int { return m.x.N * max(1, m.y.N) }

func (m *film) file() string { return m.name + ".frames" }

// shoot adds a frame to the animation of an array.
func (o *outputs) shoot(x *ir.Output, f ir.Format, name string) error {
	p, suffix, err := o.picture(x, f, name)
	if err != nil {
		return err
	}
	var m *film
	for _, g := range o.films {
		if g.name == name+suffix {
			m = g
		}
	}
	if m == nil {
		m = &film{name: name + suffix, x: p.X, y: p.Y}
		o.films = append(o.films, m)
	}
	if len(m.frames) >= maxFrames {
		return nil
	}
	// The plane is kept, not the field it is cut from.
	w, h := p.X.N, max(1, p.Y.N)
	v := make([]float32, w*h)
	for j := range h {
		for i := range w {
			v[j*w+i] = float32(p.Value(i, j))
		}
	}
	m.titles, m.frames = append(m.titles, p.Title), append(m.frames, v)
	return nil
}

// finish writes what is written once, when the run ends or is stopped.
func (o *outputs) finish() error {
	err := o.writer.close()
	for _, m := range o.films {
		a := png.Animation{}
		for k, v := range m.frames {
			a.Frames = append(a.Frames, &png.Plot{Title: m.titles[k], X: m.x, Y: m.y,
				Value: func(i, j int) float64 { return float64(v[j*m.x.N+i]) }})
		}
		if werr := a.WriteFile(o.path(m.name + ".gif")); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	o.films = nil
	return err
}

// saveFilms appends the frames since the last checkpoint to their files in dir and says what a checkpoint needs to know.
func (o *outputs) saveFilms(dir string) (states []filmState, err error) {
	for _, m := range o.films {
		if err := m.append(filepath.Join(dir, m.file())); err != nil {
			return nil, err
		}
		states = append(states, filmState{m.name, m.file(), m.x, m.y, append([]string(nil), m.titles...)})
	}
	return states, nil
}

func (m *film) append(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	at := int64(m.saved) * int64(m.size()) * 4
	if err = f.Truncate(at); err == nil { // frames of a run that got further and was lost
		_, err = f.Seek(at, io.SeekStart)
	}
	for ; err == nil && m.saved < len(m.frames); m.saved++ {
		err = binary.Write(f, binary.LittleEndian, m.frames[m.saved])
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// resumeFilms reads the frames that a checkpoint counts. keep says that the run writes on into the same directory.
func (o *outputs) resumeFilms(dir string, states []filmState, keep bool) error {
	for _, s := range states {
		m := &film{name: s.Name, x: s.X, y: s.Y, titles: s.Titles}
		bad := func(format string, args ...any) error {
			return diag.List{diag.New("WF0624", diag.Span{}, "the animation of %s cannot go on: %s", s.Name, fmt.Sprintf(format, args...)).
				Note("its frames so far are in %s", filepath.Join(dir, m.file())).Suggest("put the file back, or start again without --restart")}
		}
		if s.File != m.file() || filepath.Base(s.File) != s.File || s.X.N < 1 || s.Y.N < 0 || s.X.N > math.MaxInt32/max(1, s.Y.N)/4 || len(s.Titles) > maxFrames {
			return bad("the checkpoint is damaged")
		}
		f, err := os.Open(filepath.Join(dir, m.file()))
		if errors.Is(err, fs.ErrNotExist) {
			return bad("the file is missing")
		}
		if err != nil {
			return err
		}
		st, err := f.Stat()
		if err == nil && st.Size() < int64(len(s.Titles))*int64(m.size())*4 {
			err = bad("it has %d bytes, too few for %d frames", st.Size(), len(s.Titles))
		}
		for range s.Titles {
			if err != nil {
				break
			}
			v := make([]float32, m.size())
			err = binary.Read(f, binary.LittleEndian, v)
			m.frames = append(m.frames, v)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if keep {
			m.saved = len(m.frames)
		}
		o.films = append(o.films, m)
	}
	return nil
}
