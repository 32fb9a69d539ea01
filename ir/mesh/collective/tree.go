// Package collective expresses collective operations in mesh IR: which part of an axis sends what to which other part, and the
// operations of each. Nothing here is an opcode of its own; a reduction is sends, receives that combine, and channels for them.
//
// A reduction runs along a tree of levels (ir.Level): groups of parts combine into their lowest part in a chain or a star, these
// leaders combine in larger groups, and so on to part 0. Chain, star, binary tree and two phases are such trees, and [Choose] finds
// the best one for a machine by a dynamic program over the levels. The same tree is written into the reduction's ir.Order, so that
// interpreter and CPU combine in the same order. What a part does depends only on its place in the levels, so the number of
// different processes is that of places in the groups, and parts with one role are one strided range whatever the group sizes.
//
// The shapes that are no trees along an axis are whole programs here: [SnakeProgram], [RingProgram] (whose order differs from chunk to
// chunk, so that no ir.Order describes it), [GatherProgram], [ScatterProgram], [TransposeProgram].
//
// The model of cost is that of Luczynski et al. (HPDC'24, arXiv 2404.15888), see [Metrics] and [Time].
package collective

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Tree is a reduction tree over the parts of an axis. With Turns the streams of a star come on one channel, a gather, one after the other: the
// routers on their way turn from one sender to the next, and a star takes one queue and one color whatever its size. Else every member
// has a channel of its own. The order of combination is the same.
type Tree struct {
	ir.ChainAxis
	Turns bool
}

// New is the tree of the given levels, without turning routers.
func New(axis string, parts int, levels ...ir.Level) Tree {
	return Tree{ChainAxis: ir.ChainAxis{Axis: axis, Parts: parts, Levels: levels}}
}

// Chain is one chain of all parts, the lowest bandwidth and the longest latency.
func Chain(axis string, parts int) Tree {
	return New(axis, parts, atLeastTwo(parts, ir.Level{Size: parts})...)
}

// Star sends every part's vector straight to part 0.
func Star(axis string, parts int) Tree {
	return New(axis, parts, atLeastTwo(parts, ir.Level{Size: parts, Star: true})...)
}

// Gathered is t with turning routers.
func Gathered(t Tree) Tree {
	t.Turns = true
	return t
}

func atLeastTwo(parts int, l ir.Level) []ir.Level {
	if parts < 2 {
		return nil
	}
	return []ir.Level{l}
}

// Binary combines pairs, then pairs of pairs, and so on.
func Binary(axis string, parts int) Tree {
	t := New(axis, parts)
	for s := 1; s < parts; s *= 2 {
		t.Levels = append(t.Levels, ir.Level{Size: 2})
	}
	return t
}

// TwoPhase runs a chain in each group of about sqrt(parts), then a chain over the leaders. The group size is a power of two.
func TwoPhase(axis string, parts int) Tree {
	g := 1
	for g*g*2 <= parts { // the power of two nearest to the root, in ratio
		g *= 2
	}
	if g < 2 || g >= parts {
		return Chain(axis, parts)
	}
	return New(axis, parts, ir.Level{Size: g}, ir.Level{Size: (parts + g - 1) / g})
}

// way is how the streams of a level run.
type way uint8

const (
	chain way = iota // each member to the one before it
	arms             // each member to the leader, on a channel of its own
	turns            // each member to the leader, one after the other on one channel
)

// way of a level; a group of two is a chain.
func (t Tree) way(l ir.Level) way {
	switch {
	case !l.Star:
		return chain
	case t.Turns && min(l.Size, t.Parts) > 2:
		return turns
	}
	return arms
}

// Shape writes a tree's levels, "chain 16, star 4".
func Shape(t Tree) string {
	var s []string
	for _, l := range t.Tree() {
		s = append(s, fmt.Sprintf("%s %d", [...]string{"chain", "star", "gather"}[t.way(l)], l.Size))
	}
	if len(s) == 0 {
		return "nothing"
	}
	return strings.Join(s, ", ")
}

// Link is a stream of a tree: level, and in a star of one channel per member the arm (1 and up); arm 0 is the stream of a chain or a gather.
// Messages is how many vectors a part receives by it.
type Link struct{ Level, Arm, Messages int }

// Role is what a part does in a tree: it receives from Receives in order, combining, and then sends on Send unless it is the root.
// Last says that it is the last in its group to send on a gather. Parts with equal roles run the same process.
type Role struct {
	Receives   []Link
	Send       Link
	Root, Last bool
}

// RoleOf returns the role of part k.
func RoleOf(t Tree, k int) Role {
	var r Role
	stride := 1
	for i, l := range t.Tree() {
		size := min(l.Size, t.Parts)
		j := k / stride % size
		others := min(size-1, (t.Parts-1-k)/stride) // members after k, if k leads
		switch w := t.way(l); {
		case w == arms && j > 0:
			r.Send = Link{Level: i, Arm: j}
			return r
		case w == arms:
			for a := 1; a <= others; a++ {
				r.Receives = append(r.Receives, Link{i, a, 1})
			}
		case w == turns && j > 0:
			r.Send, r.Last = Link{Level: i}, j == size-1 || k+stride >= t.Parts
			return r
		case w == turns:
			if others > 0 {
				r.Receives = append(r.Receives, Link{Level: i, Messages: others})
			}
		default:
			if j < size-1 && k+stride < t.Parts {
				r.Receives = append(r.Receives, Link{Level: i, Messages: 1})
			}
			if j > 0 {
				r.Send = Link{Level: i}
				return r
			}
		}
		stride *= size
	}
	r.Root = true
	return r
}

// Key tells roles apart.
func (r Role) Key() string { return fmt.Sprint(r.Receives, r.Send, r.Root, r.Last) }

// Channel is the channel of a link of t along mesh dimension d. A chain of neighbours runs on the shift channel that halos use too.
func Channel(t Tree, d mesh.Dim, l Link) mesh.Channel {
	stride, level := 1, ir.Level{}
	for i, x := range t.Tree() {
		level = ir.Level{Size: min(x.Size, t.Parts), Star: x.Star}
		if i == l.Level {
			break
		}
		stride *= level.Size
	}
	w := t.way(level)
	if stride == 1 && w == chain {
		return mesh.Channel{Name: d.String() + "-", Dim: d, Kind: mesh.Shift, Step: -1, Layout: t.Axis}
	}
	mod := stride * level.Size
	c := mesh.Channel{Dim: d, Kind: mesh.Hop, Layout: t.Axis, Mod: mod}
	switch {
	case w == turns:
		c.Kind, c.Step, c.Name = mesh.Gather, stride, fmt.Sprintf("%v-%d.%d.gather", d, stride, mod)
		return c
	case l.Arm == 0:
		c.Step, c.From = -stride, mesh.Range{Lo: stride, Hi: mod, Step: stride}
		c.Name = fmt.Sprintf("%v-%d.%d", d, stride, mod)
		return c
	}
	from := l.Arm * stride
	c.Step, c.From = -from, mesh.Range{Lo: from, Hi: from + 1, Step: 1}
	c.Name = fmt.Sprintf("%v-%d.%d.arm", d, from, mod)
	return c
}

// Combine is what a reduction does with its vectors: Code of two of them, elementwise, in type Elem. Acc is the part's own vector of
// Len elements in memory; it serves as accumulator, and in part 0 ends up as the result.
type Combine struct {
	Code ir.Code
	Elem ir.Elem
	Acc  mesh.Operand
	Len  int
}

// What one accumulating operation may receive, and how many dimensions a slice has.
const maxExtent, maxDims = 1 << 15, 4

// take combines the vectors of so many messages that come from a channel into Acc: one operation that goes over the vector again and again, where
// the machine can. An odd number of 16-bit elements ends in half a wavelet, which no operation can go on behind.
func (c Combine) take(channel string, messages int) []mesh.Op {
	op := func(acc mesh.Operand, n int) mesh.Op {
		return mesh.Op{Code: c.Code, Elem: c.Elem, Dst: acc, Src: []mesh.Operand{acc, {Kind: mesh.Chan, Name: channel, Len: n}}}
	}
	if messages > 1 && messages*c.Len <= maxExtent && len(c.Acc.Slice.Dims) < maxDims && (c.Elem != ir.F16 || c.Len%2 == 0) {
		again := c.Acc
		again.Slice.Dims = append([]mesh.Extent{{Len: messages}}, c.Acc.Slice.Dims...)
		return []mesh.Op{op(again, messages*c.Len)}
	}
	var out []mesh.Op
	for range messages {
		out = append(out, op(c.Acc, c.Len))
	}
	return out
}

// Reduce returns the operations of a part with role r. The last vector received is combined on its way out: a part between two
// others passes elements on as they come. A part that only sends does so in the foreground: to wait for a send in the background takes the
// dispatch of tasks, longer than most vectors, and the part has nothing to do before the result comes back. Streams run up the tree only,
// so the root's receives free all others.
func (r Role) Reduce(t Tree, d mesh.Dim, c Combine) []mesh.Op {
	send := func() mesh.Operand {
		return mesh.Operand{Kind: mesh.Chan, Name: Channel(t, d, r.Send).Name, Len: c.Len, Last: r.Last}
	}
	var out []mesh.Op
	for i, l := range r.Receives {
		name, last := Channel(t, d, l).Name, i == len(r.Receives)-1 && !r.Root
		if last {
			l.Messages--
		}
		out = append(out, c.take(name, l.Messages)...)
		if last {
			op := c.take(name, 1)[0]
			op.Dst = send()
			out = append(out, op)
		}
	}
	if len(r.Receives) == 0 && !r.Root {
		out = append(out, mesh.Op{Code: ir.Read, Elem: c.Elem, Dst: send(), Src: []mesh.Operand{c.Acc}})
	}
	return out
}

// Channels lists the channels of a tree, in the order of its levels.
func Channels(t Tree, d mesh.Dim) []mesh.Channel {
	var out []mesh.Channel
	for i, l := range t.Tree() {
		if t.way(l) != arms {
			out = append(out, Channel(t, d, Link{Level: i}))
			continue
		}
		for a := 1; a < min(l.Size, t.Parts); a++ {
			out = append(out, Channel(t, d, Link{Level: i, Arm: a}))
		}
	}
	return out
}
