package diag

// runCodes holds the codes of loading and running compiled programs: WF06xx.
var runCodes = []Entry{}
