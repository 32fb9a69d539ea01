package diag

// modelCodes: models, weights, layers and training.
var modelCodes = []Entry{
	{
		Code:  "WF0370",
		Title: "an index of another dim",
		Text: `Every place of a tensor has a dim, and takes an index over that dim. Equal extents
do not make dims equal. To read through an index of another extent on purpose, as for
the halves of a rotary embedding, name the place or write an offset.`,
		Example: `
weight w[d, f]
let y[s,f] = x[s,d]*w[f,d]     // wrong: f stands where d belongs
let y[s,f] = x[s,d]*w[d,f]     // right
let lo[s,i] = x[s, d = i]      // i over another dim, on purpose`,
	},
	{
		Code:  "WF0371",
		Title: "another number of indices",
		Text: `A tensor has as many indices as its declaration has places, and the left side names
each of them once.`,
		Example: `
weight w[d, f]
let y[s,f] = x[s,d]*w[d]       // wrong
let y[s,f] = x[s,d]*w[d,f]     // right`,
	},
	{
		Code:  "WF0372",
		Title: "nothing says where an index is summed",
		Text: `An index that is absent from the left side is summed at the smallest product that
contains all its uses. An index that is used in no product is not summed by itself.`,
		Example: `
let z[s] = x[s,d]                   // wrong: d is in no product
let z[s] = sum over d of x[s,d]     // right`,
	},
	{
		Code:  "WF0374",
		Title: "this is no extent",
		Text: `A dim has a whole number of points, known when the program is built. Extents like
d/heads must come out whole.`,
		Example: `
model m(d = 30, heads = 4) { dim e = d/heads }     // wrong: 7.5
model m(d = 32, heads = 4) { dim e = d/heads }     // right`,
	},
	{
		Code:  "WF0375",
		Title: "a read outside of a tensor",
		Text: `A read at a shifted index must stay inside what it reads. A condition that compares
the index with a number divides the domain into cases, and each case is checked by itself.`,
		Example: `
let p[s,d] = x[s-1,d]                          // wrong: s = 0 reads -1
let p[s,d] = where(s > 0, x[s-1,d], 0)         // right`,
	},
	{
		Code:  "WF0376",
		Title: "this does not belong into a model, or is missing from it",
		Text: `A model declares dims, indices, inputs and weights, names tensors with "let", repeats
layers with "for", and ends with the assignment of its loss. Params, functions,
optimizers and rule tables stand outside.`,
		Example: `
model m(vocab = 65, ctx = 8) {
  index s in ctx
  input tokens[s], next[s] in vocab
  weight w[vocab, vocab] ~ normal(0.02)
  index v in vocab
  let logits[s,v] = w[tokens[s],v]
  loss = mean over s of crossentropy(logits[s], next[s])
}`,
	},
	{
		Code:  "WF0377",
		Title: "a carried value",
		Text: `"for l in layers carrying x" takes x from before the loop, and each layer assigns x'
once, with the same places. Reading x' is allowed after its assignment.`,
		Example: `
let x[s,d] = wte[tokens[s],d]
for l in layers carrying x {
  x'[s,d] = x[s,d] + 1
}`,
	},
	{
		Code:  "WF0378",
		Title: "the declaration of a weight",
		Text: `After "~" stands normal(std), uniform(bound), truncated(std, cut), or an expression of
the weight's own indices; nothing means 0. After "with" stand multipliers of the
optimizer's values: lr, decay, eps, and forward for where the weight is read.`,
		Example: `
weight w1[d, f] ~ normal(0.02)
weight b1[f] with decay = 0
weight gain[d] ~ 1 with lr = 0.1, decay = 0`,
	},
	{
		Code:  "WF0379",
		Title: "an entry of a train block",
		Text: `A train block has entries context, batch, accumulate, tokens, steps, optimizer, schedule, clip,
precision, recompute, seed, order, eval, save and phase, each in its own form.`,
		Example: `
train gpt on chars {
  batch 16;  tokens 20 per weight
  optimizer adamw(lr = 3e-3, betas = (0.9, 0.95), timescale = auto)
  schedule warmup 10% then linear to 0
  clip 1;  seed 42;  eval every 200 steps for 20 batches
}`,
	},
	{
		Code:  "WF0380",
		Title: "a preset",
		Text: `"preset" gives values of params a name; "param preset" chooses one, and --set preset=..
another one. Single params are set on top of it.`,
		Example: `
param preset = "small"
preset "small" { d = 64, layers = 2 }
preset "large" { d = 1024, layers = 24 }`,
	},
	{
		Code:  "WF0381",
		Title: "a rule table",
		Text: `A parametrisation is a table of multipliers by role: init (of the standard deviation),
lr, decay, eps and forward. A model chooses one with "using", before its weights, and
weights say their role with "as".`,
		Example: `
model m(d = 512) {
  using mup(width = d/256)
  dim f = 4*d
  weight w[d, f] as hidden ~ normal(0.02)
}`,
	},
	{
		Code:  "WF0382",
		Title: "an optimizer",
		Text: `An optimizer is written in the language: what it keeps for every weight is its state, g
is the gradient, n the number of the step, rate the scheduled learning rate with the
weight's multiplier. It assigns w' and the next values of its states.`,
		Example: `
optimizer heavyball(lr, momentum = 0.9) {
  state m
  m' = momentum*m + g
  w' = w - rate*m'
}`,
	},
	{
		Code:  "WF0383",
		Title: "a function and its arguments",
		Text: `A function takes the values its definition names, and works along as many indices as it
says after "over". Its body has lets and the assignment of its own name.`,
		Example: `
fn center(x) over i = x - mean over i of x
let a[s,d] = center(x[s,d])                // wrong: along which index?
let a[s,d] = center over d of x[s,d]       // right`,
	},
	{
		Code:  "WF0384",
		Title: "a number and an index of one name",
		Text: `A param can be the name of a dim, and then of the index over it. In a statement that
has the index, the bare name would be both its extent and its value.`,
		Example: `
let y[s,d] = x[s,d]/d          // wrong: the extent, or the index?
let y[s,d] = x[s,d]/#d         // right: the extent`,
	},
	{
		Code:  "WF0385",
		Title: "models and fields in one file",
		Text:  `A file describes fields and their evolution, or a model and its training.`,
		Example: `
model m() { .. }
grid g { x: 64 }               // wrong: goes to a file of its own`,
	},
	{
		Code:  "WF0386",
		Title: "a value of another kind",
		Text: `Conditions, numbers, whole numbers and texts do not stand for one another. Indices are
whole numbers; models have no units.`,
		Example: `
let y[s,d] = (s > 2)*x[s,d]              // wrong: a condition is no number
let y[s,d] = where(s > 2, x[s,d], 0)     // right`,
	},
	{
		Code:  "WF0387",
		Title: "a function that calls itself",
		Text:  `Functions are put in where they are called, so a function cannot call itself. Repetition is "for" over layers.`,
		Example: `
fn f(x) = f(x/2)               // wrong`,
	},
	{
		Code:  "WF0388",
		Title: "a model that is too large to write out",
		Text: `Layers are written out into operations, of which there is a limit, and a tensor has at
most 2^31 values. "wfc build" reports what a larger model takes without writing it out.`,
		Example: `
for l in layers carrying x { .. }      // at most 4096 layers`,
	},
}
