/**
 * Files by path, wherever they lie: the browser's private file system (opfs-files.ts), a folder under Node, or memory
 * in tests. Small texts are written whole or not at all; large files are written in places and renamed when complete.
 */
export interface FileStore {
  /** Every file with its size in bytes, in no order. */
  list(): Promise<readonly StoredFile[]>;
  /** A file's contents, read when asked for; null if there is none. */
  blob(path: string): Promise<Blob | null>;
  /** Replaces a text as a whole: a reader, and a crash, see the old one or the new one. */
  writeText(path: string, text: string): Promise<void>;
  /** Opens a file for writing in places, made if absent. Throws `storage-busy` while it is open elsewhere. */
  open(path: string): Promise<FileWriter>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with all in it. Nothing happens if there is none. */
  remove(path: string): Promise<void>;
  /** Bytes in use and allowed, where that is known. */
  space(): Promise<StorageSpace | null>;
}

export interface StoredFile {
  readonly path: string;
  readonly size: number;
}

export interface StorageSpace {
  readonly used: number;
  readonly quota: number;
}

export interface FileWriter {
  /** Throws `storage-full` if there is no room; what was written before stays. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Cuts or extends to `size` bytes. */
  truncate(size: number): Promise<void>;
  /** On disk when it resolves. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
