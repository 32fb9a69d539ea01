package mpi

import (
	"os"
	"path/filepath"
	"strconv"
)

// Job is what mpirun told this process through its environment.
type Job struct {
	Rank, Size int
	// Here is the number of ranks on this computer, 0 when it is not told.
	Here int
	// Kind is the library that belongs to it: "Open MPI", "MPICH", or "" when it can be either.
	Kind string
}

// starters are the environments of the programs that start ranks.
var starters = []struct{ kind, rank, size, here string }{
	{"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"},
	{"MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"},
	{"", "PMIX_RANK", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE"},
}

// FindJob says whether this process is one of several ranks.
func FindJob(getenv func(string) string) (Job, bool) {
	for _, s := range starters {
		rank, err1 := strconv.Atoi(getenv(s.rank))
		size, err2 := strconv.Atoi(getenv(s.size))
		if err1 != nil || err2 != nil || rank < 0 || rank >= size {
			continue
		}
		here, _ := strconv.Atoi(getenv(s.here)) // 0 when it is not told
		return Job{rank, size, here, s.kind}, size > 1
	}
	return Job{Size: 1}, false
}

// libraries are the names under which a kind of library is looked for.
var libraries = map[string][]string{
	"Open MPI": {"libmpi.so.40", "libmpi.so.80", "libmpi.so"},
	"MPICH":    {"libmpich.so.12", "libmpi.so.12", "libmpich.so", "libmpi.so"},
}

// Library is the environment variable that names the library file.
const Library = "WFC_MPI"

// candidates are the files to try, in order: what the user named, what lies beside mpirun, and what the loader finds.
func (j Job) candidates(getenv func(string) string) (files []string) {
	if f := getenv(Library); f != "" {
		return []string{f}
	}
	kinds := []string{j.Kind}
	if j.Kind == "" {
		kinds = []string{"Open MPI", "MPICH"}
	}
	var dirs []string
	for _, dir := range filepath.SplitList(getenv("PATH")) {
		path, err := filepath.EvalSymlinks(filepath.Join(dir, "mpirun"))
		if err == nil {
			dirs = append(dirs, filepath.Join(filepath.Dir(path), "..", "lib"))
		}
	}
	for _, k := range kinds {
		for _, name := range libraries[k] {
			for _, dir := range dirs {
				if f := filepath.Join(dir, name); exists(f) {
					files = append(files, f)
				}
			}
			files = append(files, name)
		}
	}
	return files
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Error says that the ranks of a job cannot be connected.
type Error struct {
	Why  string
	Note string
	Fix  string
}

func (e *Error) Error() string { return e.Why }
