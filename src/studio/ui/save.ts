/** Hands bytes to the user's disk: straight into a file where the browser can, else as a download. */
export function saveBlob(blob: Blob, fileName: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

interface FilePickerWindow {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>;
}

/** Asks for the place first, while the click still counts. null: the user changed their mind; undefined: no such way. */
export async function askForFile(suggestedName: string): Promise<FileSystemFileHandle | null | undefined> {
  const { showSaveFilePicker } = window as FilePickerWindow;
  if (!showSaveFilePicker) return undefined;
  try {
    return await showSaveFilePicker.call(window, { suggestedName });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    return undefined;
  }
}

export interface Saved {
  readonly bytes: number;
  /** Hex; null where the bytes went straight to the disk. */
  readonly sha256: string | null;
}

/** Above this a download is not hashed: it would have to be held a second time. */
const HASH_LIMIT = 256 * 1024 * 1024;

export async function saveStream(
  stream: ReadableStream<Uint8Array>,
  fileName: string,
  handle: FileSystemFileHandle | undefined,
  onBytes: (bytes: number) => void,
): Promise<Saved> {
  let bytes = 0;
  const counted = stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        onBytes(bytes);
        controller.enqueue(chunk);
      },
    }),
  );
  if (handle) {
    await counted.pipeTo((await handle.createWritable()) as WritableStream<Uint8Array>);
    return { bytes, sha256: null };
  }
  const blob = await new Response(counted as ReadableStream<Uint8Array<ArrayBuffer>>).blob();
  saveBlob(new Blob([blob], { type: 'application/zip' }), fileName);
  if (bytes > HASH_LIMIT || !crypto.subtle) return { bytes, sha256: null };
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  return { bytes, sha256: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('') };
}
