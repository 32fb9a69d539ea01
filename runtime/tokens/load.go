package tokens

import (
	"bytes"
	"fmt"
	"os"
	"unicode/utf8"
)

// Data is training data: what is trained on and what is held back.
type Data struct {
	Train, Val *Tokens
	Tokenizer  Tokenizer // nil for token files that do not say theirs
	Vocab      int       // tokens are below it
	closers    []*Tokens
}

// Options of Load.
type Options struct {
	Kind string    // tokenizer for text
	Use  Tokenizer // instead of one for this text: a run goes on
	Val  float64   // part of the data held back, at the end of each file; 0.1 is nanoGPT's. With ValFiles: not used
	// ValFiles are held back instead.
	ValFiles []string
}

// maxText bounds a text that is turned into tokens in memory.
const maxText = 4 << 30

// Load reads files of text or of tokens (not both). The texts are one text, with a token that ends a document between them where the
// tokenizer has one. Text is cut into training and validation part at a character and then turned into tokens, as nanoGPT does.
func Load(files []string, o Options) (*Data, error) {
	if len(files) == 0 {
		return nil, fmt.Errorf("no data files")
	}
	if o.Val < 0 || o.Val >= 1 || o.Val != o.Val {
		return nil, fmt.Errorf("a validation part of %v: it must be at least 0 and below 1", o.Val)
	}
	var texts, valTexts [][]byte
	d := &Data{Tokenizer: o.Use}
	read := func(path string) ([]byte, *Tokens, error) {
		b, err := readHead(path)
		if err != nil {
			return nil, nil, err
		}
		if IsTokenFile(path, b) {
			t, err := Open(path)
			return nil, t, err
		}
		if st, err := os.Stat(path); err == nil && st.Size() > maxText {
			return nil, nil, fmt.Errorf("%s has %d bytes: make a token file of it first: wfc tokenize", path, st.Size())
		}
		b, err = os.ReadFile(path)
		return b, nil, err
	}
	for i, path := range append(append([]string{}, files...), o.ValFiles...) {
		text, toks, err := read(path)
		switch {
		case err != nil:
			return nil, err
		case toks != nil:
			d.closers = append(d.closers, toks)
		case i < len(files):
			texts = append(texts, text)
		default:
			valTexts = append(valTexts, text)
		}
	}
	if len(d.closers) > 0 {
		return d, d.binary(files, o, len(texts)+len(valTexts))
	}
	return d, d.text(files, texts, valTexts, o)
}

func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = fmt.Errorf("%s is a directory; name the files", path)
	}
	if err != nil {
		return nil, err
	}
	b := make([]byte, len(magic))
	n, err := f.Read(b)
	if n == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return b[:n], err
}

// binary takes token files.
func (d *Data) binary(files []string, o Options, texts int) error {
	if texts > 0 || len(files) > 1 || len(o.ValFiles) > 1 {
		return fmt.Errorf("one token file (and one with --val) is taken, alone")
	}
	all := d.closers[0]
	d.Train = all
	if len(d.closers) > 1 {
		d.Val = d.closers[1]
	} else {
		n := int(float64(all.Len()) * (1 - o.Val))
		d.Train, d.Val = all.Slice(0, n), all.Slice(n, all.Len())
	}
	d.Vocab = all.Vocab()
	if d.Tokenizer == nil && (all.Kind() == Byte || all.Kind() == GPT2) {
		tk, err := New(Spec{Kind: all.Kind()})
		if err != nil {
			return err
		}
		d.Tokenizer = tk
	}
	for _, t := range d.closers {
		m := int(t.Max()) + 1
		if t.Vocab() > 0 && m > t.Vocab() {
			return fmt.Errorf("token %d in a file that states a vocabulary of %d", m-1, t.Vocab())
		}
		d.Vocab = max(d.Vocab, t.Vocab(), m)
	}
	return nil
}

// text turns texts into tokens.
func (d *Data) text(files []string, texts, vals [][]byte, o Options) error {
	if d.Tokenizer == nil {
		var err error
		if d.Tokenizer, err = For(o.Kind, bytes.Join(append(append([][]byte{}, texts...), vals...), nil)); err != nil {
			return err
		}
	}
	held := o.ValFiles
	if len(vals) == 0 {
		for i, t := range texts {
			at := cut(t, 1-o.Val)
			texts[i], vals = t[:at], append(vals, t[at:])
			held = append(held, fmt.Sprintf("%s, what is held back from byte %d", files[i], at))
		}
	}
	var err error
	if d.Train, err = d.join(texts, files); err == nil {
		d.Val, err = d.join(vals, held)
	}
	d.Vocab = d.Tokenizer.Vocab()
	return err
}

// join makes tokens of texts, one after another. names are those of their files.
func (d *Data) join(texts [][]byte, names []string) (*Tokens, error) {
	var all []int32
	for i, t := range texts {
		if i > 0 && d.Tokenizer.Spec().Kind == GPT2 {
			all = append(all, EndOfText)
		}
		ids, err := d.Tokenizer.Encode(t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", names[i], err)
		}
		all = append(all, ids...)
	}
	return Of(all), nil
}

// cut is the byte after the given part of the characters (of the bytes when the text is not UTF-8).
func cut(text []byte, part float64) int {
	if !utf8.Valid(text) {
		return int(float64(len(text)) * part)
	}
	n := int(float64(utf8.RuneCount(text)) * part)
	at := 0
	for ; n > 0; n-- {
		_, k := utf8.DecodeRune(text[at:])
		at += k
	}
	return at
}

// Close gives mapped files back.
func (d *Data) Close() error {
	var first error
	for _, t := range d.closers {
		if err := t.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
