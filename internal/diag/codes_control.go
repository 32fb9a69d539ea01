package diag

// controlCodes: functions, loops and implicit equations, as checked.
var controlCodes = []Entry{
	{
		Code:  "WF0318",
		Title: "a function is its value and the lets that lead to it",
		Text: `A function of fields is pure: it is written out where it is called. With a body, that
holds lets and one assignment to the name of the function, which is its value. Several values
stand in parentheses.`,
		Example: `
fn f(a) { T' = a }                       // wrong: a function changes nothing
fn f(a) { let b = a^2;  f = b + 1 }      // right`,
	},
	{
		Code:  "WF0319",
		Title: "a function calls itself",
		Text: `Functions are written out where they are called, so a function that calls itself, also
through another, would never end. What repeats is a loop.`,
		Example: `
fn f(n) = n*f(n - 1)                     // wrong
loop p = 1 for k in 1 .. n { p' = p*k }  // right`,
	},
	{
		Code:  "WF0337",
		Title: "cg and chebyshev need a symmetric operator",
		Text: `Of two neighbours each must depend on the other with the same coefficient. First
derivatives of the unknown, as in advection, spoil that; bicgstab and gmres do not mind.`,
		Example: `
solve u' + step*c*dx(u') = u for u' using cg         // wrong
solve u' + step*c*dx(u') = u for u' using bicgstab   // right`,
	},
	{
		Code:  "WF0338",
		Title: "there is no solve to tell of",
		Text: `iterations(T') is the number of iterations of the solve for T' before it in the same
body, residual(T') its last residual relative to the right side.`,
		Example: `
n' = iterations(T')                      // wrong: nothing is solved before
solve T' - lap(T') = T for T'
n' = iterations(T')                      // right`,
	},
	{
		Code:  "WF0340",
		Title: "this cannot be an unknown of a solve",
		Text: `The names after for are fields on grids, or values a loop carries on a grid, each
once: their next values are solved for.`,
		Example: `
solve T' - step*lap(T') = T for alpha'   // wrong: alpha is a const
solve T' - step*lap(T') = T for T'       // right`,
	},
	{
		Code:  "WF0341",
		Title: "the equations and the unknowns do not match",
		Text: `Every unknown needs one equation in which some unknown occurs. Inside evolve the
unknown is the next value, with a prime; without one a field is its value before the step.
Systems are written as tuples.`,
		Example: `
solve T - step*lap(T) = T for T'         // wrong: no T' in the equation
solve T' - step*lap(T') = T for T'       // right
solve (a(u', v'), b(u', v')) = (f, g) for u', v'`,
	},
	{
		Code:  "WF0342",
		Title: "the equation cannot be linearised",
		Text: `Solvers need the derivative of an equation along a direction. It is formed from the
expression; the largest value of an unknown over the grid, and an unknown in an exponent, have
none.`,
		Example: `
solve u' + max(u') = 1 for u'            // wrong
solve u' + mean(u') = 1 for u'           // right`,
	},
	{
		Code:  "WF0343",
		Title: "there is no solver of that name",
		Text: `The solvers are cg (symmetric operators), bicgstab and gmres (any), jacobi and
chebyshev (few reductions), multigrid (elliptic operators), and newton for equations that are
not linear.`,
		Example: `
solve lap(p') = f for p' using sor       // wrong
solve lap(p') = f for p' using cg(tol = 1e-5)`,
	},
	{
		Code:  "WF0344",
		Title: "a linear solver for an equation that is not linear",
		Text: `The derivative of the equation depends on the unknown. newton solves a sequence of
linear equations, each by its inner solver.`,
		Example: `
solve u' - step*lap(u'^3) = u for u' using cg                       // wrong
solve u' - step*lap(u'^3) = u for u' using newton(inner = bicgstab)  // right`,
	},
	{
		Code:  "WF0345",
		Title: "an option of a solver is not understood",
		Text: `Every solver takes tol (the residual relative to the right side), max (iterations) and
norm (2 or max). cg, bicgstab and gmres take pre, gmres restart, jacobi damping, multigrid
sweeps, newton inner.`,
		Example: `
.. using cg(eps = 1e-5)                  // wrong
.. using cg(tol = 1e-5, max = 200, pre = diagonal)`,
	},
	{
		Code:  "WF0346",
		Title: "a tolerance below what the type of the unknown reaches",
		Text: `The residual is computed in the type of the unknown. Its rounding errors are some
units in the last place of the terms, about 5e-7 of the right side in f32 and 1e-15 in f64.
An iteration that asks for less would not end. At run, WF0632 tells the same where the
equation itself loses digits.`,
		Example: `
field T on g = 0                         // f32
.. using cg(tol = 1e-9)                  // wrong
.. using cg(tol = 1e-6)                  // right, or field T: f64 on g = 0`,
	},
	{
		Code:  "WF0339",
		Title: "multigrid cannot be used here",
		Text: `Multigrid makes coarse versions of the grid and of the operator: every extent must be
even, as often as possible, the grid one of cells with equal widths, and the operator written
with derivatives, which know the spacing of their level, and with coefficients that are fields on
the grid.`,
		Example: `
grid g { x: 0 .. 1 in 63 }
.. using multigrid                       // wrong: 63 cannot be halved
grid g { x: 0 .. 1 in 64 }`,
	},
	{
		Code:  "WF0347",
		Title: "a side condition fixes the mean of an unknown that is free",
		Text: `with mean(p') = 0 makes the solution unique where the equation determines it only up to
a constant. Nothing else can be fixed, and it has no place where the solution is unique
already.`,
		Example: `
solve p' - lap(p') = f for p' with mean(p') = 0   // wrong: p' itself occurs
solve lap(p') = f for p' with mean(p') = 0        // right, with dn(p) = 0 or periodic`,
	},
	{
		Code:  "WF0348",
		Title: "the solution is determined only up to a constant",
		Text: `Only derivatives of the unknown occur and no condition gives a value, so a constant can
be added to every solution. Say which one is meant. The right side must then have mean zero:
that is checked when the program runs (WF0634).`,
		Example: `
bc p { all: dn(p) = 0 }
solve lap(p') = f for p'                          // wrong
solve lap(p') = f for p' with mean(p') = 0        // right`,
	},
}

// solveCodes: loops and solvers that fail while a program runs.
var solveCodes = []Entry{
	{
		Code:  "WF0630",
		Title: "a loop reached its bound",
		Text: `A loop with else fail was still to go on when it had run max times. What it computed
until then is in the outputs.`,
		Example: `
loop x = 1 while x > 1e-9 max 10 else fail { x' = x/2 }   // needs 30`,
	},
	{
		Code:  "WF0631",
		Title: "a solver did not converge",
		Text: `After max iterations the residual was not below the tolerance. The history shows whether
it fell: then more iterations help. If it did not, the method does not suit the operator: cg
needs a symmetric one without change of sign, jacobi and chebyshev a dominant diagonal. A
preconditioner, a smaller step or multigrid make equations easier.`,
	},
	{
		Code:  "WF0632",
		Title: "a solver stagnated above its tolerance",
		Text: `The iteration took its residual for small, but the residual computed anew from the
solution was not, and going on did not make it smaller. That is the limit of rounding: the
terms of the equation are large and cancel. Ask for less, leave the tolerance to the compiler, which
then means what the type can reach, or use f64 on the CPU.`,
	},
	{
		Code:  "WF0633",
		Title: "a solver broke down",
		Text: `The residual became NaN or infinite: a coefficient or the right side was no number, a
division by zero occurred, or the iteration diverged.`,
	},
	{
		Code:  "WF0634",
		Title: "the right side of a singular equation has a mean",
		Text: `An equation that determines its unknown only up to a constant has solutions only if the
mean of its right side, with the slopes at the walls, is zero: what flows in must flow out.`,
		Example: `
bc p { all: dn(p) = 0 }
solve lap(p') = 1 for p' with mean(p') = 0        // wrong: a source and no sink
solve lap(p') = f - mean(f) for p' with mean(p') = 0`,
	},
}
