package native

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// Unit is a kernel by content: what it computes on which shapes, whatever the arrays are called. The layers of a network, and programs
// that have kernels in common, share units; each is compiled once on a machine.
type Unit struct {
	Symbol string // made of the content
	Module *llvm.Module
	text   string
}

// Units are the kernels of a program in order of first use.
type Units struct {
	List  []*Unit
	bySym map[string]*Unit
}

// Add names a kernel after its content and returns its name. The module's last two functions are the body and the exported function.
func (u *Units) Add(m *llvm.Module) string {
	n := len(m.Funcs)
	body, outer := m.Funcs[n-2], m.Funcs[n-1]
	body.SetName("kernel.body")
	outer.SetName("kernel")
	text := m.Text()
	sym := fmt.Sprintf("k%x", sha256.Sum256([]byte(text)))[:25]
	body.SetName(sym + ".body")
	outer.SetName(sym)
	if u.bySym == nil {
		u.bySym = map[string]*Unit{}
	}
	if u.bySym[sym] == nil {
		x := &Unit{sym, m, text}
		u.bySym[sym] = x
		u.List = append(u.List, x)
	}
	return sym
}

// Module is all units in one.
func (u *Units) Module() *llvm.Module { return merge(u.List) }

func merge(list []*Unit) *llvm.Module {
	ms := make([]*llvm.Module, len(list))
	for i, x := range list {
		ms[i] = x.Module
	}
	return llvm.Merge(ms)
}

// chunkText is about how much text is compiled at a time: enough to make the start of a tool cheap, little enough to divide the work.
const chunkText = 200 << 10

// objects returns the shared object of every unit, by symbol. Units that are not in the cache are compiled, in jobs chunks at the same time. In
// the cache a chunk is a shared object named after its content, with a checksum beside it, and every unit a link to the chunk it is in. What does
// not fit its checksum is compiled again.
func (t *Toolchain) objects(ctx context.Context, list []*Unit, cache string, jobs int) (map[string]string, error) {
	out := map[string]string{}
	var missing []*Unit
	links, checked := map[string]string{}, map[string]bool{}
	for _, x := range list {
		h := sha256.New()
		fmt.Fprintf(h, "wfc-cpu 2\n%s\n%s\n%q\n%s\n", t.id, Processor(), t.Commands("."), x.text)
		link := filepath.Join(cache, fmt.Sprintf("%x.k", h.Sum(nil)[:20]))
		links[x.Symbol] = link
		if name, err := os.Readlink(link); err == nil {
			so := filepath.Join(cache, name)
			if checked[so] = checked[so] || whole(so); checked[so] {
				out[x.Symbol] = so
				continue
			}
		}
		missing = append(missing, x)
	}
	chunks := split(missing, jobs)
	errs := make([]error, len(chunks))
	sos := make([]string, len(chunks))
	var wg sync.WaitGroup
	limit := make(chan struct{}, jobs)
	for i, c := range chunks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			limit <- struct{}{}
			defer func() { <-limit }()
			sos[i], errs[i] = t.build(ctx, merge(c).Text(), cache)
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil { // one message is enough
			return nil, err
		}
	}
	var failed []error
	for i, c := range chunks {
		for _, x := range c {
			out[x.Symbol] = sos[i]
			failed = append(failed, point(links[x.Symbol], filepath.Base(sos[i])))
		}
	}
	return out, errors.Join(failed...)
}

// split divides units into chunks of about equal size, at least n if there is enough.
func split(list []*Unit, n int) (out [][]*Unit) {
	total := 0
	for _, x := range list {
		total += len(x.text)
	}
	size := max(1<<10, min(chunkText, total/max(1, n)+1))
	var cur []*Unit
	have := 0
	for _, x := range list {
		if have > 0 && have+len(x.text) > size {
			out = append(out, cur)
			cur, have = nil, 0
		}
		cur, have = append(cur, x), have+len(x.text)
	}
	if len(cur) > 0 {
		out = append(out, cur)
	}
	return out
}

// point makes a link, replacing one that points elsewhere. Several processes may do it at once.
func point(link, to string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(link), "link-*")
	if err != nil {
		return fmt.Errorf("kernel cache: %w", err)
	}
	defer os.RemoveAll(tmp)
	at := filepath.Join(tmp, "k")
	if err := os.Symlink(to, at); err != nil {
		return fmt.Errorf("kernel cache: %w", err)
	}
	if err := os.Rename(at, link); err != nil {
		return fmt.Errorf("kernel cache: %w", err)
	}
	return nil
}
