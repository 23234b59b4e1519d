/** Tokens per second as `npm run throughput` measures them, and the file from which PyTorch repeats the work. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { measureThroughput } from '../../src/engine/full-size/throughput.ts';
import { checkpointText } from '../text/checkpoint-text.ts';

const folder = fileURLToPath(new URL('../golden/qwen2_5_vl/policy-grpo/checkpoint', import.meta.url));

const measured = async (checkpoint: boolean) =>
  measureThroughput(await openNodeGpu(), 'tiny', await filesUnder(folder), {
    storage: 'f32',
    prompt: 9,
    answer: 7,
    group: 3,
    completion: 5,
    rounds: 2,
    checkpoint,
  });

test('throughput is measured on words alone, and what another framework needs to repeat it is told', async () => {
  const { throughput, files } = await measured(false);
  const { tokens, loss, gradientNorm, sft, rollout } = throughput;
  const { tokenizer } = checkpointText(folder);
  expect(tokens).toHaveLength(16);
  expect(tokens.some((id) => tokenizer.isSpecial(id) || tokenizer.tokenOf(id) === null)).toBe(false);
  expect(loss).toBeGreaterThan(0);
  expect(gradientNorm).toBeGreaterThan(1e-3);
  for (const { tokensPerSecond, median, firstSeconds } of [sft, rollout]) {
    expect(tokensPerSecond).toBeGreaterThanOrEqual(median);
    expect(median).toBeGreaterThan(0);
    expect(firstSeconds).toBeGreaterThan(0);
  }
  expect(files.map(({ path }) => path)).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  // Recomputed activations are the kept ones, and so is everything that follows.
  expect((await measured(true)).throughput).toMatchObject({ tokens, loss, gradientNorm });
});
