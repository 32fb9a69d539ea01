package tokens

// GPT2Vocabulary lists the bytes of GPT-2's tokens and, in order, the merges that make them: each joins two tokens of lower number.
// The merges are found by taking a token apart with the tokens before it, as the encoder would.
func GPT2Vocabulary() (pieces []string, merges [][2]string) {
	pieces = make([]string, EndOfText+1)
	rank := make(map[string]int, EndOfText)
	for i := range EndOfText {
		s, err := r50k().Decode([]uint{uint(i)})
		if err != nil { // the library knows all of them
			continue
		}
		pieces[i], rank[s] = s, i
	}
	pieces[EndOfText] = "<|endoftext|>"
	for i := 256; i < EndOfText; i++ {
		parts := make([]string, len(pieces[i]))
		for k := range parts {
			parts[k] = pieces[i][k : k+1]
		}
		for len(parts) > 2 {
			best, at := i, -1
			for k := range len(parts) - 1 {
				if r, ok := rank[parts[k]+parts[k+1]]; ok && r < best {
					best, at = r, k
				}
			}
			if at < 0 {
				break
			}
			parts = append(append(parts[:at:at], parts[at]+parts[at+1]), parts[at+2:]...)
		}
		if len(parts) == 2 {
			merges = append(merges, [2]string{parts[0], parts[1]})
		}
	}
	return pieces, merges
}
