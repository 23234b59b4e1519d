/** Bytes in memory as a source: read as those of a file that a browser holds. */
import { blobSource, type ByteSource } from '../../src/formats/byte-source.ts';

export const bytesSource = (bytes: Uint8Array): ByteSource => blobSource(new Blob([bytes as Uint8Array<ArrayBuffer>]));
