package fast

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// Unsupported says why a program runs on the plain engine.
type Unsupported struct{ Reason string }

func (u *Unsupported) Error() string { return u.Reason }

func unsupported(format string, args ...any) error {
	return &Unsupported{fmt.Sprintf(format, args...)}
}

// modelled lists the fields of machine programs whose meaning this engine knows. A field that is not here was added to the machine
// later: a program that sets it runs on the plain engine.
var modelled = map[reflect.Type][]string{
	reflect.TypeFor[wse.Route]():      {"Color", "Region", "Rx", "Tx", "Switch"},
	reflect.TypeFor[wse.Switch]():     {"Pos", "Ring"},
	reflect.TypeFor[wse.Position]():   {"Rx", "Tx"},
	reflect.TypeFor[wse.Region]():     {"X", "Y"},
	reflect.TypeFor[wse.Range]():      {"Lo", "Hi", "Step"},
	reflect.TypeFor[wse.Class]():      {"Name", "Regions", "Args", "Params", "Arrays", "Queues", "Tasks", "Funcs", "Entry"},
	reflect.TypeFor[wse.Param]():      {"Name", "Base", "PX", "PY"},
	reflect.TypeFor[wse.Array]():      {"Name", "Elem", "Len", "Align", "Bank", "Addr", "Export", "Init"},
	reflect.TypeFor[wse.Init]():       {"Kind", "Values", "C", "I", "PX", "PY"},
	reflect.TypeFor[wse.Queue]():      {"Name", "Out", "ID", "Colors"},
	reflect.TypeFor[wse.ColorAt]():    {"Color", "Region"},
	reflect.TypeFor[wse.Task]():       {"Name", "Kind", "ID", "Queue", "Arg", "Blocked", "Body"},
	reflect.TypeFor[wse.Op]():         {"Code", "Elem", "Dst", "Src", "Async", "Done", "UT", "Line"},
	reflect.TypeFor[wse.Completion](): {"Kind", "Task"},
	reflect.TypeFor[wse.Operand](): {"Kind", "Array", "Offset", "IndexReg", "IndexScale", "Dims", "Queue", "Extent", "Control", "AdvanceOwn",
		"Bits", "Reg", "Param"},
	reflect.TypeFor[wse.Dim]():     {"Len", "Stride"},
	reflect.TypeFor[wse.Val]():     {"Name", "Imm"},
	reflect.TypeFor[wse.Cond]():    {"A", "B", "Cmp"},
	reflect.TypeFor[wse.Set]():     {"Reg", "Fn", "A", "B", "Line"},
	reflect.TypeFor[wse.Load]():    {"Reg", "From", "Line"},
	reflect.TypeFor[wse.If]():      {"Cond", "Then", "Else", "Line"},
	reflect.TypeFor[wse.While]():   {"Cond", "Body", "Line"},
	reflect.TypeFor[wse.TaskCtl](): {"Fn", "Task", "Line"},
	reflect.TypeFor[wse.Exit]():    {"Line"},
	reflect.TypeFor[wse.Call]():    {"Func", "Args", "Line", "Lines", "Within"},
	reflect.TypeFor[wse.LineRun](): {"N", "Line"},
}

// largest is the last value of an enumeration that this engine knows.
var largest = map[reflect.Type]uint64{
	reflect.TypeFor[wse.OperandKind]():    uint64(wse.Reg),
	reflect.TypeFor[wse.CompletionKind](): uint64(wse.DoneUnblock),
	reflect.TypeFor[wse.CtlFn]():          uint64(wse.Offer),
	reflect.TypeFor[wse.SetFn]():          uint64(wse.SetMul),
	reflect.TypeFor[wse.Cmp]():            uint64(wse.Ge),
	reflect.TypeFor[wse.TaskKind]():       uint64(wse.Data), // control wavelets carry what decides in their payload
	reflect.TypeFor[wse.Elem]():           uint64(wse.U16),
	reflect.TypeFor[wse.Dir]():            uint64(wse.Ramp),
}

// programFields are those of wse.Program; what is not here and set was added later.
var programFields = []string{"Name", "Machine", "W", "H", "Classes", "Routes", "Script"}

// check refuses what this engine does not model.
func check(p *wse.Program) error {
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; !slices.Contains(programFields, name) && !v.Field(i).IsZero() {
			return unsupported("the program uses %s", name)
		}
	}
	if err := walk(reflect.ValueOf(p.Routes)); err != nil {
		return err
	}
	return walk(reflect.ValueOf(p.Classes))
}

func walk(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return walk(v.Elem())
	case reflect.Slice:
		if k := v.Type().Elem().Kind(); k == reflect.Float64 || k == reflect.String {
			return nil
		}
		for i := range v.Len() {
			if err := walk(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		known, ok := modelled[v.Type()]
		if !ok {
			return unsupported("the program uses %s", v.Type())
		}
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			switch {
			case v.Field(i).IsZero():
			case !slices.Contains(known, name):
				return unsupported("the program uses %s of %s", name, v.Type())
			case name == "Funcs": // as they are called
				if err := walk(reflect.ValueOf(v.Addr().Interface().(*wse.Class).Bodies())); err != nil {
					return err
				}
			default:
				if err := walk(v.Field(i)); err != nil {
					return err
				}
			}
		}
	case reflect.Uint8:
		if n, ok := largest[v.Type()]; ok && v.Uint() > n {
			return unsupported("the program uses %s %v", v.Type(), v)
		}
	}
	return nil
}
