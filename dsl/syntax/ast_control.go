package syntax

// Loop is `loop x = T, p = r like T homogeneous while cond [max n [else fail]] { .. }`,
// `loop k in lo .. hi { .. }` or `loop x = T for k in lo .. hi { .. }`.
type Loop struct {
	Loc
	Trivia
	Vars     []*LoopVar // values the loop carries
	Index    *Ident     // counter; nil for while
	From, To Expr       // range of the counter
	While    Expr       // nil for a counted loop
	Max      Expr       // nil when absent
	Fail     bool       // reaching Max is an error
	Body     *Block
}

// LoopVar is `p = r [like T [homogeneous]]`: a value with its first value. Like names the field whose grid and boundary conditions it has.
type LoopVar struct {
	Loc
	Name        *Ident
	Value       Expr
	Like        *Ident // nil when absent
	Homogeneous bool
}

// If is `if cond { .. } else { .. }`; `else if` is an Else of one If, whose block has no place of its own braces.
type If struct {
	Loc
	Trivia
	Cond Expr
	Then *Block
	Else *Block // nil when absent
}
