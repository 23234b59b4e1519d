/** An export is read back: what was meant passes, and whatever befell it on the way is told by name. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { ExportRecord } from '../../src/engine/export/export-check.ts';
import { writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { writeZip, type FileToZip } from '../../src/formats/zip.ts';
import { writtenTensors, type OutputFile } from '../../src/train/checkpoint-folder.ts';

const module = 'base_model.model.layers.0.q_proj';
const tensor = (name: string, shape: number[], fill: number) => ({
  name,
  dtype: 'F32' as const,
  shape,
  bytes: () => new Uint8Array(new Float32Array(shape.reduce((a, b) => a * b)).fill(fill).buffer),
});
const tensors = [tensor(`${module}.lora_A.weight`, [2, 8], 1), tensor(`${module}.lora_B.weight`, [4, 2], 2)];
const files = (): OutputFile[] => [
  { path: 'adapter_config.json', data: '{"r":2}' },
  { path: 'adapter_model.safetensors', data: writeSafetensors(tensors), tensors: writtenTensors(tensors) },
];

const zip = (list: readonly OutputFile[]) => new Response(writeZip(list as FileToZip[]) as BodyInit).blob();
const silent = () => undefined;

/** Writes and reads back, with something done to the bytes in between. */
async function check(spoil: (archive: Uint8Array<ArrayBuffer>) => void = silent, meant = files()) {
  const record = new ExportRecord(meant);
  const archive = new Uint8Array(await (await zip(record.files())).arrayBuffer());
  spoil(archive);
  return record.check(new Blob([archive]), silent);
}

test('what was written as meant passes, with the SHA-256 of every file', async () => {
  const { files: found, ...rest } = await check();
  expect(rest).toEqual({ tensors: 2, modules: 1, problems: [] });
  expect(found.map(({ path, bytes }) => [path, bytes])[0]).toEqual(['adapter_config.json', 7]);
  expect(found[0]!.sha256).toBe(createHash('sha256').update('{"r":2}').digest('hex'));
});

test('a flipped bit is found', async () => {
  const { problems } = await check((archive) => {
    const at = archive.findLastIndex((byte, i) => byte === 0x40 && archive[i - 1] === 0); // in 2.0, little end first
    archive[at]! ^= 1;
  });
  expect(problems).toEqual(['adapter_model.safetensors was read back with different bytes.']);
});

test('missing and foreign tensors and files are named', async () => {
  const record = new ExportRecord(files());
  await zip(record.files());
  const other = [tensor(`${module}.lora_A.weight`, [8, 2], 1), tensor('stranger', [4], 0)];
  const archive = await zip([
    { path: 'adapter_model.safetensors', data: writeSafetensors(other) },
    { path: 'virus.exe', data: 'x' },
  ]);
  const { problems, tensors: right } = await record.check(archive, silent);
  expect(right).toBe(0);
  expect(problems).toEqual([
    'adapter_config.json is not in the archive.',
    'adapter_model.safetensors was read back with different bytes.',
    `adapter_model.safetensors: ${module}.lora_A.weight has the shape [8, 2] instead of [2, 8].`,
    `adapter_model.safetensors has no tensor ${module}.lora_B.weight.`,
    'virus.exe does not belong in the archive.',
  ]);
});

test('a cut archive is an error with a message', async () => {
  const record = new ExportRecord(files());
  const archive = await zip(record.files());
  await expect(record.check(archive.slice(0, archive.size - 100), silent)).rejects.toMatchObject({
    code: 'zip-invalid',
  });
});
