package diag

// checkCodes holds the codes of names, units, types and the meaning of equations: WF02xx and WF03xx.
var checkCodes = []Entry{}
