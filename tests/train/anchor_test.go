package train

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
)

// anchor is a configuration of GPT-2 with what llm.c (CPU, one thread, no contraction of products) computes for it: batch of 4 times 64
// characters, AdamW with rate 1e-3, betas 0.9 and 0.95, epsilon 1e-8, decay 0.1 on every tensor, no clipping, the same batch each step.
type anchor struct {
	name                string
	layers, heads, wide int
	sha                 string
	losses              [10]float64
	norms               map[string]float64 // of the step-0 gradients, per tensor
	globalNorms         []float64
	logits, tokenLosses [4]float64
}

const (
	vocab    = 65
	padded   = 128
	context_ = 64
	batch    = 4
	text     = "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n\nFirst Citizen:\nYou are all resolved rather to die than to famish?\n\nAll:\nResolved. resolved.\n\nFirst Citizen:\nFirst, you know Caius Marcius is chief enemy to the people.\n\nAll:\nW"
	alphabet = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

var micro = anchor{name: "micro", layers: 2, heads: 2, wide: 32,
	sha: "ccf1a8166e92fa621da723cb5af019c8a94e8ce67d337623d74a5d17f8724e07",
	losses: [10]float64{4.1834292, 4.0994048, 4.0315485, 3.9816916, 3.9424832, 3.9052229, 3.8677380, 3.8320110, 3.7987154,
		3.7666836},
	norms: map[string]float64{"wte": 0.6488537, "wpe": 0.3197596, "ln1w": 0.0009976, "ln1b": 0.0050207, "qkvw": 0.0569725,
		"qkvb": 0.0478277, "attprojw": 0.1418599, "attprojb": 0.9960524, "ln2w": 0.0036919, "ln2b": 0.0057896, "fcw": 0.1825116,
		"fcb": 0.0585209, "fcprojw": 0.3719556, "fcprojb": 1.0160273, "lnfw": 0.0110595, "lnfb": 0.0184813},
	globalNorms: []float64{1.658002, 1.438878, 1.068129, 0.977441, 1.061541, 1.096949, 1.045591, 0.998078, 0.999029, 0.999696},
	logits:      [4]float64{0.1217970, -0.1983923, 0.1990971, 0.0356299},
	tokenLosses: [4]float64{4.2704058, 4.3202810, 4.0714574, 4.4572544}}

var tiny = anchor{name: "tiny", layers: 4, heads: 4, wide: 64,
	sha: "ab57e9b5d5eaec4c34cd6518b50ef528ed5e370ba0e820c9b34682d69c30d5e1",
	losses: [10]float64{4.1878915, 3.8754787, 3.7448480, 3.6474047, 3.5601015, 3.4867392, 3.4175236, 3.3529274, 3.2925277,
		3.2320318},
	norms: map[string]float64{"wte": 1.0896261, "wpe": 0.5311915, "ln1w": 0.0063449, "ln1b": 0.0261964, "qkvw": 0.3072349,
		"qkvb": 0.1607675, "attprojw": 0.8582709, "attprojb": 2.7050832, "ln2w": 0.0107347, "ln2b": 0.0231270, "fcw": 0.5423661,
		"fcb": 0.1445966, "fcprojw": 1.5817636, "fcprojb": 2.5756949, "lnfw": 0.0138986, "lnfb": 0.0300105},
	globalNorms: []float64{4.370070},
	logits:      [4]float64{0.1892217, -0.0004841, -0.4050079, -0.0527555},
	tokenLosses: [4]float64{4.3588109, 4.3163309, 4.1944375, 4.5178857}}

// tensors is the order of llm.c.
var tensors = []string{"wte", "wpe", "ln1w", "ln1b", "qkvw", "qkvb", "attprojw", "attprojb", "ln2w", "ln2b", "fcw", "fcb", "fcprojw",
	"fcprojb", "lnfw", "lnfb"}

// weights generates the initial tensors, all layers of one stacked: xorshift64*, uniform with the given standard deviation.
func (a *anchor) weights() map[string][]float32 {
	state := uint64(1337)
	next := func() float64 {
		state ^= state >> 12
		state ^= state << 25
		state ^= state >> 27
		return float64(uint32((state*0x2545F4914F6CDD1D)>>32)>>8) / (1 << 24)
	}
	l, c := a.layers, a.wide
	size := map[string]int{"wte": padded * c, "wpe": context_ * c, "ln1w": l * c, "ln1b": l * c, "qkvw": l * 3 * c * c, "qkvb": l * 3 * c,
		"attprojw": l * c * c, "attprojb": l * c, "ln2w": l * c, "ln2b": l * c, "fcw": l * 4 * c * c, "fcb": l * 4 * c,
		"fcprojw": l * 4 * c * c, "fcprojb": l * c, "lnfw": c, "lnfb": c}
	out := map[string][]float32{}
	for _, name := range tensors {
		w := make([]float32, size[name])
		out[name] = w
		std := 0.0
		switch name {
		case "wte", "qkvw", "fcw":
			std = 0.02
		case "wpe":
			std = 0.01
		case "attprojw", "fcprojw":
			std = 0.02 / math.Sqrt(2*float64(l))
		case "ln1w", "ln2w", "lnfw":
			for i := range w {
				w[i] = 1
			}
		}
		if std == 0 {
			continue
		}
		if name == "wte" {
			w = w[:vocab*c]
		}
		for i := range w {
			f := next()
			w[i] = float32(float64(float64(2*f-1)*std) * math.Sqrt(3))
		}
	}
	return out
}

// checkpoint is the model file of llm.c: 256 integers, then the tensors.
func (a *anchor) checkpoint(w map[string][]float32) string {
	head := make([]int32, 256)
	copy(head, []int32{20240326, 3, context_, vocab, int32(a.layers), int32(a.heads), int32(a.wide), padded})
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, head)
	for _, name := range tensors {
		binary.Write(h, binary.LittleEndian, w[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// tokens returns the batch and the tokens that follow.
func tokens() (x, y []int32) {
	code := map[rune]int32{}
	for i, c := range alphabet {
		code[c] = int32(i)
	}
	var all []int32
	for _, c := range text {
		all = append(all, code[c])
	}
	return all[:batch*context_], all[1 : batch*context_+1]
}
