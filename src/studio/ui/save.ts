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
  /** What was written, as it lies where it was written, to be read back. */
  readonly written: Blob;
}

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
    return { bytes, written: await handle.getFile() };
  }
  const blob = await new Response(counted as ReadableStream<Uint8Array<ArrayBuffer>>).blob();
  const written = new Blob([blob], { type: 'application/zip' });
  saveBlob(written, fileName);
  return { bytes, written };
}
