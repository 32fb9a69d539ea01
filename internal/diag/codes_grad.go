package diag

// gradCodes holds the codes of differentiated programs: WF065x.
var gradCodes = []Entry{
	{
		Code:  "WF0650",
		Title: "a differentiated loop is longer than what was stored for it",
		Text: `
The gradient of a loop needs the state at the entry of its iterations, last first. The arrays that keep them are sized when the program
is built, from the count with the parameters' values of then; a parameter that is set later may make the loop shorter, not longer. Build
again with the larger value.`,
		Example: `
wfc build adjoint.wf --set steps=400      // room for 400 steps
wfc run adjoint.wfx --set steps=200       // fits; 800 would not`,
	},
	{
		Code:  "WF0651",
		Title: "the transposed solve of a gradient did not converge",
		Text: `
The gradient through a solve is itself a solve, with the transposed operator and the same conditions; it is done by conjugate gradients,
on the normal equations unless the operator is known to be symmetric. It needs about as many iterations as the solve it belongs to, and
on the normal equations the square of that. Say that the operator is symmetric when it is, allow more iterations, or ask for less.`,
		Example: `
grad.Solve{Cond: "step.going", Func: "residual", Residual: "r", Argument: "x", Symmetric: true, Max: 4000}`,
	},
}
