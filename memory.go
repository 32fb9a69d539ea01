package wfc

// peState is about what the simulator keeps of a PE besides its memory: router, queues, threads. Measured at 750 x 994 PEs.
const peState = 2 << 10

// engineBytes is about what the engine of a target takes besides copies of the fields.
func (p *Program) engineBytes(t Target) int64 {
	if t != Wafer || p.ReportData == nil || p.ReportData.Wafer == nil {
		return 0
	}
	total := int64(0)
	for _, c := range p.ReportData.Wafer.Classes {
		data := 0
		for _, m := range c.Memory {
			if m.Elem != "" {
				data += m.Bytes
			}
		}
		total += int64(c.PEs) * int64(data+peState)
	}
	return total
}
