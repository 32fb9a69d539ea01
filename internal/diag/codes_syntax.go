package diag

// syntaxCodes holds the codes of the lexer and the parser: WF01xx.
var syntaxCodes = []Entry{
	{
		Code:  "WF0101",
		Title: "something else was expected here",
		Text: `The statement reads well up to the caret; what stands there cannot continue
it. The message names what can. A statement ends at the end of its line or at
";". It goes on by itself after an operator, after a comma and inside ( ) and [ ].`,
		Example: `
grid g { x: 0 .. 1 of 64 }     // wrong: the number of cells follows "in"
grid g { x: 0 .. 1 in 64 }     // right`,
	},
	{
		Code:  "WF0102",
		Title: "a bracket or a block is not closed",
		Text: `An opening ( or [ or { has no partner. The message shows where it was opened.
Inside ( ) and [ ] a statement may span several lines, so the place where the
partner is missed can be some lines below the place where it was forgotten.`,
		Example: `
let a = c*(u + v               // wrong
let a = c*(u + v)              // right`,
	},
	{
		Code:  "WF0103",
		Title: "a closing bracket closes nothing",
		Text: `A closing ) or ] or } has no opening partner, or what stands between the two is
incomplete. Remove it, or complete what stands before it.`,
		Example: `
let a = u + v)                 // wrong
let a = u + v                  // right`,
	},
	{
		Code:  "WF0104",
		Title: "this is not a statement",
		Text: `A program is a list of declarations (param, const, let, grid, dim, index, field,
bc, fn), time loops (evolve), equations, outputs and probes. What stands here
begins none of them, or is a value that nothing is done with.`,
		Example: `
feild T on g = 300 K           // wrong: misspelled
field T on g = 300 K           // right
lap(T)                         // wrong: a value alone
let q = lap(T)                 // right`,
	},
	{
		Code:  "WF0105",
		Title: "a character that has no meaning in the language",
		Text: `Outside comments and texts the language uses letters, digits and the signs
+ - * / ^ < > = ( ) [ ] { } , ; : . ' # and " only. Signs copied from a formatted
document (a long dash, a multiplication dot, typographic quotes) look right but
are other characters. Files are UTF-8 text.`,
		Example: `
let a = u − v                  // wrong: U+2212, a minus from a document
let a = u - v                  // right`,
	},
	{
		Code:  "WF0106",
		Title: "a text in quotes is malformed",
		Text: `A text begins and ends with " on one line. Inside it, \" is a quote, \\ a
backslash, \n a new line and \t a tab; no other sign may follow a backslash.`,
		Example: `
field T on g = load("a.npy)    // wrong
field T on g = load("a.npy")   // right`,
	},
	{
		Code:  "WF0107",
		Title: "a number is malformed",
		Text: `A number has digits on both sides of its decimal point, may end in an exponent
(1.5e-3) and must lie in the range of f64. A digit on both sides keeps "0 .. 1" and
"x.lo" unmistakable.`,
		Example: `
let a = 1. + .5                // wrong
let a = 1.0 + 0.5              // right`,
	},
	{
		Code:  "WF0108",
		Title: "a unit is malformed",
		Text: `A unit is one space-free token after a number: names with integer powers joined
by * and /, as in m^2/s, W/(m*K), kg*m^-3 or 1/s. A space ends the unit, so "2 m/dt"
is in metres per dt, and "2 m / dt" is two metres divided by the variable dt.`,
		Example: `
const a = 3 m^1.5              // wrong: powers are integers
const a = 3 m^2                // right`,
	},
	{
		Code:  "WF0109",
		Title: "nested too deep, or too long for one statement",
		Text: `Brackets, blocks and signs may nest 200 deep, and one statement may hold 10,000
operators. The limits protect the compiler; no equation written by a person
comes near them. Generated programs should name their parts with let.`,
		Example: `
let a = ((((((... x ...))))))  // wrong
let b = ...
let a = f(b)                   // right`,
	},
	{
		Code:  "WF0110",
		Title: "the file is too large",
		Text: `A program may have 1 MiB of text. Data belong in .npy files, read with
load("file.npy").`,
		Example: `
field T on g = load("initial.npy")`,
	},
	{
		Code:  "WF0111",
		Title: "too many errors",
		Text: `Reading stops after 100 errors of syntax. Often the file is not a .wf program at
all, or one early mistake has many consequences: mend the first and run again.`,
		Example: `
wfc check heat.wf`,
	},
	{
		Code:  "WF0112",
		Title: "comparisons do not chain",
		Text: `"a < b < c" would compare the truth of a < b with c. Join two comparisons with
"and".`,
		Example: `
where(0 < x < 1, 1, 0)         // wrong
where(0 < x and x < 1, 1, 0)   // right`,
	},
	{
		Code:  "WF0113",
		Title: "an operator of another language",
		Text: `The operators are + - * / ^, the comparisons == != < <= > >=, and the words and,
or, not. "=" states an equation. There is no update in place: the next value X' is
an equation of the old ones, which is what makes a program a set of equations
and lets the compiler choose the order. Comments begin with //.`,
		Example: `
T += dt*q                      // wrong
T' = T + dt*q                  // right
let m = a && b                 // wrong
let m = a and b                // right`,
	},
	{
		Code:  "WF0114",
		Title: "a clause stands twice",
		Text:  `A clause such as step, order, periodic or using may stand once in a statement.`,
		Example: `
grid g { x: 64 periodic periodic }   // wrong
grid g { x: 64 periodic }            // right`,
	},
	{
		Code:  "WF0117",
		Title: "a line cannot begin with an operator",
		Text: `The end of a line ends a statement unless the line ends in an operator or a
comma, or stands in brackets. A continued line therefore breaks after its
operator.`,
		Example: `
let a = u
+ v                            // wrong
let a = u +                    // right
      v`,
	},
}
