package tokens

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Data is training data: what is trained on and what is held back.
type Data struct {
	Train, Val *Tokens
	Tokenizer  Tokenizer // nil for token files that do not say theirs
	Vocab      int       // tokens are below it
	// Largest says where a token Vocab-1 stands, when token files settled that and not a tokenizer.
	Largest string
	closers []*Tokens
}

// Options of Load.
type Options struct {
	Kind string // tokenizer for text
	// Means is the tokenizer of token files that do not say theirs: Byte, GPT2, "" when it is not known.
	Means string
	Use   Tokenizer // instead of one for this text: a run goes on
	Val   float64   // part of the data held back, at the end of each file; 0.1 is nanoGPT's. With ValFiles: not used
	// ValFiles are held back instead.
	ValFiles []string
}

// maxText bounds a text that is turned into tokens in memory.
const maxText = 4 << 30

// source is a file of the data: a text, or tokens.
type source struct {
	path string
	text []byte
	toks *Tokens // nil for a text
}

// Load reads files of text and of tokens. They become one sequence in the order given, with the token that ends a document between two of
// them where the tokenizer has one and neither file has it there. Each file is cut into training and validation part, a text at a character
// and then turned into tokens, as nanoGPT does.
func Load(files []string, o Options) (*Data, error) {
	if len(files) == 0 {
		return nil, fmt.Errorf("no data files")
	}
	if o.Val < 0 || o.Val >= 1 || o.Val != o.Val {
		return nil, fmt.Errorf("a validation part of %v: it must be at least 0 and below 1", o.Val)
	}
	if o.Means != "" && o.Means != Byte && o.Means != GPT2 {
		o.Means = "" // characters have tokens only within their text
	}
	d := &Data{Tokenizer: o.Use}
	if err := d.load(files, o); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Data) load(files []string, o Options) error {
	var all []source
	for _, path := range slices.Concat(files, o.ValFiles) {
		s, err := open(path)
		if err != nil {
			return err
		}
		if s.toks != nil {
			d.closers = append(d.closers, s.toks)
		}
		all = append(all, s)
	}
	if err := d.settle(all, o); err != nil {
		return err
	}
	var train, val []*Tokens
	for i, s := range all {
		head, tail, err := d.cut(s, o.Val, i < len(files) && len(o.ValFiles) == 0)
		if err != nil {
			return err
		}
		if i < len(files) {
			train, val = append(train, head), append(val, tail)
		} else {
			val = append(val, head)
		}
	}
	d.Train, d.Val = d.join(train), d.join(val)
	return d.vocabulary(all)
}

// open reads a text, or maps a file of tokens.
func open(path string) (source, error) {
	b, err := readHead(path)
	if err != nil {
		return source{}, err
	}
	if IsTokenFile(path, b) {
		t, err := Open(path)
		return source{path: path, toks: t}, err
	}
	if st, err := os.Stat(path); err == nil && st.Size() > maxText {
		return source{}, fmt.Errorf("%s has %d bytes: make a token file of it first: wfc tokenize", path, st.Size())
	}
	b, err = os.ReadFile(path)
	return source{path: path, text: b}, err
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

// settle finds the tokenizer of all files: that of the run, else what a file of tokens says, else what the user says; for texts alone it is made
// of them.
func (d *Data) settle(all []source, o Options) error {
	var kind, from string // what is known so far, and the file that said it
	if d.Tokenizer != nil {
		kind, from = d.Tokenizer.Spec().Kind, "the run"
	}
	var texts [][]byte
	var names []string
	silent := ""
	for _, s := range all {
		if s.toks == nil {
			texts, names = append(texts, s.text), append(names, s.path)
			continue
		}
		is := s.toks.Kind()
		if is != Byte && is != GPT2 {
			is = o.Means
		}
		switch {
		case is == "":
			silent = s.path
		case kind != "" && is != kind:
			return fmt.Errorf("%s has tokens of the tokenizer %s, %s those of %s", s.path, is, from, kind)
		default:
			kind, from = is, s.path
		}
	}
	switch {
	case d.Tokenizer != nil:
		return nil
	case silent != "" && len(texts) > 0:
		return fmt.Errorf("%s does not say whose tokens it has, so the text %s cannot stand beside it: --tokenizer gpt2 or byte says so", silent, names[0])
	case silent != "":
		return nil
	case kind == "":
		kind = o.Kind
	}
	var err error
	d.Tokenizer, err = For(kind, texts...)
	var bad *notText
	if errors.As(err, &bad) {
		return fmt.Errorf("%s: %w", names[bad.i], bad.error)
	}
	return err
}

// cut gives the tokens of a file, without those to be held back, and these.
func (d *Data) cut(s source, part float64, hold bool) (head, tail *Tokens, err error) {
	if s.toks != nil {
		n := s.toks.Len()
		if hold {
			n = int(float64(n) * (1 - part))
		}
		return s.toks.Slice(0, n), s.toks.Slice(n, s.toks.Len()), nil
	}
	at := len(s.text)
	if hold {
		at = split(s.text, 1-part)
	}
	if head, err = d.encode(s.text[:at], s.path); err == nil {
		tail, err = d.encode(s.text[at:], fmt.Sprintf("%s, what is held back from byte %d", s.path, at))
	}
	return head, tail, err
}

func (d *Data) encode(text []byte, name string) (*Tokens, error) {
	ids, err := d.Tokenizer.Encode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return Of(ids), nil
}

// join makes one sequence of several.
func (d *Data) join(list []*Tokens) *Tokens {
	ends := d.Tokenizer != nil && d.Tokenizer.Spec().Kind == GPT2
	var out []*Tokens
	for _, t := range list {
		if t.Len() == 0 {
			continue
		}
		if k := len(out) - 1; ends && k >= 0 && out[k].At(out[k].Len()-1) != EndOfText && t.At(0) != EndOfText {
			out = append(out, Of([]int32{EndOfText}))
		}
		out = append(out, t)
	}
	return Join(out...)
}

// vocabulary settles how large the vocabulary is, and holds every file of tokens against it.
func (d *Data) vocabulary(all []source) error {
	if d.Tokenizer != nil {
		d.Vocab = d.Tokenizer.Vocab()
	}
	for _, s := range all {
		if s.toks == nil {
			continue
		}
		m, at, err := s.toks.largest()
		if err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		v := s.toks.Vocab()
		switch {
		case v > 0 && int(m) >= v:
			return fmt.Errorf("%s: token %d at place %d of a file that states a vocabulary of %d", s.path, m, at, v)
		case d.Tokenizer != nil && int(m) >= d.Tokenizer.Vocab():
			return fmt.Errorf("%s: token %d at place %d: the tokenizer %s has %d", s.path, m, at, d.Tokenizer.Spec().Kind, d.Tokenizer.Vocab())
		case d.Tokenizer == nil && int(m) >= d.Vocab:
			d.Vocab, d.Largest = int(m)+1, fmt.Sprintf("token %d at place %d of %s", m, at, s.path)
		}
		if d.Tokenizer == nil && v > d.Vocab {
			d.Vocab, d.Largest = v, s.path+" states it"
		}
	}
	return nil
}

// split is the byte after the given part of the characters (of the bytes when the text is not UTF-8).
func split(text []byte, part float64) int {
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
	var errs []error
	for _, t := range d.closers {
		errs = append(errs, t.Close())
	}
	return errors.Join(errs...)
}

// Expand replaces patterns (shards/*.bin) by the files that match them, sorted by name. A file of that very name comes first.
func Expand(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		if _, err := os.Lstat(name); err == nil || !strings.ContainsAny(name, "*?[") {
			out = append(out, name)
			continue
		}
		found, err := filepath.Glob(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no file matches %s", name)
		}
		slices.Sort(found)
		out = append(out, found...)
	}
	return out, nil
}
