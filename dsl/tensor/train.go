package tensor

import "github.com/wfc-lang/wfc/dsl/syntax"

// trainer is what a train block says.
type trainer struct {
	decl  *syntax.Train
	batch int
	seed  uint32
}

func (e *elab) trainBlock(t *syntax.Train) *trainer {
	return &trainer{decl: t, batch: 1}
}
