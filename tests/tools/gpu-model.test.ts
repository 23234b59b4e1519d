/** The model of a GPU's time: how it reads what Mesa's compiler printed, and, where that compiler is installed, our kernels. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readLog, sum } from '../../tools/gpu-model/assembly.ts';
import type { Compiled } from '../../tools/gpu-model/compile.ts';
import { available, compileFor } from '../../tools/gpu-model/driver.ts';
import { FAMILIES } from '../../tools/gpu-model/families.ts';
import { linesOf } from '../../tools/gpu-model/main.ts';
import { costOf, timeOf } from '../../tools/gpu-model/model.ts';

const navi31 = FAMILIES['navi31']!;

/** A loop of three turns of an inner loop of four: 8 multiply-adds, a load from workgroup memory and one from memory. */
const LOG = `
@@BEGIN toy {"TM":1}
Compute Shader
disasm:
BB0:
	s_mov_b64 exec, s[0:1]                                      ; 00000000
BB1:
	buffer_load_b128 v[4:7], v0, s[4:7], 0 offen                ; 00000000
	s_mov_b32 s9, 0                                             ; 00000000
BB2:
	ds_load_b128 v[8:11], v1                                    ; 00000000
	s_waitcnt lgkmcnt(0)                                        ; 00000000
	v_fmac_f32_e32 v12, v8, v9                                  ; 00000000
	v_fma_f32 v13, v8, v10, v13                                 ; 00000000
	v_add_f32_e32 v14, v14, v8                                  ; 00000000
	s_add_i32 s9, s9, 1                                         ; 00000000
	s_cmp_lt_u32 s9, 4                                          ; 00000000
	s_cbranch_scc1 BB2                                          ; 00000000
BB3:
	s_waitcnt vmcnt(0)                                          ; 00000000
	s_cmp_lt_u32 s8, s10                                        ; 00000000
	s_cbranch_scc1 BB1                                          ; 00000000
BB4:
	s_endpgm                                                    ; 00000000
*** SHADER STATS ***
VGPRs: 24
Spilled SGPRs: 0
Spilled VGPRs: 2
LDS size: 1024
Subgroups per SIMD: 16
@@END
`;

describe('what the compiler printed', () => {
  const [kernel] = readLog(LOG);

  test('statistics and the width of a wave are read', () => {
    expect(kernel).toMatchObject({
      name: 'toy {"TM":1}',
      lanes: 64,
      loops: true,
      statistics: { registers: 24, spilled: 2, shared: 1024, waves: 16 },
    });
  });

  test('a turn has its inner loop as often as that goes round', () => {
    expect(sum(kernel!.turn, ({ multiplyAdds }) => multiplyAdds)).toBe(8);
    expect(kernel!.turn.filter(({ kind }) => kind === 'shared')).toHaveLength(4);
    expect(kernel!.turn.filter(({ kind }) => kind === 'load').map(({ bytes }) => bytes)).toEqual([16]);
  });

  test('a wave of 64 does a multiply-add in one clock and another instruction in two', () => {
    const cost = costOf(kernel!, navi31, 16);
    expect(cost.issue).toBe(4 * (1 + 1 + 2));
    expect(cost.useful).toBe(0.5);
    expect(cost.multiplyAdds).toBe(8 * 64);
    // 4 loads of 16 bytes by 64 lanes, from a memory of 128 bytes a clock that two SIMDs share.
    expect(cost.shared).toBe((4 * 16 * 64 * 2) / 128);
  });

  test('few waves wait for memory, many do not', () => {
    expect(costOf(kernel!, navi31, 1).latency).toBeGreaterThan(navi31.latency.memory);
    expect(costOf(kernel!, navi31, 16).latency).toBeCloseTo(costOf(kernel!, navi31, 1).latency / 16, 6);
    const work = { multiplyAdds: 8 * 64 * 1000, bytes: 0 };
    const alone = timeOf(kernel!, { ...work, groups: [1, 1, 1] }, 64, navi31);
    const spread = timeOf(kernel!, { ...work, groups: [192 * 16, 1, 1] }, 64, navi31);
    expect(alone.bound).toBe('latency');
    expect(spread.seconds).toBeLessThan(alone.seconds / 100);
  });
});

// Mesa's compiler for AMD cards comes with Debian's mesa-vulkan-drivers; gcc and Vulkan's headers build the layer.
describe.skipIf(!available())('our kernels on a card of AMD’s', () => {
  test('nothing spills, and large products reach most of the peak', { timeout: 600_000 }, async () => {
    const { folder, dispose } = await compileFor('navi31', ['SmolVLM2-2.2B-Instruct', 'shared', 'int4', '1024']);
    const compiled = JSON.parse(readFileSync(join(folder, 'programs.json'), 'utf8')) as Compiled;
    const lines = linesOf(compiled, readLog(readFileSync(join(folder, 'log'), 'utf8')), navi31);
    dispose();
    expect(lines.filter((line) => line.compiled.statistics.spilled > 0).map(({ kernel }) => kernel)).toEqual([]);
    const large = lines.filter(({ kernel, multiplyAdds }) => kernel.startsWith('matmul/') && multiplyAdds > 1e10);
    expect(large.length).toBeGreaterThan(0);
    for (const { kernel, time } of large) expect(time.share, kernel).toBeGreaterThan(0.4);
  });
});
