/** A PEFT adapter's files, with random numbers: to try the export's way to the disk and its reader. */
import { Random } from '../../../src/base/random.ts';

const MODULES = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
];

export function fakeAdapter(encode: (text: string) => Uint8Array): Record<string, Uint8Array> {
  // Other numbers each time, as after other steps.
  const random = new Random(Date.now());
  const header: Record<string, unknown> = {};
  const values: number[] = [];
  for (let layer = 0; layer < 6; layer++) {
    for (const module of MODULES) {
      for (const [which, shape] of [
        ['A', [4, 8]],
        ['B', [8, 4]],
      ] as const) {
        const start = values.length * 4;
        for (let i = 0; i < shape[0] * shape[1]; i++) values.push(random.normal());
        header[`base_model.model.model.language_model.layers.${layer}.${module}.lora_${which}.weight`] = {
          dtype: 'F32',
          shape,
          data_offsets: [start, values.length * 4],
        };
      }
    }
  }
  const head = encode(JSON.stringify(header));
  const file = new Uint8Array(8 + head.length + values.length * 4);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  file.set(new Uint8Array(Float32Array.from(values).buffer), 8 + head.length);
  return {
    'adapter_config.json': encode(
      JSON.stringify({ peft_type: 'LORA', r: 4, target_modules: MODULES.map((m) => m.split('.')[1]) }),
    ),
    'adapter_model.safetensors': file,
  };
}
