package diag

// trainCodes holds the codes of training: WF064x.
var trainCodes = []Entry{
	{
		Code:  "WF0640",
		Title: "a checkpoint is damaged",
		Text: `
run.json of a checkpoint holds the SHA-256 of every file and of itself. A file that is missing, cut or altered is named, and nothing of
the checkpoint is used: training that goes on from damaged numbers looks well for a long time. Checkpoints are written so that a crash
cannot damage one, so the cause is elsewhere: a copy that was interrupted, an edit, a disk. Take an earlier checkpoint, or copy it again.`,
		Example: `
wfc ckpt info runs/gpt                         // what there is, and whether it is whole
wfc train gpt.wf --data text.txt --out runs/gpt --resume --from 1000`,
	},
	{
		Code:  "WF0641",
		Title: "a checkpoint does not fit the program",
		Text: `
A checkpoint holds tensors by the logical names of the model. To continue a run, model, shapes, types and the optimizer's state must be
those of the program; the message lists what is not. A run of other length, data or target may be continued, and says so. To begin a
new run with the weights of another one only the weights must fit: use --init.`,
		Example: `
wfc train gpt.wf --data text.txt --out runs/b --init runs/a     // weights of a, everything else new`,
	},
	{
		Code:  "WF0642",
		Title: "data that a model cannot be trained on",
		Text: `
Training needs at least one sequence of the model's context and the token after it, and every token must be in the model's vocabulary.
Text is turned into tokens by the tokenizer of the train block: byte takes anything, char the characters it has seen, gpt2 byte pairs.
A run that is continued keeps its tokenizer, so new text must not have new characters.`,
		Example: `
wfc train gpt.wf --data tiny.txt --set ctx=32      // a shorter context needs less data`,
	},
	{
		Code:  "WF0643",
		Title: "the loss is not finite",
		Text: `
The loss became infinite or not a number: the weights have grown without bound. The step is logged, no checkpoint is made of it, and the
last one is from before. The cause is most often a learning rate that is too large for the batch, a warmup that is too short, or no
clipping of gradients; in f16, a loss scale that is fixed.`,
		Example: `
wfc train gpt.wf --data text.txt --out runs/b --set lr=3e-4`,
	},
	{
		Code:  "WF0644",
		Title: "a directory with or without a run",
		Text: `
A run owns its directory: metrics.jsonl, loss.png and checkpoints/. A new run is not begun in the directory of another one, and --resume
needs one to continue. --resume goes on from the latest checkpoint, or with --from STEP from an earlier one; later ones are then removed.`,
		Example: `
wfc train gpt.wf --data text.txt --out runs/a --resume`,
	},
	{
		Code:  "WF0645",
		Title: "a program that cannot be trained or sampled",
		Text: `
wfc train needs a model with a train block, which says of how many tokens, by which optimizer and with which schedule; the compiled
program then holds the functions of an optimizer step and of an evaluation. wfc sample needs a model that names its logits.`,
		Example: `
train gpt on chars { batch 16; tokens 20 per weight; optimizer adamw(lr = 3e-3); schedule warmup 10% then linear to 0 }`,
	},
	{
		Code:  "WF0646",
		Title: "weights that cannot be converted",
		Text: `
Hugging Face directories and GGUF files hold the weights of known families under known names: gpt2, cerebras_gpt, btlm, celerity, llama.
A model is of a family when it has its name, and its weights are found by their logical names and the names of their dims
(docs/training.md lists both). The message says which tensor or number does not fit; numbers that a checkpoint does not hold are given
with --config NAME=VALUE.`,
		Example: `
wfc ckpt convert runs/a a-hf --dtype bf16
wfc ckpt convert gpt2-hf weights --model models/gpt2.wf --set preset=124m`,
	},
}
