/**
 * SHA-256 over a list of blocks' SHA-256: the platform digests only what is in memory as a whole, and a checkpoint
 * need not be.
 */
export const BLOCK_BYTES = 4 << 20;

export class BlockDigest {
  readonly #block = new Uint8Array(BLOCK_BYTES);
  readonly #digests: Uint8Array[] = [];
  #filled = 0;
  bytes = 0;

  async add(chunk: Uint8Array): Promise<void> {
    this.bytes += chunk.length;
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + BLOCK_BYTES - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === BLOCK_BYTES) await this.#close();
    }
  }

  /** Hexadecimal. */
  async finish(): Promise<string> {
    if (this.#filled > 0) await this.#close();
    const all = new Uint8Array(await new Blob(this.#digests as BlobPart[]).arrayBuffer());
    return hex(await crypto.subtle.digest('SHA-256', all));
  }

  async #close(): Promise<void> {
    const block = this.#block.slice(0, this.#filled);
    this.#digests.push(new Uint8Array(await crypto.subtle.digest('SHA-256', block)));
    this.#filled = 0;
  }
}

const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, '0')).join('');

/** SHA-256 of a text, hexadecimal. */
export const textDigest = async (text: string): Promise<string> =>
  hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
