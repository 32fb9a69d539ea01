package wfc

import (
	"context"
	"errors"
	"os"
	goruntime "runtime"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/internal/mpi"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ranks"
	"github.com/wfc-lang/wfc/target/cpu"
)

// Ranks are the processes that mpirun started together with this one. A nil *Ranks is one process alone. Every rank makes the same calls
// with the same source and settings; rank 0 leads, writes the files and has the results.
type Ranks struct {
	comm   mpi.Comm
	job    mpi.Job
	agreed bool // that the run begins
	equals bool // rank 0 gives no commands: all ranks do the same, as in training
}

// Join connects the processes that mpirun started, with the MPI library that belongs to it. It returns nil when there is only this one, and
// then needs no library.
func Join() (*Ranks, error) {
	job, many := mpi.FindJob(os.Getenv)
	if !many {
		return nil, nil
	}
	c, err := mpi.Join(job)
	if err != nil {
		return &Ranks{job: job}, joinError(err)
	}
	return &Ranks{comm: c, job: job}, nil
}

func joinError(err error) error {
	var e *mpi.Error
	if !errors.As(err, &e) {
		return err
	}
	d := diag.New("WF0626", diag.Span{}, "%s", e.Why)
	if e.Note != "" {
		d.Note("%s", e.Note)
	}
	return diag.List{d.Suggest("%s", e.Fix)}
}

// Leads says whether this process is the one that shows and writes results: rank 0, or one alone.
func (r *Ranks) Leads() bool { return r == nil || r.job.Rank == 0 }

// Rank and Size are the number of this process and that of all.
func (r *Ranks) Rank() int {
	if r == nil {
		return 0
	}
	return r.job.Rank
}

// Size is the number of processes.
func (r *Ranks) Size() int {
	if r == nil {
		return 1
	}
	return r.job.Size
}

// Agree makes an error of any rank, before a run begins, one of all, so that nobody waits for a rank that has given up.
func (r *Ranks) Agree(ctx context.Context, err error) error {
	if r == nil {
		return err
	}
	other := ranks.Together(context.WithoutCancel(ctx), r.comm, err)
	if err == nil {
		err = lostRank(other)
	}
	r.agreed = err == nil
	return err
}

// Began says whether all ranks have agreed to begin.
func (r *Ranks) Began() bool { return r != nil && r.agreed }

// Alone says whether an error is not one of all ranks: the others would wait for this one.
func (r *Ranks) Alone(err error) bool {
	return err != nil && r.agreed && (!r.Leads() || isLost(err) || r.equals && !isCode(err, codeNotFinite))
}

// Threads is how many threads a rank may use for native code, so that the ranks of a computer share its processors; 0 for one process.
func (r *Ranks) Threads() int {
	if r == nil {
		return 0
	}
	return r.threads()
}

// Abort ends all ranks; it does not return.
func (r *Ranks) Abort() { r.comm.Abort(1) }

// Close ends the connection; all ranks do so.
func (r *Ranks) Close() error {
	if r == nil || r.comm == nil {
		return nil
	}
	return r.comm.Close()
}

// threads is how many threads a rank may use, so that the ranks of a computer share its processors.
func (r *Ranks) threads() int {
	n := cpu.DefaultThreads()
	if r.job.Here < 2 || goruntime.NumCPU() < n || bound() {
		return n
	}
	return max(1, n/r.job.Here)
}

// bound says whether mpirun gave this process some of the processors only: then they are its own.
func bound() bool {
	online, err := os.ReadDir("/sys/devices/system/cpu")
	if err != nil {
		return false
	}
	n := 0
	for _, f := range online {
		if name := f.Name(); len(name) > 3 && name[:3] == "cpu" && name[3] >= '0' && name[3] <= '9' {
			n++
		}
	}
	return goruntime.NumCPU() < n
}

// Parts is how many of so many ranks would have a part of the grid of p.
func (p *Program) Parts(size int) int { return ranks.Parts(p.IR, size) }

// opener makes the engines of ranks.
func (r *Ranks) opener(t Target, o RunOptions) (ranks.Open, error) {
	switch t {
	case Interp:
		return func(p *ir.Program) (ranks.Engine, error) { return interp.New(p) }, nil
	case CPU:
		o.Native.Threads = r.Threads()
		return func(p *ir.Program) (ranks.Engine, error) { return openCPU(p, o) }, nil
	}
	return nil, diag.List{diag.New("WF0606", diag.Span{}, "mpirun started %d ranks; the simulated wafer is one process", r.Size()).
		Suggest("run with --target cpu, or without mpirun")}
}

// lead makes the engine of rank 0. done ends the profile: the kernels of rank 0, and where the time of every rank went.
func (r *Ranks) lead(p *Program, prog *ir.Program, t Target, o RunOptions) (e runtime.Engine, done func() (*report.Profile, error), err error) {
	open, err := r.opener(t, o)
	if err != nil {
		return nil, nil, err
	}
	var mine ranks.Engine
	l, err := ranks.Lead(context.Background(), r.comm, prog, Hash(prog), func(p *ir.Program) (e ranks.Engine, err error) {
		mine, err = open(p)
		return mine, err
	})
	if err != nil {
		return nil, nil, err
	}
	return l, func() (*report.Profile, error) {
		native, ok := mine.(*cpu.Engine)
		if !ok || !o.Watch.Profile {
			return nil, nil
		}
		accounts, err := l.Accounts(context.Background())
		if err != nil {
			return nil, lostRank(err)
		}
		prof, err := p.nativeProfile(native)
		if err != nil {
			return nil, err
		}
		for _, a := range accounts {
			prof.Native.Ranks = append(prof.Native.Ranks, report.RankTime{Compute: a.Compute.Seconds(), Pack: a.Pack.Seconds(), Wait: a.Wait.Seconds(),
				Reduce: a.Reduce.Seconds(), Messages: a.Messages, Bytes: a.Bytes})
		}
		return prof, nil
	}, nil
}

// follow does what rank 0 says until its run ends.
func (r *Ranks) follow(ctx context.Context, p *Program, opt RunOptions) error {
	prog, err := p.ordered(opt)
	if err != nil {
		return err
	}
	open, err := r.opener(opt.Target, opt)
	if err != nil {
		return err
	}
	return lostRank(ranks.Follow(context.WithoutCancel(ctx), r.comm, prog, Hash(prog), open))
}

// dismiss lets the others go on after a run.
func (r *Ranks) dismiss() error {
	if r == nil {
		return nil
	}
	return ranks.Dismiss(r.comm)
}

// lostRank explains the loss of a rank.
func lostRank(err error) error {
	var l *mpi.Lost
	if !errors.As(err, &l) {
		return err
	}
	return diag.List{diag.New(codeLost, diag.Span{}, "%v", l).Note("the others cannot go on without its part of the grid").
		Suggest("go on from the last checkpoint with --restart (--resume for training), on any number of ranks")}
}

const codeLost = "WF0627"

// codeNotFinite is an error of training that all ranks have.
const codeNotFinite = "WF0643"

func isLost(err error) bool { return isCode(err, codeLost) }

func isCode(err error, code string) bool {
	var list diag.List
	return errors.As(err, &list) && len(list) > 0 && list[0].Code == code
}
