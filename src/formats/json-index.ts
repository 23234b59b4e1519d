/**
 * Finds the elements of a JSON document without parsing it: those of a list at the root, or of the lists in an object
 * at the root (`{"data": […]}`, COCO's `{"images": […], "annotations": […]}`). One pass over the bytes; each element
 * is parsed later, alone, so that a file of any size can be read and one bad element does not take the others along.
 */
import { ElementIndex, readChunks } from './element-index.ts';

export interface JsonMember {
  readonly start: number;
  end: number;
  /** Elements, if its value is a list. */
  readonly elements: ElementIndex | null;
}

export interface JsonIndex {
  /** `values`: several values one after the other, as in JSON Lines; only the first was looked at. */
  readonly root: 'array' | 'object' | 'scalar' | 'values' | 'empty';
  readonly elements: ElementIndex;
  readonly members: ReadonlyMap<string, JsonMember>;
  /** Where the brackets stop making sense; what was found before it is in the index. */
  readonly problem: { readonly reason: string; readonly line: number; readonly column: number } | null;
}

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT, NEWLINE] = [
  34, 92, 44, 91, 93, 123, 125, 10,
];
const isSpace = (c: number) => c === 32 || c === 9 || c === 13;
const MAX_KEY = 200;

class Scanner {
  root: JsonIndex['root'] = 'empty';
  readonly elements = new ElementIndex();
  readonly members = new Map<string, JsonMember>();
  problem: JsonIndex['problem'] = null;

  #line = 1;
  #lineStart = 0;
  #stack: number[] = [];
  #inString = false;
  #escaped = false;
  /** The list whose elements are collected, and how deep it lies; −1: none. */
  #list: ElementIndex | null = null;
  #listDepth = -1;
  #elementStart = -1;
  #elementLine = 1;
  #lastSignificant = 0;
  #done = false;
  // Of an object at the root.
  #expectKey = false;
  #key: number[] | null = null;
  #name = '';
  #member: JsonMember | null = null;
  #expectValue = false;

  /** Returns false when there is nothing more to learn. */
  feed(chunk: Uint8Array, at: number): boolean {
    for (let i = 0; i < chunk.length; i++) {
      const c = chunk[i]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (c === BACKSLASH) this.#escaped = true;
        else if (c === QUOTE) {
          this.#inString = false;
          this.#lastSignificant = at + i;
          this.#endKey();
          continue;
        }
        if (this.#key && this.#key.length < MAX_KEY) this.#key.push(c);
        continue;
      }
      if (c === NEWLINE) {
        this.#line++;
        this.#lineStart = at + i + 1;
        continue;
      }
      if (isSpace(c) || (at + i < 3 && c >= 0xbb)) continue; // a byte-order mark is EF BB BF
      if (!this.#significant(c, at + i)) return false;
    }
    return true;
  }

  finish(size: number): void {
    if (this.problem || this.root === 'values') return;
    if (this.#inString || this.#stack.length)
      this.#fail(
        this.#inString ? 'the file ends inside a string' : 'the file ends before its last bracket is closed',
        size,
      );
  }

  #fail(reason: string, offset: number): boolean {
    this.problem = { reason, line: this.#line, column: offset - this.#lineStart + 1 };
    return false;
  }

  #significant(c: number, offset: number): boolean {
    if (this.#done) {
      this.root = 'values';
      return false;
    }
    const depth = this.#stack.length;
    if (depth === this.#listDepth && this.#elementStart < 0 && c !== COMMA && c !== CLOSE_LIST) {
      this.#elementStart = offset;
      this.#elementLine = this.#line;
    }
    if (this.#expectValue && depth === 1 && c !== 58) this.#beginMember(c, offset);
    switch (c) {
      case QUOTE:
        this.#inString = true;
        if (this.#expectKey && depth === 1) this.#key = [];
        if (depth === 0) [this.root, this.#done] = ['scalar', false];
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        if (depth === 0) this.#begin(c);
        this.#stack.push(c);
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT: {
        if (this.#stack.pop() !== (c === CLOSE_LIST ? OPEN_LIST : OPEN_OBJECT))
          return this.#fail(`“${String.fromCharCode(c)}” closes nothing`, offset);
        if (depth === this.#listDepth) this.#endList();
        if (depth === 1) this.#endMember();
        this.#done = this.#stack.length === 0;
        break;
      }
      case COMMA:
        if (depth === this.#listDepth) this.#endElement();
        if (depth === 1 && this.root === 'object') this.#endMember();
        break;
      default:
        if (depth === 0) this.root = 'scalar';
    }
    this.#lastSignificant = offset;
    return true;
  }

  #begin(c: number): void {
    this.root = c === OPEN_LIST ? 'array' : 'object';
    if (this.root === 'array') [this.#list, this.#listDepth] = [this.elements, 1];
    else this.#expectKey = true;
  }

  #endKey(): void {
    if (!this.#key) return;
    this.#name = new TextDecoder().decode(Uint8Array.from(this.#key));
    [this.#key, this.#expectKey, this.#expectValue] = [null, false, true];
  }

  #beginMember(c: number, offset: number): void {
    this.#expectValue = false;
    this.#member = { start: offset, end: offset, elements: c === OPEN_LIST ? new ElementIndex() : null };
    if (!this.members.has(this.#name)) this.members.set(this.#name, this.#member);
    if (this.#member.elements) [this.#list, this.#listDepth] = [this.#member.elements, 2];
  }

  #endElement(): void {
    if (this.#elementStart >= 0) this.#list!.add(this.#elementStart, this.#lastSignificant + 1, this.#elementLine);
    this.#elementStart = -1;
  }

  #endList(): void {
    this.#endElement();
    [this.#list, this.#listDepth] = [null, -1];
  }

  #endMember(): void {
    if (this.#member) this.#member.end = this.#lastSignificant + 1;
    [this.#member, this.#expectKey] = [null, this.root === 'object'];
  }
}

/** Never throws for content. */
export async function indexJson(blob: Blob, tell?: (bytes: number) => void): Promise<JsonIndex> {
  const scanner = new Scanner();
  for await (const { at, bytes } of readChunks(blob, tell)) if (!scanner.feed(bytes, at)) break;
  scanner.finish(blob.size);
  return scanner;
}
