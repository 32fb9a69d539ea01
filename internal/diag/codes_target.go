package diag

// targetCodes holds the codes of fitting a machine: placement, routing, code generation, WF04xx and WF05xx.
var targetCodes = []Entry{}
