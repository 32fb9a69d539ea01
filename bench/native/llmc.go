//go:build linux

package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// llmcProgram names the variable that says where train_gpt2 of llm.c is, built for the batches of the case. It is no package of any
// distribution, and the shape of its batches is in its source.
const llmcProgram = "WFC_LLMC"

// llmc is that program. It trains by itself and says how long every step took; between samples it is stopped.
type llmc struct {
	cmd   *exec.Cmd
	out   *bufio.Scanner
	batch int // tokens
}

const llmcTokens = 64 << 10 // of the file it trains on

var (
	llmcStep    = regexp.MustCompile(`^step \d+: train loss \S+ \(took (\S+) ms`)
	llmcBatches = regexp.MustCompile(`^train dataset num_batches: (\d+)`)
)

// inLLMC is llm.c with a model and tokens that are made up.
func inLLMC(layers, heads, width, context, vocab, batch int) entry {
	return entry{"llm.c", func(y *yard) (contestant, error) {
		program := os.Getenv(llmcProgram)
		if program == "" {
			return nil, fmt.Errorf("%s names no program of it: %w", llmcProgram, errAbsent)
		}
		dir := filepath.Join(y.dir, fmt.Sprint("llmc", vocab))
		if err := llmcFiles(dir, layers, heads, width, context, vocab); err != nil {
			return nil, err
		}
		cmd := exec.Command("stdbuf", "-oL", program)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		cmd.Env = append(os.Environ(), fmt.Sprintf("OMP_NUM_THREADS=%d", *threads), "OMP_PROC_BIND=true")
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			return nil, err
		}
		l := &llmc{cmd: cmd, out: bufio.NewScanner(out), batch: batch * context}
		n, err := l.next(llmcBatches)
		if err == nil && int(n) != llmcTokens/l.batch {
			err = fmt.Errorf("%s is built for other batches than %d x %d", program, batch, context)
		}
		if err == nil {
			err = cmd.Process.Signal(syscall.SIGSTOP)
		}
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}}
}

// next waits for a line with a number.
func (l *llmc) next(line *regexp.Regexp) (float64, error) {
	for l.out.Scan() {
		if m := line.FindStringSubmatch(l.out.Text()); m != nil {
			return strconv.ParseFloat(m[1], 64)
		}
	}
	return 0, errors.Join(errors.New("llm.c ended"), l.out.Err())
}

// Sample lets it go on for the rest of the step in which it was stopped, which does not count, and the next one.
func (l *llmc) Sample() (sample, error) {
	if err := l.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return sample{}, err
	}
	_, err := l.next(llmcStep)
	var ms float64
	if err == nil {
		ms, err = l.next(llmcStep)
	}
	if err == nil {
		err = l.cmd.Process.Signal(syscall.SIGSTOP)
	}
	return sample{ms / 1e3, float64(l.batch), math.NaN()}, err
}

func (l *llmc) Close() error {
	err := l.cmd.Process.Kill()
	l.cmd.Wait() // it was killed
	return err
}

// llmcFiles writes what the program opens by fixed names: a model (version 3: a header of 256 words, then all weights in f32) and tokens
// (version 1: the same header, then 16 bits each).
func llmcFiles(dir string, layers, heads, width, context, vocab int) error {
	rng := rand.New(rand.NewPCG(1, 1))
	padded := (vocab + 127) / 128 * 128
	err := writeWords(filepath.Join(dir, "gpt2_124M.bin"), []int32{20240326, 3, int32(context), int32(vocab), int32(layers), int32(heads), int32(width), int32(padded)}, func(w io.Writer) error {
		const random = -1
		for _, part := range []struct {
			n     int
			value float32
		}{
			{(padded + context) * width, random}, // embeddings
			{layers * width, 1}, {layers * width, 0}, {layers * 3 * width * width, random}, {layers * 3 * width, 0},
			{layers * width * width, random}, {layers * width, 0},
			{layers * width, 1}, {layers * width, 0}, {layers * 4 * width * width, random}, {layers * 4 * width, 0},
			{layers * 4 * width * width, random}, {layers * width, 0},
			{width, 1}, {width, 0},
		} {
			values := make([]float32, part.n)
			for i := range values {
				values[i] = part.value
				if part.value == random {
					values[i] = float32(0.02 * rng.NormFloat64())
				}
			}
			if err := binary.Write(w, binary.LittleEndian, values); err != nil {
				return err
			}
		}
		return nil
	})
	for _, name := range []string{"train", "val"} {
		err = errors.Join(err, writeWords(filepath.Join(dir, "dev/data/tinyshakespeare/tiny_shakespeare_"+name+".bin"), []int32{20240520, 1, llmcTokens}, func(w io.Writer) error {
			tokens := make([]uint16, llmcTokens)
			for i := range tokens {
				tokens[i] = uint16(rng.IntN(vocab))
			}
			return binary.Write(w, binary.LittleEndian, tokens)
		}))
	}
	return err
}

// writeWords writes a file of a header of 256 words and what follows.
func writeWords(path string, header []int32, rest func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = binary.Write(w, binary.LittleEndian, append(header, make([]int32, 256-len(header))...))
	if err == nil {
		err = rest(w)
	}
	return errors.Join(err, w.Flush(), f.Close())
}
