// Package train tests whole training steps: a small GPT-2 with generated weights, whose losses, logits and gradient norms were measured
// with an independent C implementation (llm.c), is run as index IR through reverse mode, all passes and every engine.
package train
