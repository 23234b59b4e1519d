/** Tensors of a checkpoint that no part of the model takes: told, or refused where libraries differ on what they mean. */
import { GroundworkError } from '../base/error.ts';
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import { isFloat, toFloat32 } from '../formats/safetensors.ts';
import type { Architecture } from './architecture.ts';

const HEAD = 'lm_head.weight';

/** Buffers that older libraries saved: they follow from config.json. */
export const isDerived = (name: string): boolean =>
  /(?:^|\.)(?:rotary_emb\.inv_freq|rotary_pos_emb\.inv_freq|embeddings\.position_ids)$/.test(name);

/** Values compared at a time. */
const BLOCK = 1 << 20;

/**
 * Notes on tensors that the model has no place for.
 * @param taken canonical names of those it has
 * @throws GroundworkError `checkpoint-invalid` where config.json ties the head to the embedding, and the files have both
 * with different values: transformers 5 then takes the head of the file, transformers 4 the embedding
 */
export async function notesOnLeftover(
  { canonicalName, decoder: { module, tieWordEmbeddings } }: Pick<Architecture, 'canonicalName' | 'decoder'>,
  checkpoint: CheckpointWeights,
  taken: ReadonlySet<string>,
): Promise<string[]> {
  const keyOf = new Map([...checkpoint.tensors.keys()].map((key) => [canonicalName(key), key]));
  const head = tieWordEmbeddings ? keyOf.get(HEAD) : undefined;
  const embedding = keyOf.get(`${module}.embed_tokens.weight`);
  if (head !== undefined && embedding !== undefined && !(await sameValues(checkpoint, head, embedding)))
    throw new GroundworkError(
      'checkpoint-invalid',
      `config.json says that the output head is the embedding (tie_word_embeddings), but the weights have a ${head} with other values.`,
      'transformers 5 takes that head, transformers 4 the embedding. If the head was trained, set tie_word_embeddings to false in config.json; else save the model again without it.',
    );
  const left = [...keyOf].filter(([name]) => !taken.has(name) && name !== HEAD && !isDerived(name));
  const names = left.map(([, key]) => key);
  if (!names.length) return [];
  const shown = names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ', …' : '');
  return [
    `${names.length === 1 ? 'A tensor' : `${names.length} tensors`} of the weights ${names.length === 1 ? 'belongs' : 'belong'} to no part that config.json describes, and ${names.length === 1 ? 'is' : 'are'} not used: ${shown}.`,
  ];
}

/** Names told of many. */
const SHOWN = 4;

async function sameValues(checkpoint: CheckpointWeights, a: string, b: string): Promise<boolean> {
  const [one, other] = [checkpoint.tensors.get(a)!, checkpoint.tensors.get(b)!];
  if (one.shape.join() !== other.shape.join() || !isFloat(one.dtype) || !isFloat(other.dtype)) return false;
  const [rows = 1, columns = 1] = one.shape;
  const step = Math.max(1, Math.floor(BLOCK / columns));
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const [x, y] = [
      toFloat32(await checkpoint.readRows(a, first, count), one.dtype),
      toFloat32(await checkpoint.readRows(b, first, count), other.dtype),
    ];
    if (x.some((v, i) => v !== y[i])) return false;
  }
  return true;
}
