/**
 * A tokenizer.json as llama.cpp takes it: every token by its id with its kind, the merges as lines, and the name under
 * which llama.cpp knows how texts are cut before they are merged. What it would cut otherwise is said, not written.
 */
type Json = Readonly<Record<string, unknown>>;

/** llama.cpp's kinds of tokens. */
const KIND = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

export interface LlamaVocabulary {
  /** llama.cpp's name of the rules by which texts are cut. */
  readonly pre: string;
  readonly tokens: readonly string[];
  readonly kinds: readonly number[];
  readonly merges: readonly string[];
  /** Why llama.cpp would cut texts otherwise; empty: it does as tokenizer.json says. */
  readonly obstacles: readonly string[];
}

const QWEN2 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** A pre-tokenizer in one line, and llama.cpp's name of it. */
const CUTS: Readonly<Record<string, string>> = {
  [`split ${QWEN2}, bytes`]: 'qwen2',
  [`split ${LLAMA3}, bytes`]: 'llama-bpe',
  'single digits, words, bytes': 'smollm',
  'words, bytes': 'gpt-2',
};

/** @param vocabSize rows of the embedding: ids that tokenizer.json does not have are tokens that are never used */
export function llamaVocabulary(tokenizer: Json, vocabSize: number): LlamaVocabulary {
  const model = (tokenizer['model'] ?? {}) as Json;
  const vocab = (model['vocab'] ?? {}) as Readonly<Record<string, number>>;
  const tokens = Array.from({ length: vocabSize }, (_, i) => `[PAD${i}]`);
  const kinds = new Array<number>(vocabSize).fill(KIND.unused);
  const obstacles: string[] = [];
  let beyond = 0;
  const set = (id: number, text: string, kind: number) => {
    if (id >= vocabSize) return void beyond++;
    tokens[id] = text;
    kinds[id] = kind;
  };
  if (model['type'] !== 'BPE' || model['byte_fallback'] === true)
    obstacles.push('Its tokenizer is not of byte pairs, which is the only kind that is written.');
  else for (const [text, id] of Object.entries(vocab)) set(id, text, KIND.normal);
  for (const token of (tokenizer['added_tokens'] ?? []) as readonly Json[])
    set(token['id'] as number, token['content'] as string, token['special'] ? KIND.control : KIND.userDefined);
  if (beyond) obstacles.push(`Its tokenizer has ${beyond} tokens beyond the ${vocabSize} rows of the embedding.`);
  const cut = words(tokenizer['pre_tokenizer']);
  const pre = CUTS[cut];
  const normalizer = ((tokenizer['normalizer'] ?? {}) as Json)['type'];
  // llama.cpp takes texts as they come; nearly all are in NFC already.
  if (normalizer !== undefined && normalizer !== 'NFC')
    obstacles.push(`Its tokenizer changes texts before it cuts them (${String(normalizer)}), and llama.cpp does not.`);
  if (pre === undefined)
    obstacles.push(
      'llama.cpp has no name for the way in which its tokenizer cuts texts (pre_tokenizer in tokenizer.json), and would cut them otherwise.',
    );
  const merges = (Array.isArray(model['merges']) ? model['merges'] : []) as readonly (string | readonly string[])[];
  return {
    pre: pre ?? '',
    tokens,
    kinds,
    merges: merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))),
    obstacles,
  };
}

function words(pre: unknown): string {
  const node = (pre ?? {}) as Json;
  switch (node['type']) {
    case 'Sequence':
      return ((node['pretokenizers'] ?? []) as readonly unknown[]).map(words).join(', ');
    case 'Split': {
      const plain = node['behavior'] === 'Isolated' && node['invert'] !== true;
      return `${plain ? 'split' : 'split otherwise'} ${((node['pattern'] ?? {}) as Json)['Regex'] as string}`;
    }
    case 'Digits':
      return node['individual_digits'] === true ? 'single digits' : 'digits';
    case 'ByteLevel':
      return node['add_prefix_space'] === true
        ? 'bytes after a space'
        : node['use_regex'] === false
          ? 'bytes'
          : 'words, bytes';
    default:
      return String(node['type']);
  }
}
