/** llama.cpp in a process of its own: it ends the process where a file breaks one of its rules, and talks a lot. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

process.once('message', async ({ model, mmproj, lora, tokenize = [], prompts = [] }) => {
  const { LlamaContext } = require(`@fugood/node-llama-${process.platform}-${process.arch}`);
  const context = new LlamaContext({
    model,
    n_ctx: 2048,
    n_parallel: 1,
    n_gpu_layers: 0,
    n_threads: 2,
    use_mmap: false,
    flash_attn_type: 'off',
    cache_type_k: 'f32',
    cache_type_v: 'f32',
    ...(lora !== undefined && { lora_list: [{ path: lora, scaled: 1 }] }),
  });
  if (mmproj !== undefined && !context.initMultimodal({ path: mmproj, use_gpu: false }))
    throw new Error('The mmproj was not taken.');
  const answer = { tokens: [], completions: [] };
  // Its list goes on from one completion to the next.
  let before = 0;
  for (const text of tokenize) answer.tokens.push([...(await context.tokenize(text)).tokens]);
  for (const { prompt, media = [], count } of prompts) {
    const { completion_probabilities: steps = [] } = await context.completion({
      prompt,
      media_paths: media,
      n_predict: count,
      temperature: 0,
      top_k: 1,
      n_probs: 1,
      penalty_repeat: 1,
    });
    answer.completions.push(
      steps
        .slice(before)
        .map(({ content, probs }) => ({ text: content || probs[0].tok_str, probability: probs[0].prob })),
    );
    before = steps.length;
    context.clearCache(true);
  }
  process.send(answer, () => process.exit(0));
});
