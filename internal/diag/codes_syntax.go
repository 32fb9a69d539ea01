package diag

// syntaxCodes holds the codes of the lexer and the parser: WF01xx.
var syntaxCodes = []Entry{}
