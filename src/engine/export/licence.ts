/** The licence of a base model, as its folder says it. */
import type { ByteSource } from '../../formats/byte-source.ts';

/** As the base's own card says it, or its LICENSE file. */
export async function licenceOf(
  folder: ReadonlyMap<string, ByteSource>,
): Promise<{ readonly id: string | null; readonly words: string }> {
  const card = folder.get('README.md');
  const text = card ? new TextDecoder().decode(await card.read(0, Math.min(card.size, 1 << 16))) : '';
  const [, front = ''] = text.match(/^---\r?\n([\s\S]*?)\r?\n---/) ?? [];
  const [, id] = front.match(/^license:[ \t]*["']?([\w.+-]+)["']?[ \t]*$/m) ?? [];
  if (id !== undefined) return { id, words: `Its licence: ${id}. What is made of it is bound by it as well.` };
  const file = [...folder.keys()].find((path) => /^licen[cs]e(\.\w+)?$/i.test(path));
  return {
    id: null,
    words: file
      ? `Its licence is in ${file} of its folder. What is made of it is bound by it as well.`
      : 'Its folder does not say its licence. Look where it was published before you pass this on.',
  };
}
