/**
 * JSON as models, people and other languages write it, with the place of every value: single quotes, trailing and
 * missing commas, full-width punctuation, digits of other scripts, Python's None and tuples, NumPy's `array([…])` and `[1 2 3 4]`, numbers as
 * `10.` or `10px`, and texts that end before their brackets do.
 *
 * Linear in the text's length, bounded depth, never throws: what makes no sense ends the value, and what was read of it
 * is kept.
 */
interface Place {
  readonly start: number;
  readonly end: number;
}

export type LooseValue =
  | (Place & { readonly kind: 'number'; readonly value: number })
  /** `start` and `end` are those of the quotes. */
  | (Place & { readonly kind: 'string'; readonly text: string })
  /** true, None, a bare name. */
  | (Place & { readonly kind: 'word'; readonly text: string })
  | (Place & { readonly kind: 'list'; readonly items: readonly LooseValue[] })
  | (Place & {
      readonly kind: 'object';
      readonly fields: readonly { readonly key: string; readonly value: LooseValue }[];
    });

const MAX_DEPTH = 32;
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' };
const QUOTES: Readonly<Record<string, string>> = { '"': '"', "'": "'", '“': '”' };
const NUMBER =
  /[-+]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,3})?(?![\w.%])(?:\s?px\b)?|[-+]?\d{1,30}(?:\.\d{0,30})?px\b/y;
const WORD = /[\p{L}_$][\p{L}\p{N}_$.-]{0,80}/uy;
const SPACE = /\s/;
/** What may follow the end of a text in single quotes. */
const AFTER_QUOTE = /^\s{0,4}(?:[,:\]})]|$)/;
/** Noughts of the decimal digits of other scripts (Unicode, general category Nd), each before its nine others. */
const NOUGHTS = '０٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀០᠐';
const WIDE: Readonly<Record<string, string>> = {
  '、': ',',
  '【': '[',
  '】': ']',
  '،': ',',
  '؛': ';',
  '٫': '.',
  '−': '-',
  ...Object.fromEntries(
    Array.from(NOUGHTS).flatMap((nought) =>
      Array.from({ length: 10 }, (_, n) => [String.fromCharCode(nought.charCodeAt(0) + n), String(n)]),
    ),
  ),
};
const WIDE_SIGNS = new RegExp(`[（），．：；［］｛｝－${Object.keys(WIDE).join('')}]`, 'g');

/** Signs of Chinese, Japanese and Arabic keyboards, and digits of other scripts, as ASCII; every place stays. */
export function halfWidth(text: string): string {
  // Full-width brackets lie in one block, in ASCII's order.
  return text.replace(WIDE_SIGNS, (c) => WIDE[c] ?? String.fromCharCode(c.charCodeAt(0) - 0xfee0));
}

class Reader {
  /** With half-width signs; as long as the original. */
  readonly #text: string;
  readonly #original: string;
  /** Where the quotes of a kind are known to have no partner before. */
  readonly #unpaired = new Map<string, number>();
  at: number;
  /** Nothing more can be made of the outer value. */
  #stopped = false;

  constructor(text: string, original: string) {
    this.#text = text;
    this.#original = original;
    this.at = 0;
  }

  /** The list or object that begins at `start`. */
  read(start: number): LooseValue {
    this.at = start;
    this.#stopped = false;
    return this.#container(0);
  }

  #skip(): void {
    while (this.at < this.#text.length && SPACE.test(this.#text[this.at]!)) this.at++;
  }

  #container(depth: number): LooseValue {
    const start = this.at;
    const open = this.#text[this.at++]!;
    const close = CLOSING[open]!;
    const fields: { key: string; value: LooseValue }[] = [];
    const items: LooseValue[] = [];
    let end = this.at;
    for (;;) {
      this.#skip();
      const c = this.#text[this.at];
      if (c === undefined) this.#stopped = true;
      else if (c === ',' || c === ';') {
        this.at++;
        continue;
      } else if (c === close) end = ++this.at;
      else if (open === '{') {
        const field = this.#field(depth);
        if (field) fields.push(field);
        if (field) end = field.value.end;
        if (field && !this.#stopped) continue;
        this.#stopped = true;
      } else {
        const item = this.#value(depth + 1);
        if (item) items.push(item);
        if (item) end = item.end;
        if (item && !this.#stopped) continue;
        this.#stopped = true;
      }
      break;
    }
    if (this.#stopped && this.at >= this.#text.length) end = this.#text.length;
    return open === '{' ? { kind: 'object', start, end, fields } : { kind: 'list', start, end, items };
  }

  #field(depth: number): { key: string; value: LooseValue } | null {
    const key = this.#value(depth + 1);
    if (key?.kind !== 'string' && key?.kind !== 'word' && key?.kind !== 'number') return null;
    this.#skip();
    if (this.#text[this.at] !== ':' && this.#text[this.at] !== '=') return null;
    this.at++;
    this.#skip();
    const value = this.#value(depth + 1);
    return value && { key: key.kind === 'number' ? String(key.value) : key.text, value };
  }

  #value(depth: number): LooseValue | null {
    const c = this.#text[this.at];
    if (c === undefined) return null;
    if (c in CLOSING) return depth < MAX_DEPTH ? this.#container(depth) : null;
    if (c in QUOTES) return this.#string(c);
    NUMBER.lastIndex = this.at;
    const number = NUMBER.exec(this.#text);
    if (number) {
      this.at += number[0].length;
      return { kind: 'number', start: number.index, end: this.at, value: Number.parseFloat(number[0]) };
    }
    WORD.lastIndex = this.at;
    const word = WORD.exec(this.#text);
    if (!word) return null;
    const start = this.at;
    this.at += word[0].length;
    if (this.#text[this.at] !== '(' || depth >= MAX_DEPTH) return { kind: 'word', start, end: this.at, text: word[0] };
    // A call, such as NumPy's array([…], dtype=float32): its first value.
    const call = this.#container(depth);
    const first = call.kind === 'list' ? call.items[0] : undefined;
    return first ? { ...first, start, end: call.end } : { kind: 'word', start, end: call.end, text: word[0] };
  }

  #string(open: string): LooseValue | null {
    const close = QUOTES[open]!;
    const start = this.at;
    if ((this.#unpaired.get(open) ?? 0) > start) return null;
    let i = start + 1;
    for (; i < this.#text.length && this.#text[i] !== '\n'; i++) {
      if (this.#text[i] === '\\') i++;
      // An apostrophe is not the end of a text in single quotes.
      else if (this.#text[i] === close && (open !== "'" || AFTER_QUOTE.test(this.#text.slice(i + 1, i + 6)))) break;
    }
    if (this.#text[i] !== close) {
      this.#unpaired.set(open, i);
      return null;
    }
    this.at = i + 1;
    return { kind: 'string', start, end: this.at, text: unescaped(this.#original.slice(start + 1, i)) };
  }
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(`"${text.replaceAll(/(?<!\\)"/g, '\\"').replaceAll("\\'", "'")}"`) as string;
  } catch {
    return text;
  }
}

/** The outermost lists and objects of a text, in order. */
export function looseValues(original: string): LooseValue[] {
  const text = halfWidth(original);
  const reader = new Reader(text, original);
  const values: LooseValue[] = [];
  for (let i = 0; i < text.length;) {
    if (text[i] !== '{' && text[i] !== '[') {
      i++;
      continue;
    }
    values.push(reader.read(i));
    i = Math.max(reader.at, i + 1);
  }
  return values;
}

/** What is looked for, for readers in other languages (jobs/rewards). */
export const LOOSE_PATTERNS = { number: NUMBER, afterQuote: AFTER_QUOTE, wide: WIDE_SIGNS, asciiOf: WIDE } as const;
