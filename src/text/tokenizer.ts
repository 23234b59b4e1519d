/** A model's tokenizer from its published files, by `@huggingface/tokenizers`. Adds no tokens of its own. */
import { SplitPreTokenizer as Split, Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { GroundworkError } from '../base/error.ts';
import { Lru } from '../base/lru.ts';
import { checkTokenizerPatterns } from './tokenizer-patterns.ts';

/** tokenizer_config.json, as far as it is read here. */
export interface TokenizerConfig {
  readonly bos_token?: string | { readonly content: string } | null;
  readonly eos_token?: string | { readonly content: string } | null;
  readonly pad_token?: string | { readonly content: string } | null;
  readonly unk_token?: string | { readonly content: string } | null;
  readonly chat_template?: string | readonly { readonly name: string; readonly template: string }[];
  /** Done to a whole text before anything else. */
  readonly remove_space?: boolean;
  readonly do_lowercase_and_remove_accent?: boolean;
}

type NamedToken = 'bos_token' | 'eos_token' | 'pad_token' | 'unk_token';

/** Pieces between added tokens whose ids are kept: what all prompts share, and answers, which are encoded twice. */
const PIECES_KEPT = 256;
/** Words whose ids are kept. Texts have few of them, often. */
const WORDS_KEPT = 16_384;

export class Tokenizer {
  #hub: HubTokenizer;
  #config: TokenizerConfig;
  #special: ReadonlySet<number>;
  /** Tells added tokens from the text around them; null where that is not encoded for itself alone. */
  #border: RegExp | null;
  readonly #pieces = new Lru<string, readonly number[]>(PIECES_KEPT);
  /** Cuts a piece into words that are encoded each for itself; null where they are not. */
  #split: Split | null;
  readonly #words = new Map<string, readonly number[]>();

  /** From the parsed tokenizer.json and tokenizer_config.json. Throws `tokenizer-invalid`, `tokenizer-costly`. */
  constructor(tokenizerJson: object, config: TokenizerConfig = {}) {
    checkTokenizerPatterns(tokenizerJson);
    try {
      this.#hub = new HubTokenizer(tokenizerJson, config);
    } catch (cause) {
      throw new GroundworkError(
        'tokenizer-invalid',
        'tokenizer.json could not be read.',
        'Download the tokenizer files from the same place as the weights.',
        { cause },
      );
    }
    this.#config = config;
    const added = this.#hub.get_added_tokens_decoder();
    this.#special = new Set([...added].filter(([, token]) => token.special).map(([id]) => id));
    if ([...added.values()].some(({ content }) => typeof content !== 'string'))
      throw new GroundworkError(
        'tokenizer-invalid',
        'tokenizer.json has an added token whose content is no text.',
        'Download the tokenizer files from the same place as the weights.',
      );
    this.#border = borderOf([...added.values()], tokenizerJson);
    const changed = config.remove_space || config.do_lowercase_and_remove_accent;
    this.#split = this.#border && !changed ? splitOf(tokenizerJson) : null;
  }

  /** Token ids; special tokens written in the text become their one id. Nothing is added in front or behind. */
  encode(text: string): number[] {
    if (!this.#border) return [...this.#encodePiece(text)];
    const ids: number[] = [];
    // Every other piece is an added token.
    for (const [i, piece] of text.split(this.#border).entries())
      if (i % 2 === 1) ids.push(this.idOf(piece)!);
      else for (const id of this.#encodePiece(piece)) ids.push(id);
    return ids;
  }

  #encodePiece(text: string): readonly number[] {
    if (text === '') return [];
    const known = this.#pieces.get(text);
    if (known) return known;
    const ids = this.#encodeWords(text) ?? this.#encodeWhole(text);
    this.#pieces.set(text, ids);
    return ids;
  }

  #encodeWhole(text: string): number[] {
    return this.#guarded(() => this.#hub.encode(text, { add_special_tokens: false }).ids);
  }

  /** A file that the library takes may still hold what breaks it later: it is the file's fault. */
  #guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (cause) {
      throw new GroundworkError(
        'tokenizer-invalid',
        'tokenizer.json holds values that no text can be encoded with.',
        'Download the tokenizer files from the same place as the weights.',
        { cause },
      );
    }
  }

  /** Null where words cannot be encoded each for itself. */
  #encodeWords(text: string): number[] | null {
    if (!this.#split) return null;
    const normalised = this.#guarded(() => this.#hub.normalizer?.(text) ?? text);
    const ids: number[] = [];
    const split = this.#split;
    for (const word of this.#guarded(() => split.pre_tokenize_text(normalised))) {
      const known = this.#words.get(word) ?? this.#encodeWord(word);
      if (!known) return null;
      for (const id of known) ids.push(id);
    }
    return ids;
  }

  /** Null where the word would be cut differently if it stood alone. */
  #encodeWord(word: string): readonly number[] | null {
    const [first, ...more] = this.#guarded(() => this.#split!.pre_tokenize_text(word));
    if (first !== word || more.length) return null;
    const ids = this.#encodeWhole(word);
    if (this.#words.size >= WORDS_KEPT) this.#words.clear();
    this.#words.set(word, ids);
    return ids;
  }

  /** Text of ids. Ids beyond the vocabulary (padding rows of the embedding) give nothing. */
  decode(ids: ArrayLike<number>, { skipSpecial = false } = {}): string {
    const known = Array.from(ids).filter((id) => this.tokenOf(id) !== null && !(skipSpecial && this.#special.has(id)));
    return known.length
      ? this.#guarded(() =>
          this.#hub.decode(known, { skip_special_tokens: false, clean_up_tokenization_spaces: false }),
        )
      : '';
  }

  idOf(token: string): number | null {
    return this.#hub.token_to_id(token) ?? null;
  }

  /** The id of a token the model cannot do without. Throws `tokenizer-token`. */
  requireId(token: string): number {
    const id = this.idOf(token);
    if (id === null)
      throw new GroundworkError(
        'tokenizer-token',
        `The tokenizer has no token ${token}.`,
        'The tokenizer and the weights belong to different models.',
      );
    return id;
  }

  /** The vocabulary's own spelling (byte-level stand-ins included), null beyond it. */
  tokenOf(id: number): string | null {
    return this.#hub.id_to_token(id) ?? null;
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  get specialIds(): ReadonlySet<number> {
    return this.#special;
  }

  /** The text of a token the configuration names, such as `eos_token`. */
  named(name: NamedToken): string | null {
    const value = this.#config[name];
    return typeof value === 'object' && value !== null ? value.content : (value ?? null);
  }

  stream(options?: { skipSpecial?: boolean }): TokenStream {
    return new TokenStream(this, options);
  }
}

/** As tokenizer.json has it. */
interface AddedToken {
  readonly content: string;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
}

/**
 * Matches the added tokens that are looked for before anything else is done to a text, the longest first. Null where
 * they take blanks from their neighbours, or where a piece is not encoded alike everywhere (Metaspace marks the first).
 */
function borderOf(added: readonly AddedToken[], tokenizerJson: object): RegExp | null {
  const { normalizer, pre_tokenizer: split } = tokenizerJson as { normalizer?: unknown; pre_tokenizer?: unknown };
  if (added.some(({ lstrip, rstrip }) => lstrip || rstrip) || JSON.stringify(split ?? null).includes('Metaspace'))
    return null;
  const texts = added.flatMap(({ content, normalized }) => (normalized && normalizer ? [] : [content]));
  const escaped = texts.sort((a, b) => b.length - a.length).map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return escaped.length ? new RegExp(`(${escaped.join('|')})`) : null;
}

/** As tokenizer.json has it, as far as it matters for telling words apart. */
interface Splitting {
  readonly normalizer?: { readonly type: string } | null;
  readonly pre_tokenizer?: {
    readonly type: string;
    readonly pretokenizers?: readonly { readonly type: string; readonly add_prefix_space?: boolean }[];
  } | null;
  readonly model?: { readonly type: string; readonly fuse_unk?: boolean };
  readonly added_tokens?: readonly AddedToken[];
}

/**
 * What cuts text into words that know nothing of each other, as in all tokenizers of GPT-2's kind: first this, then
 * bytes, then merges within a word. Null for every other kind.
 */
function splitOf(tokenizerJson: Splitting): Split | null {
  const { normalizer, pre_tokenizer: splitting, model, added_tokens: added = [] } = tokenizerJson;
  const [split, bytes, ...more] = splitting?.type === 'Sequence' ? (splitting.pretokenizers ?? []) : [];
  const plain = (normalizer?.type ?? 'NFC') === 'NFC' && model?.type === 'BPE' && !model.fuse_unk;
  const inBytes = bytes?.type === 'ByteLevel' && bytes.add_prefix_space === false && more.length === 0;
  if (!plain || !inBytes || split?.type !== 'Split' || added.some(({ normalized }) => normalized && normalizer))
    return null;
  return new Split(split as ConstructorParameters<typeof Split>[0]);
}

/**
 * Text of a growing sequence, without decoding it anew at every token and without half characters: a token may end
 * inside a UTF-8 character, or take its leading space only from its neighbour. The scheme is that of vLLM's
 * `detokenize_incrementally`: decode a short window with and without the new token and give the difference.
 */
export class TokenStream {
  #tokenizer: Tokenizer;
  #skipSpecial: boolean;
  #ids: number[] = [];
  /** The window begins here; text up to #given is out. */
  #from = 0;
  #given = 0;

  constructor(tokenizer: Tokenizer, { skipSpecial = false } = {}) {
    this.#tokenizer = tokenizer;
    this.#skipSpecial = skipSpecial;
  }

  #window(end?: number): string {
    return this.#tokenizer.decode(this.#ids.slice(this.#from, end), { skipSpecial: this.#skipSpecial });
  }

  /** The text this token completes; '' while a character is unfinished. */
  push(id: number): string {
    this.#ids.push(id);
    const [before, now] = [this.#window(this.#given), this.#window()];
    if (now.length <= before.length || now.endsWith('\uFFFD')) return '';
    this.#from = this.#given;
    this.#given = this.#ids.length;
    return now.slice(before.length);
  }

  /** What is left at the end: an unfinished character as U+FFFD. */
  flush(): string {
    const rest = this.#window().slice(this.#window(this.#given).length);
    this.#from = this.#given = this.#ids.length;
    return rest;
  }
}
