/** A blob whose stream comes in chunks of a few bytes: places at the edge of a chunk are where readers fail. */
class ChoppedBlob extends Blob {
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    let [at, turn] = [0, 0];
    const lengths = [1, 7, 3];
    return new ReadableStream({
      pull: async (controller) => {
        if (at >= this.size) return controller.close();
        const end = at + lengths[turn++ % lengths.length]!;
        controller.enqueue(new Uint8Array(await this.slice(at, end).arrayBuffer()));
        at = end;
      },
    });
  }
}

export const chopped = (blob: Blob): Blob => new ChoppedBlob([blob]);
