package native

import (
	"context"
	"errors"
)

// Code is native code in the process.
type Code struct {
	libs    []library
	Address map[string]uintptr // of units, by symbol
}

// Load compiles those units that were never compiled on this machine, in jobs processes at the same time, and loads all. The error is located
// and says what to do (WF0590 to WF0593).
func (t *Toolchain) Load(ctx context.Context, list []*Unit, jobs int) (*Code, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	objects, err := t.objects(ctx, list, cache, jobs)
	if err != nil {
		return nil, err
	}
	c := &Code{Address: map[string]uintptr{}}
	opened := map[string]library{}
	for _, u := range list {
		so := objects[u.Symbol]
		if _, ok := opened[so]; !ok {
			lib, err := openLibrary(so)
			if err != nil {
				return nil, errors.Join(err, c.Close())
			}
			opened[so], c.libs = lib, append(c.libs, lib)
		}
		if c.Address[u.Symbol], err = opened[so].symbol(u.Symbol); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// Close takes the code out of the process; nothing of it may be running. It may be called more than once.
func (c *Code) Close() error {
	var errs []error
	for _, l := range c.libs {
		errs = append(errs, l.close())
	}
	c.libs = nil
	return errors.Join(errs...)
}
