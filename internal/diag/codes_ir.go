package diag

// irCodes holds the codes of the text forms and verifiers of the index IR and the mesh IR: WF07xx.
var irCodes = []Entry{
	{
		Code:  "WF0701",
		Title: "malformed IR text",
		Text: `A .wfir or mesh IR text does not follow its grammar. wfc prints these texts itself, so a file that was not edited reads
back; an edited one fails here at the first token that does not fit. The grammar is in the documentation of packages ir and ir/mesh.`,
		Example: `
$3 = mul f32 $1 $2      // wrong: arguments are separated by commas
$3 = mul f32 $1, $2     // right
`,
	},
	{
		Code:  "WF0702",
		Title: "IR breaks an invariant",
		Text: `The verifier found an index IR or mesh IR program that means nothing: a name that is not defined, types that do not fit, a
read outside its operand, boxes that overlap. For a program that wfc compiled from a .wf file this is a fault of the compiler, to be
reported with the file; for hand-written IR the message names the function, the operation and the node.`,
		Example: `
func step, op 0 (map %T1), piece 0, node 2 (read f32 @T[x+1]): reads 1..65 of axis x, which holds 0..64
`,
	},
}
