//go:build unix

package mpi

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// abi is what differs between the libraries: in Open MPI, handles are addresses of objects of the library, in MPICH and its relatives
// (Intel MPI, MVAPICH, Cray MPICH, by their common ABI of 2013) they are numbers. Both pass them as words.
type abi struct {
	world, bytes, errorsReturn, statusIgnore uintptr
}

// Handles of MPICH's ABI, from its mpi.h.
var mpich = abi{world: 0x44000000, bytes: 0x4c00010d, errorsReturn: 0x54000001, statusIgnore: 1}

// Levels of thread support and the limits we rely on, from the MPI standard and both headers.
const (
	threadSerialized = 2
	maxPart          = 1 << 30 // bytes of one message: counts are int
)

// library is a loaded MPI library. Its functions are called by one thread at a time.
type library struct {
	mu   sync.Mutex
	abi  abi
	kind string
	fn   map[string]uintptr
	// What the library writes to lies here and not on a stack, which may move during a call.
	number [2]int32
	text   [8192 + 64]byte // MPI_MAX_LIBRARY_VERSION_STRING of MPICH, the longest
}

var functions = []string{"MPI_Init_thread", "MPI_Finalize", "MPI_Comm_rank", "MPI_Comm_size", "MPI_Comm_set_errhandler", "MPI_Isend", "MPI_Irecv",
	"MPI_Test", "MPI_Abort", "MPI_Error_string"}

// Join connects this process with the other ranks of the job.
func Join(j Job) (Comm, error) {
	l, file, err := openLibrary(j)
	if err != nil {
		return nil, err
	}
	if err := l.init(); err != nil {
		return nil, &Error{Why: fmt.Sprintf("MPI does not start: %v", err), Note: "the library is " + file}
	}
	// One processor for several ranks is what a rank sees that mpirun has bound to a processor of its own.
	roomy.Store(j.Here > 0 && (j.Here <= runtime.NumCPU() || runtime.NumCPU() == 1))
	c := &job{l: l}
	if err := errors.Join(l.get("MPI_Comm_rank", &c.rank), l.get("MPI_Comm_size", &c.size)); err != nil {
		return nil, &Error{Why: err.Error(), Note: "the library is " + file}
	}
	if int(c.size) != j.Size || int(c.rank) != j.Rank {
		return nil, &Error{Why: fmt.Sprintf("mpirun started %d ranks, but the MPI library sees %d", j.Size, c.size), Note: "the library is " + file + ", of another MPI than mpirun",
			Fix: "name the library that belongs to mpirun: " + Library + "=/path/to/libmpi.so"}
	}
	return c, nil
}

// openLibrary loads the first library that fits the job.
func openLibrary(j Job) (*library, string, error) {
	var why []string
	files := j.candidates(os.Getenv)
	for _, file := range files {
		l, err := load(file)
		if err == nil && j.Kind != "" && l.kind != j.Kind {
			err = fmt.Errorf("%s is %s, and mpirun is of %s", file, l.kind, j.Kind)
		}
		if err == nil {
			return l, file, nil
		}
		why = append(why, err.Error())
	}
	kind := j.Kind
	if kind == "" {
		kind = "MPI"
	}
	return nil, "", &Error{Why: fmt.Sprintf("mpirun started %d ranks, but the library of %s is not found", j.Size, kind), Note: strings.Join(why, "; "),
		Fix: "install it (Debian: libopenmpi3 or libmpich12), or name its file: " + Library + "=/path/to/libmpi.so"}
}

func load(file string) (*library, error) {
	// Parts of Open MPI are loaded later and look for its symbols among the global ones.
	h, err := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, err
	}
	l := &library{fn: map[string]uintptr{}, kind: "MPICH", abi: mpich}
	for _, name := range functions {
		if l.fn[name], err = purego.Dlsym(h, name); err != nil {
			return nil, fmt.Errorf("%s is no MPI library: it has no %s", file, name)
		}
	}
	if world, err := purego.Dlsym(h, "ompi_mpi_comm_world"); err == nil {
		l.kind = "Open MPI"
		l.abi = abi{world: world}
		for name, to := range map[string]*uintptr{"ompi_mpi_byte": &l.abi.bytes, "ompi_mpi_errors_return": &l.abi.errorsReturn} {
			if *to, err = purego.Dlsym(h, name); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		return l, nil
	}
	// What is left must have MPICH's ABI; others would take our numbers for something else.
	text, err := l.version(h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, known := range []string{"MPICH", "Intel(R) MPI", "MVAPICH", "CRAY"} {
		if strings.Contains(text, known) {
			return l, nil
		}
	}
	return nil, fmt.Errorf("%s is neither Open MPI nor of MPICH's family: %.60q", file, text)
}

// version is what the library says it is.
func (l *library) version(h uintptr) (string, error) {
	f, err := purego.Dlsym(h, "MPI_Get_library_version")
	if err != nil {
		return "", err
	}
	purego.SyscallN(f, uintptr(unsafe.Pointer(&l.text)), uintptr(unsafe.Pointer(&l.number[0])))
	return l.said(), nil
}

// said is the text that the library has written.
func (l *library) said() string {
	return string(l.text[:max(0, min(int(l.number[0]), len(l.text)))])
}

// call calls a function and makes an error of its result.
func (l *library) call(name string, args ...uintptr) error {
	r, _, _ := purego.SyscallN(l.fn[name], args...)
	if code := int32(r); code != 0 {
		return fmt.Errorf("%s: %s", name, l.explain(code))
	}
	return nil
}

// explain is what the library says of an error.
func (l *library) explain(code int32) string {
	if r, _, _ := purego.SyscallN(l.fn["MPI_Error_string"], uintptr(code), uintptr(unsafe.Pointer(&l.text)), uintptr(unsafe.Pointer(&l.number[0]))); r != 0 {
		return fmt.Sprintf("error %d", code)
	}
	return l.said()
}

// init starts MPI. Errors are returned instead of ending the process, so that what is lost can be said.
func (l *library) init() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.call("MPI_Init_thread", 0, 0, threadSerialized, uintptr(unsafe.Pointer(&l.number[0]))); err != nil {
		return err
	}
	if l.number[0] < threadSerialized {
		return errors.New("the library was built without support for threads")
	}
	return l.call("MPI_Comm_set_errhandler", l.abi.world, l.abi.errorsReturn)
}

// get calls a function that gives a number of the world.
func (l *library) get(name string, x *int32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.call(name, l.abi.world, uintptr(unsafe.Pointer(&l.number[0])))
	*x = l.number[0]
	return err
}

// job is the Comm of a process that mpirun started.
type job struct {
	l          *library
	rank, size int32
	lost       *Lost // the first failure: after it nothing is begun
}

func (c *job) Rank() int { return int(c.rank) }
func (c *job) Size() int { return int(c.size) }

func (c *job) Send(to, tag int, b []byte) Request   { return c.start("MPI_Isend", to, tag, b) }
func (c *job) Recv(from, tag int, b []byte) Request { return c.start("MPI_Irecv", from, tag, b) }

// start begins a message, in parts where it is larger than a count can say.
func (c *job) start(fn string, rank, tag int, b []byte) Request {
	r := &request{c: c, peer: rank}
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.lost != nil {
		r.err = c.lost
		return r
	}
	for {
		part := b[:min(len(b), maxPart)]
		h := &handle{buf: part}
		h.pin.Pin(h)
		var at uintptr
		if len(part) > 0 {
			h.pin.Pin(&part[0])
			at = uintptr(unsafe.Pointer(&part[0]))
		}
		if err := c.l.call(fn, at, uintptr(len(part)), c.l.abi.bytes, uintptr(rank), uintptr(tag), c.l.abi.world, uintptr(unsafe.Pointer(&h.req))); err != nil {
			h.pin.Unpin()
			r.err = c.lose(rank, err)
			return r
		}
		r.parts = append(r.parts, h)
		if b = b[len(part):]; len(b) == 0 {
			return r
		}
	}
}

// lose remembers that messages no longer pass.
func (c *job) lose(rank int, err error) error {
	if c.lost == nil {
		c.lost = &Lost{Rank: rank, Why: err.Error()}
	}
	return c.lost
}

// Abort ends the job. It does not return.
func (c *job) Abort(code int) {
	// Another thread may be inside the library and never come back; the job ends all the same.
	c.l.mu.TryLock()
	_ = c.l.call("MPI_Abort", c.l.abi.world, uintptr(code))
	os.Exit(code)
}

// Close ends MPI; all ranks must do so.
func (c *job) Close() error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	return c.l.call("MPI_Finalize")
}

// handle is an MPI request: a pointer in Open MPI, an int in MPICH. The library writes to it and to the buffer until the message is passed,
// so both stay where they are.
type handle struct {
	req uintptr
	buf []byte
	pin runtime.Pinner
}

type request struct {
	c     *job
	peer  int
	parts []*handle
	err   error
}

// Test asks for every part that is under way; asking is also what makes the library go on.
func (r *request) Test() (bool, error) {
	if r.err != nil {
		return false, r.err
	}
	r.c.l.mu.Lock()
	defer r.c.l.mu.Unlock()
	left := r.parts[:0]
	for _, h := range r.parts {
		done := &r.c.l.number[1]
		if err := r.c.l.call("MPI_Test", uintptr(unsafe.Pointer(&h.req)), uintptr(unsafe.Pointer(done)), r.c.l.abi.statusIgnore); err != nil {
			r.err = r.c.lose(r.peer, err)
			return false, r.err
		}
		if *done == 0 {
			left = append(left, h)
		} else {
			h.pin.Unpin()
		}
	}
	r.parts = left
	return len(left) == 0, nil
}
