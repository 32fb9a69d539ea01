package hf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// llm.c's model files: 256 integers {20240326, version 3, longest sequence, vocabulary, layers, heads, width, padded vocabulary}, then f32
// tensors, those of all layers stacked, matrices [out, in] (karpathy/llm.c train_gpt2.c).
const (
	llmcMagic   = 20240326
	llmcVersion = 3
	llmcHeader  = 256
)

// IsLLMC says whether a file begins like a model of llm.c.
func IsLLMC(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var b [4]byte
	_, err = io.ReadFull(f, b[:])
	return err == nil && binary.LittleEndian.Uint32(b[:]) == llmcMagic
}

// ImportLLMC reads a GPT-2 model of llm.c. Rows that pad the vocabulary are dropped.
func ImportLLMC(path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	m, err := readLLMC(f, st.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func readLLMC(r io.Reader, size int64) (*Model, error) {
	var head [llmcHeader]int32
	if err := binary.Read(r, binary.LittleEndian, &head); err != nil {
		return nil, errors.New("the file is cut in its header")
	}
	if head[0] != llmcMagic || head[1] != llmcVersion {
		return nil, fmt.Errorf("no model of llm.c in f32: magic %d, version %d", head[0], head[1])
	}
	c := Config{Family: GPT2, Context: int(head[2]), Vocab: int(head[3]), Layers: int(head[4]), Heads: int(head[5]), Width: int(head[6]), Tied: true,
		Positions: Learned, Activation: "gelu_new"}
	padded := int(head[7])
	c.FFN = 4 * c.Width
	c.finish()
	if err := c.check(); err != nil {
		return nil, err
	}
	if padded < c.Vocab || padded > most {
		return nil, fmt.Errorf("a vocabulary of %d padded to %d", c.Vocab, padded)
	}
	m := &Model{Config: c, W: map[string]*Tensor{}}
	// The size is known before anything is made. In f64, because numbers of a wrong file may be large.
	d, l := float64(c.Width), float64(c.Layers)
	want := 4*(float64(padded)*d+float64(c.Context)*d+l*(12*d*d+13*d)+2*d) + 4*llmcHeader
	if want != float64(size) {
		return nil, fmt.Errorf("%d bytes where the header says %.0f: the file is cut, or another", size, want)
	}
	read := func(rows, cols int) ([]float32, error) {
		b := make([]byte, 4*rows*cols)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return v, nil
	}
	v, err := read(padded, c.Width)
	if err != nil {
		return nil, err
	}
	m.W["wte"] = &Tensor{c.shape("wte"), v[:c.Vocab*c.Width]}
	if v, err = read(c.Context, c.Width); err != nil {
		return nil, err
	}
	m.W["wpe"] = &Tensor{c.shape("wpe"), v}
	for _, slots := range [][]string{{"ln1.w"}, {"ln1.b"}, {"q", "k", "v"}, {"q.b", "k.b", "v.b"}, {"o"}, {"o.b"}, {"ln2.w"}, {"ln2.b"}, {"up"}, {"up.b"}, {"down"}, {"down.b"}} {
		for layer := range c.Layers {
			for _, s := range slots {
				s = slot(layer, s)
				shape := c.shape(s)
				cols := 1
				if len(shape) > 1 {
					cols = shape[1]
				}
				if v, err = read(shape[0], cols); err != nil {
					return nil, err
				}
				m.W[s] = &Tensor{shape, v}
			}
		}
	}
	for _, s := range []string{"lnf.w", "lnf.b"} {
		if v, err = read(c.Width, 1); err != nil {
			return nil, err
		}
		m.W[s] = &Tensor{c.shape(s), v}
	}
	return m, m.Check()
}
