/** What a model on a Hub consists of: the commit that a revision names now, and the files of it that we need. */
import * as v from 'valibot';
import { GroundworkError } from '../base/error.ts';
import type { HubRequests } from './hub-request.ts';

export interface HubFile {
  /** Inside the model's folder. */
  readonly path: string;
  readonly size: number;
  /** Of the contents, where the Hub keeps the file outside git; else null. */
  readonly sha256: string | null;
  /** Git's own hash of the file (SHA-1 over a header and the contents), for files inside git; else null. */
  readonly gitSha1: string | null;
}

const hex = (length: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${length}}$`)));
const Revision = v.object({ sha: hex(40) });
const Tree = v.array(
  v.object({
    type: v.string(),
    path: v.string(),
    size: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
    oid: v.optional(v.string(), ''),
    lfs: v.optional(v.object({ oid: v.string(), size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) })),
  }),
);

/** Pages of a listing; a model folder has one. */
const MAX_PAGES = 100;

/** The commit that the address's revision names. */
export async function resolveCommit(requests: HubRequests, signal: AbortSignal): Promise<string> {
  const { endpoint, id, revision } = requests.address;
  const url = `${endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`;
  const { value } = await requests.json(url, signal);
  return understood(requests, v.safeParse(Revision, value)).sha;
}

/** The files we need of a commit. Throws `hub-no-weights` if it has no safetensors. */
export async function listFiles(requests: HubRequests, commit: string, signal: AbortSignal): Promise<HubFile[]> {
  const { endpoint, id } = requests.address;
  const files: HubFile[] = [];
  let url: string | null = `${endpoint}/api/models/${id}/tree/${commit}?recursive=true`;
  for (let page = 0; url !== null && page < MAX_PAGES; page++) {
    const answer: { value: unknown; next: string | null } = await requests.json(url, signal);
    for (const { type, path, size, oid, lfs } of understood(requests, v.safeParse(Tree, answer.value)))
      if (type === 'file')
        files.push({
          path,
          size: lfs?.size ?? size,
          sha256: lfs && /^[0-9a-f]{64}$/.test(lfs.oid) ? lfs.oid : null,
          gitSha1: !lfs && /^[0-9a-f]{40}$/.test(oid) ? oid : null,
        });
    // A page's successor is on the same server, whatever the answer says: the token goes nowhere else.
    url = answer.next === null ? null : new URL(new URL(answer.next, url).search, url).href;
  }
  return neededFiles(files, id);
}

/** Beside the weights: what configures, tokenizes and preprocesses, and what a merged export takes along. */
const COMPANIONS = new Set([
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'video_preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
]);
const INDEX = 'model.safetensors.index.json';
const SINGLE = 'model.safetensors';
const SHARD = /^model-\d+-of-\d+\.safetensors$/;

/** Small files first: what is wrong with a model is mostly seen in them. */
export function neededFiles(files: readonly HubFile[], id: string): HubFile[] {
  const sharded = files.some(({ path }) => path === INDEX) && files.some(({ path }) => SHARD.test(path));
  const isWeight = (path: string) => (sharded ? SHARD.test(path) : path === SINGLE);
  const weights = files.filter(({ path }) => isWeight(path)).sort((a, b) => (a.path < b.path ? -1 : 1));
  if (weights.length === 0)
    throw new GroundworkError(
      'hub-no-weights',
      `${id} has no safetensors weights.`,
      'Choose a model with the file model.safetensors, or with model-00001-of-….safetensors and an index.',
    );
  const small = files.filter(({ path }) => COMPANIONS.has(path) || (sharded && path === INDEX));
  return [...small.sort((a, b) => a.size - b.size), ...weights];
}

function understood<T extends v.GenericSchema>(requests: HubRequests, result: v.SafeParseResult<T>): v.InferOutput<T> {
  if (result.success) return result.output;
  throw new GroundworkError(
    'hub-answer',
    `Groundwork does not understand how ${requests.address.endpoint} describes ${requests.address.id}.`,
    'Check that the endpoint is the Hugging Face Hub or a mirror of it.',
  );
}
