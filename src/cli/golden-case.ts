/** Reads a golden case folder. */
import { existsSync, readFileSync } from 'node:fs';
import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { blobSource, bytesSource } from '../formats/byte-source.ts';
import { openSafetensors, type Safetensors } from '../formats/safetensors.ts';
import { filesUnder } from './node-files.ts';

export interface GoldenCase {
  readonly path: string;
  readonly spec: GoldenSpec;
  readonly checkpoint: ReadonlyMap<string, ReturnType<typeof blobSource>>;
  readonly adapter: { readonly config: string; readonly tensors: Safetensors } | null;
  readonly expected: Safetensors;
  readonly inputs: Safetensors | null;
  image(path: string): Promise<Blob>;
}

export interface GoldenSpec {
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string | readonly ({ readonly type: 'text'; readonly text: string } | { readonly type: 'image'; readonly image: string })[] }[];
  readonly completion?: string;
  readonly processor?: { readonly min_pixels?: number; readonly max_pixels?: number };
  readonly generate?: { readonly max_new_tokens: number };
  readonly policy?: {
    readonly loss_type: 'grpo' | 'dapo' | 'dr_grpo';
    readonly epsilon: number;
    readonly epsilon_high?: number | null;
    readonly beta: number;
    readonly temperature: number;
    readonly max_completion_length: number;
    readonly use_bias_correction_kl?: boolean;
    readonly mask_truncated_completions?: boolean;
    readonly truncated?: readonly boolean[];
    readonly completions: readonly string[];
    readonly advantages: readonly number[];
  };
}

const tensors = (path: string): Promise<Safetensors> => openSafetensors(bytesSource(readFileSync(path)), path);

export async function openGolden(path: string): Promise<GoldenCase> {
  const adapter = join(path, 'adapter');
  const inputs = join(path, 'inputs.safetensors');
  return {
    path,
    spec: JSON.parse(readFileSync(join(path, 'case.json'), 'utf8')) as GoldenSpec,
    checkpoint: new Map((await filesUnder(join(path, 'checkpoint'))).map(({ path: name, file }) => [name, blobSource(file)])),
    adapter: existsSync(adapter) ? { config: readFileSync(join(adapter, 'adapter_config.json'), 'utf8'), tensors: await tensors(join(adapter, 'adapter_model.safetensors')) } : null,
    expected: await tensors(join(path, 'expected.safetensors')),
    inputs: existsSync(inputs) ? await tensors(inputs) : null,
    image: (name) => openAsBlob(join(path, name)),
  };
}
