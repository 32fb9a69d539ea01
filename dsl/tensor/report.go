package tensor

// Report is what a model takes, counted without writing its layers out.
type Report struct {
	Model   string
	Params  int64 // trained values
	Weights int   // tensors
	Layers  int
	// Products is the number of multiply-adds of the forward pass for one sequence, in contractions; Stored the values it keeps.
	Products float64
	Stored   float64
	Batch    int
	Context  int
	Vocab    int
	Steps    int64
	Tokens   float64
	// Flops is the cost of training, by the published formula of Celerity (arXiv 2509.25087, appendix).
	Flops float64
	// PerToken is Flops per token.
	PerToken   float64
	StateBytes float64 // weights, gradients, optimizer state
	ActBytes   float64 // stored values of one microbatch

	mult  float64
	batch int
}

func newReport() *Report { return &Report{mult: 1} }

func (r *Report) enter(n int) { r.mult *= float64(n) }
func (r *Report) leave(n int) { r.mult /= float64(n) }

func (r *Report) weight(w *weight) {
	r.Params += w.size() * int64(r.mult)
	r.Weights += int(r.mult)
}

// op counts an operation: points of its domain and of what it reduces, for one sequence.
func (r *Report) op(points, over float64, fma bool) {
	r.Stored += points * r.mult
	if fma {
		r.Products += points * over * r.mult
	}
}
