package mpi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// each runs f on every rank of a world.
func each(n int, f func(c *Member) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i, c := range World(n) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = f(c)
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}

func TestCollectives(t *testing.T) {
	ctx := context.Background()
	for n := 1; n <= 9; n++ {
		err := each(n, func(c *Member) error {
			for round := range 3 {
				var b []byte
				if c.Rank() == 0 {
					b = []byte(strings.Repeat("x", round))
				}
				got, err := Bcast(ctx, c, b)
				if err != nil || len(got) != round {
					return fmt.Errorf("broadcast gave rank %d %q, %v", c.Rank(), got, err)
				}
				mine := strings.Repeat(string(rune('a'+c.Rank())), c.Rank())
				all, err := Allgather(ctx, c, []byte(mine))
				if err != nil {
					return err
				}
				for r, text := range all {
					if string(text) != strings.Repeat(string(rune('a'+r)), r) {
						return fmt.Errorf("rank %d got %q from %d", c.Rank(), text, r)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%d ranks: %v", n, err)
		}
	}
}

// Messages of one route keep their order, whichever is asked for first, and tags keep them apart.
func TestOrder(t *testing.T) {
	w := World(2)
	w[0].Send(1, TagUser, []byte("1"))
	w[0].Send(1, TagUser, []byte("2"))
	w[0].Send(1, TagUser+1, []byte("3"))
	a, b, c := make([]byte, 1), make([]byte, 1), make([]byte, 1)
	ra, rb, rc := w[1].Recv(0, TagUser, a), w[1].Recv(0, TagUser, b), w[1].Recv(0, TagUser+1, c)
	if err := Wait(context.Background(), rc, rb, ra); err != nil || string(a)+string(b)+string(c) != "123" {
		t.Errorf("%s%s%s, %v", a, b, c, err)
	}
}

// Who waits for a rank that is gone is told, at once.
func TestLost(t *testing.T) {
	w := World(3)
	done := make(chan error)
	for _, c := range w[:2] {
		go func() {
			_, err := Allgather(context.Background(), c, []byte("here"))
			done <- err
		}()
	}
	w[2].Lose()
	for range 2 {
		select {
		case err := <-done:
			var l *Lost
			if !errors.As(err, &l) || l.Rank != 2 || err.Error() != "rank 2 is lost" {
				t.Errorf("%v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a rank waits for ever")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Wait(ctx, World(2)[0].Recv(1, TagUser, make([]byte, 1))); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestFindJob(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		want Job
		many bool
	}{
		{nil, Job{Size: 1}, false},
		{map[string]string{"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}, Job{2, 4, 2, "Open MPI"}, true},
		{map[string]string{"PMI_RANK": "1", "PMI_SIZE": "3", "MPI_LOCALNRANKS": "3"}, Job{1, 3, 3, "MPICH"}, true},
		{map[string]string{"PMIX_RANK": "0", "SLURM_NTASKS": "8"}, Job{0, 8, 0, ""}, true},
		{map[string]string{"PMI_RANK": "0", "PMI_SIZE": "1"}, Job{0, 1, 0, "MPICH"}, false},
		{map[string]string{"OMPI_COMM_WORLD_RANK": "4", "OMPI_COMM_WORLD_SIZE": "4"}, Job{Size: 1}, false},
		{map[string]string{"SLURM_NTASKS": "8"}, Job{Size: 1}, false}, // a batch script that starts no ranks
	} {
		got, many := FindJob(func(k string) string { return test.env[k] })
		if got != test.want || many != test.many {
			t.Errorf("%v: %+v, %v", test.env, got, many)
		}
	}
}
