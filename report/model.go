package report

// Model is what a model and its training take, counted without writing its layers out.
type Model struct {
	Name            string  `json:"name"`
	Params          int64   `json:"params"`  // trained values
	Tensors         int64   `json:"tensors"` // weights
	Layers          int     `json:"layers"`
	Vocab           int     `json:"vocab"`
	Context         int     `json:"context"`
	Batch           int     `json:"batch"` // sequences per microbatch
	Steps           int64   `json:"steps"`
	Tokens          float64 `json:"tokens"` // of the whole run
	TokensPerWeight float64 `json:"tokens_per_weight"`
	// Flops of the run by the formula of arXiv 2509.25087, appendix; 0 when the shape does not say width and layers.
	Flops            float64 `json:"flops"`
	FlopsPerToken    float64 `json:"flops_per_token"`
	Products         float64 `json:"products"`         // multiply-adds of the forward pass of one sequence, in contractions
	StateBytes       float64 `json:"state_bytes"`      // weights, gradients, optimizer state
	ActivationBytes  float64 `json:"activation_bytes"` // everything the forward pass stores for one microbatch
	StatePerPE       float64 `json:"state_bytes_pe"`   // spread evenly over the mesh
	ActivationsPerPE float64 `json:"activation_bytes_pe"`
	MemoryPerPE      float64 `json:"memory_bytes_pe"` // for data, code and stack aside
}
