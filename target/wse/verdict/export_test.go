package verdict

import "github.com/wfc-lang/wfc/target/wse"

// JudgeWhole judges without cutting the mesh, JudgeCut on the cut mesh only.
func JudgeWhole(p *wse.Program, m wse.Machine, launches [][]int32) (Verdict, error) {
	if err := wse.Check(p, m); err != nil {
		return Verdict{}, err
	}
	return decide(newModel(p, m.Smallest(), false), launches), nil
}

func JudgeCut(p *wse.Program, m wse.Machine, launches [][]int32) Verdict {
	return decide(newModel(p, m.Smallest(), true), launches)
}
