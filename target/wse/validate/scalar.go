package validate

import (
	"fmt"
	"strings"
)

// Scalar code is counted by one rule everywhere. What an instruction costs is the machine's; how many the vendor's compiler makes of a
// statement was read off its output (FABRICA 8, 10i, 10j, 12c) and from two loops (loops.go), and is this:
//
//   - A load or store of a global, an operation on 16 bits, one on floating-point registers and the reading of a word of the time stamp
//     counter are one instruction each; arithmetic and comparison of 32-bit integers is two.
//   - An element at an index that is known only at run time: the index times the size of the element, once for every index; the
//     array's base and an addition; the load or store, of 16 bits or 32.
//   - A floating-point operation on the result of the one before takes a cycle more.
//   - A turn of a loop is its increment and the machine's back edge.
//   - A choice between two values, or two places to read from, is a comparison and a predicated move, no branch.
//
// Loads, branches and loops are those of the text form; the rest are register instructions, one issue slot each.

// scalar stands for n register instructions: the text form has no statement for reading the time stamp counter or for storing a
// register, each of which takes one issue slot too.
func scalar(n int) string { return strings.Repeat("set %t = %t ", n) }

// stamp is <time>.get_timestamp: three 16-bit words read, three stored.
var stamp = scalar(6)

// load reads a global.
func load(name string) string { return fmt.Sprintf("load %%v = %s[0] ", name) }

// bump is a global i32 += 1: load, add with carry, store.
func bump(reg string) string {
	return load("g") + scalar(2) + fmt.Sprintf("set %%%s = %%%s + 1 ", reg, reg)
}

// Instructions of the rule.
var (
	scaled  = scalar(1)                         // an index made an offset
	address = scalar(2)                         // base and addition
	element = address + load("g")               // an element at a scaled index, read
	written = address + scalar(1)               // and written
	chained = scalar(2)                         // an operation on the result of the one before
	select2 = scalar(2)                         // a comparison and a predicated move
	picked  = address + scalar(2+2) + load("g") // an element of one of two arrays
)

// times runs a body n times; the register counts.
func times(reg string, n int, body string) string {
	return fmt.Sprintf("set %%%[1]s = 0 while %%%[1]s < %[2]d { %[3]s set %%%[1]s = %%%[1]s + 1 } ", reg, n, body)
}
