package mpi

import (
	"context"
	"sync"
)

// World connects n ranks in one process: element i is the Comm of rank i. A message is copied when it is sent.
func World(n int) []*Member {
	w := &world{queues: map[route][][]byte{}, lost: -1}
	w.news.L = &w.mu
	out := make([]*Member, n)
	for i := range out {
		out[i] = &Member{w, i, n}
	}
	return out
}

// Member is one rank of a [World].
type Member struct {
	w          *world
	rank, size int
}

type route struct{ from, to, tag int }

type world struct {
	mu     sync.Mutex
	news   sync.Cond
	events int // messages that were sent, and losses
	queues map[route][][]byte
	waits  map[route][]*localRecv
	lost   int // the rank that is gone, -1 none
}

// Rank is the number of this rank.
func (m *Member) Rank() int { return m.rank }

// Size is the number of ranks.
func (m *Member) Size() int { return m.size }

// Send copies the message.
func (m *Member) Send(to, tag int, b []byte) Request {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	if m.w.lost >= 0 {
		return failed{&Lost{Rank: m.w.lost}}
	}
	r := route{m.rank, to, tag}
	m.w.queues[r] = append(m.w.queues[r], append([]byte(nil), b...))
	m.w.happened()
	return finished{}
}

// Recv takes the next message of the route when it is asked for: requests of one route are tested in the order in which they were made,
// or all of them until they are done.
func (m *Member) Recv(from, tag int, b []byte) Request {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	r := &localRecv{w: m.w, at: route{from, m.rank, tag}, b: b}
	if m.w.waits == nil {
		m.w.waits = map[route][]*localRecv{}
	}
	m.w.waits[r.at] = append(m.w.waits[r.at], r)
	return r
}

// Abort loses this rank.
func (m *Member) Abort(int) { m.Lose() }

// Lose takes this rank from the world, as if its process had been killed: whoever waits for a message gets an error.
func (m *Member) Lose() {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	if m.w.lost < 0 {
		m.w.lost = m.rank
	}
	m.w.happened()
}

// happened tells those who wait. The caller has the lock.
func (w *world) happened() {
	w.events++
	w.news.Broadcast()
}

// Close ends the part of this rank.
func (m *Member) Close() error { return nil }

type localRecv struct {
	w    *world
	at   route
	b    []byte
	done bool
}

// Test matches the messages that have come with the receives that wait, first with first.
func (r *localRecv) Test() (bool, error) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	q, waits := r.w.queues[r.at], r.w.waits[r.at]
	for len(q) > 0 && len(waits) > 0 {
		if len(q[0]) != len(waits[0].b) {
			return false, &Lost{Rank: r.at.from, Why: "a message has another length than expected"}
		}
		copy(waits[0].b, q[0])
		waits[0].done = true
		q, waits = q[1:], waits[1:]
	}
	r.w.queues[r.at], r.w.waits[r.at] = q, waits
	if !r.done && r.w.lost >= 0 {
		return false, &Lost{Rank: r.w.lost}
	}
	return r.done, nil
}

func (r *localRecv) heard() int {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	return r.w.events
}

func (r *localRecv) listen(ctx context.Context, heard int) {
	defer context.AfterFunc(ctx, func() {
		r.w.mu.Lock()
		defer r.w.mu.Unlock()
		r.w.news.Broadcast()
	})()
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	for r.w.events == heard && ctx.Err() == nil {
		r.w.news.Wait()
	}
}

type finished struct{}

func (finished) Test() (bool, error) { return true, nil }

type failed struct{ err error }

func (f failed) Test() (bool, error) { return false, f.err }
