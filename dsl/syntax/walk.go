package syntax

import (
	"reflect"

	"github.com/wfc-lang/wfc/internal/diag"
)

var (
	nodeType   = reflect.TypeOf((*Node)(nil)).Elem()
	locType    = reflect.TypeOf(Loc{})
	spanType   = reflect.TypeOf(diag.Span{})
	triviaType = reflect.TypeOf(Trivia{})
	layoutType = reflect.TypeOf(Layout{})
	commentsOf = reflect.TypeOf([]Comment{})
)

// Walk calls visit for n and, while visit returns true, for the nodes below it
// in the order of the source.
func Walk(n Node, visit func(Node) bool) {
	if n == nil || reflect.ValueOf(n).IsNil() || !visit(n) {
		return
	}
	walkFields(reflect.ValueOf(n).Elem(), visit)
}

func walkFields(v reflect.Value, visit func(Node) bool) {
	for i := 0; i < v.NumField(); i++ {
		switch f := v.Field(i); f.Kind() {
		case reflect.Pointer, reflect.Interface:
			if n, ok := f.Interface().(Node); ok {
				Walk(n, visit)
			}
		case reflect.Slice:
			for j := 0; j < f.Len(); j++ {
				if n, ok := f.Index(j).Interface().(Node); ok && f.Index(j).Type().Implements(nodeType) {
					Walk(n, visit)
				}
			}
		}
	}
}

// Equal says whether two trees are the same program: byte ranges, comments,
// line layout and redundant parentheses do not count.
func Equal(a, b Node) bool {
	return equal(reflect.ValueOf(a), reflect.ValueOf(b))
}

func equal(a, b reflect.Value) bool {
	a, b = bare(a), bare(b)
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Struct:
		switch a.Type() {
		case locType, spanType, triviaType, layoutType:
			return true
		}
		for i := 0; i < a.NumField(); i++ {
			if !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Type() == commentsOf {
			return true
		}
		if a.Len() != b.Len() {
			return false
		}
		for i := 0; i < a.Len(); i++ {
			if !equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Interface() == b.Interface()
}

// bare follows pointers and interfaces, and looks through parentheses. A nil
// gives the invalid value.
func bare(v reflect.Value) reflect.Value {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		if v.IsNil() {
			return reflect.Value{}
		}
		if p, ok := v.Interface().(*Paren); ok {
			v = reflect.ValueOf(p.X)
			continue
		}
		v = v.Elem()
	}
	return v
}

// SetPlace gives a tree, of a text that is not the user's, the place in the user's text it stands for.
func SetPlace(n Node, at diag.Span) {
	setPlace(reflect.ValueOf(n), at, map[uintptr]bool{})
}

func setPlace(v reflect.Value, at diag.Span, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return
		}
		seen[v.Pointer()] = true
		setPlace(v.Elem(), at, seen)
	case reflect.Interface:
		if !v.IsNil() {
			setPlace(v.Elem(), at, seen)
		}
	case reflect.Slice:
		for i := 0; i < v.Len(); i++ {
			setPlace(v.Index(i), at, seen)
		}
	case reflect.Struct:
		if v.Type() == spanType {
			if v.CanSet() {
				v.Set(reflect.ValueOf(at))
			}
			return
		}
		for i := 0; i < v.NumField(); i++ {
			setPlace(v.Field(i), at, seen)
		}
	}
}
