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
	{
		Code:  "WF0703",
		Title: "read beyond a wall without a boundary condition",
		Text: `A derivative or an index such as x-1 reaches points outside the grid, and nothing says what is there: the field has no
condition on that side, or it is a let, which has none of its own. Give the field a condition there, make the axis periodic, or write
the let's expression out where its neighbours are read.`,
		Example: `
field T on rod = 0;  bc T { x.lo: T = 1 }     // wrong: lap(T) reads beyond x.hi too
field T on rod = 0;  bc T { x.lo: T = 1;  x.hi: dn(T) = 0 }
`,
	},
	{
		Code:  "WF0704",
		Title: "too few points for the width of a formula",
		Text: `Values beyond a wall are reflections of values inside it. A formula of high order on an axis of few points would need the
reflection of a point that does not exist. Use more points or a lower order of accuracy.`,
		Example: `
grid rod { x: 0..1 in 3 }      // too short for order 8, which reads 4 points beyond the wall
`,
	},
	{
		Code:  "WF0705",
		Title: "formula too wide",
		Text: `A derivative of very high order or accuracy, or derivatives of products inside each other, would read so many points per
cell that the program would neither fit nor be accurate: rounding errors grow with the width. Lower the accuracy, or name inner
derivatives with let, so that they are computed once per point.`,
		Example: `
let q = k*dx(u)
evolve t from 0 to 1 step 0.1 { dt(u) = dx(q) }
`,
	},
	{
		Code:  "WF0706",
		Title: "a mixed boundary condition does not decide the value beyond the wall",
		Text: `A condition a*T + b*dn(T) = c is solved for the ghost value behind the wall, where T at the wall is the mean of the cells on
both sides and dn(T) their difference over the distance h. The ghost value then has the factor a*h + 2*b (on nodes b alone), and when
that is 0 every ghost value fulfils the condition, or none. Most often a sign is wrong: dn is the outward derivative.`,
		Example: `
bc T { x.hi: k*dn(T) - h*T = 0 }      // grows by itself; singular when h*dx = 2*k
bc T { x.hi: k*dn(T) + h*T = h*T0 }   // loses heat to T0
`,
	},
}
