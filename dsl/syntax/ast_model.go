package syntax

// The tensor half of the language: models, their weights and layers, functions over indices, rule tables, optimizers and training.

// Model is `model gpt(vocab = 256, d = 128) { .. }`.
type Model struct {
	Loc
	Trivia
	Name   *Ident
	Params []*Arg // named, with their default values
	Body   *Block
}

// Weight is `weight wq[d, h, e], wk[d, h, e] [as hidden] [~ normal(0.02)] [with lr = 0.1, decay = 0]`: the clauses hold for all names.
type Weight struct {
	Loc
	Trivia
	Items []*WeightItem
	Role  *Ident // nil when absent
	Init  Expr   // nil when absent
	With  []*Arg // named; nil when absent
}

// WeightItem is one name with its dims.
type WeightItem struct {
	Loc
	Name *Ident
	Dims []*Ident // empty for a single value
}

// Input is `input tokens[seq], next[seq] in vocab`: whole numbers from the data, below the extent of a dim.
type Input struct {
	Loc
	Trivia
	Items []*WeightItem
	Space *Ident
}

// For is `for l in layers carrying x { .. x' = .. }`.
type For struct {
	Loc
	Trivia
	Var   *Ident
	Space *Ident
	Carry []*Ident
	Body  *Block
}

// Use is `using completep(width = d/256, depth = layers/2)`: the rule table a model's weights follow.
type Use struct {
	Loc
	Trivia
	Rules Expr // a Call or a Ref
}

// TensorFn is a function with indices, default values or a body of several statements:
// `fn softmax(x) over i { let e = ..; softmax = .. }`. One whose value is a single expression has Value, else Body.
type TensorFn struct {
	Loc
	Trivia
	Name   *Ident
	Params []*Arg // named; Value is the default, nil when there is none
	Over   []*Ident
	Value  Expr
	Body   *Block
}

// Rules is a parametrisation: `parametrisation mup(width, depth) { hidden: init = 1/sqrt(width), lr = 1/width; .. }`.
type Rules struct {
	Loc
	Trivia
	Name    *Ident
	Params  []*Arg
	Entries []*Rule
	Layout
}

// Rule is one line of the table: multipliers for the weights of a role.
type Rule struct {
	Loc
	Trivia
	Role   *Ident
	Values []*Arg
}

// Optimizer is `optimizer adamw(betas = (0.9, 0.95)) { state m, v; .. w' = .. }`.
type Optimizer struct {
	Loc
	Trivia
	Name   *Ident
	Params []*Arg
	Body   *Block
}

// StateDecl is `state m, v`: arrays an optimizer keeps for every weight.
type StateDecl struct {
	Loc
	Trivia
	Names []*Ident
}

// Preset is `preset "124m" { d = 768, layers = 12 }`: values of params under one name.
type Preset struct {
	Loc
	Trivia
	Name   *String
	Values []*Arg // named
}

// Train is `train gpt on text { batch 16; .. }`.
type Train struct {
	Loc
	Trivia
	Model *Ident
	Data  *Ident // nil when absent
	Body  *Block // TrainEntry
}

// TrainEntry is one line of a train block: a word and what follows it, as in `schedule warmup 10% then linear to 0`.
type TrainEntry struct {
	Loc
	Trivia
	Word  *Ident
	Parts []*TrainPart
	Body  *Block // of `phase`; nil otherwise
}

// TrainPart is a word or a value of a train entry.
type TrainPart struct {
	Loc
	Word    *Ident // nil for a value
	Value   Expr
	Percent bool // `10%`
}
