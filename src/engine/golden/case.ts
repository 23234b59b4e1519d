/** A golden case (docs/golden-case.md): what a checkpoint, an adapter, pictures and text must give. */
import { blobSource } from '../../formats/byte-source.ts';
import { openSafetensors, type Safetensors } from '../../formats/safetensors.ts';
import type { NamedFile } from '../protocol/words.ts';
import type { ChatMessage } from '../../text/chat-template.ts';
import { GroundworkError } from '../../base/error.ts';
import type { PolicySpec } from './policy-spec.ts';

export interface GoldenCase {
  readonly path: string;
  readonly spec: GoldenSpec;
  readonly checkpoint: ReadonlyMap<string, ReturnType<typeof blobSource>>;
  readonly adapter: { readonly config: string; readonly tensors: Safetensors } | null;
  readonly expected: Safetensors;
  readonly inputs: Safetensors | null;
  image(path: string): Promise<Blob>;
}

export interface GoldenSpec {
  readonly messages: readonly {
    readonly role: 'system' | 'user' | 'assistant';
    readonly content:
      | string
      | readonly (
          | { readonly type: 'text'; readonly text: string }
          | { readonly type: 'image'; readonly image: string }
        )[];
  }[];
  readonly completion?: string;
  readonly processor?: {
    readonly min_pixels?: number;
    readonly max_pixels?: number;
    readonly do_image_splitting?: boolean;
  };
  readonly generate?: { readonly max_new_tokens: number };
  readonly policy?: PolicySpec;
}

/** The case in a folder's files, by path inside it. Throws `golden-incomplete`. */
export async function openGolden(path: string, files: readonly NamedFile[]): Promise<GoldenCase> {
  const byPath = new Map(files.map((f) => [f.path, f.file]));
  const need = (name: string): Blob => {
    const file = byPath.get(name);
    if (!file)
      throw new GroundworkError(
        'golden-incomplete',
        `${path} has no ${name}.`,
        'See docs/golden-case.md for what a case contains.',
      );
    return file;
  };
  const tensors = (name: string) => openSafetensors(blobSource(need(name)), `${path}/${name}`);
  const inside = (folder: string) => files.filter((f) => f.path.startsWith(`${folder}/`));
  return {
    path,
    spec: JSON.parse(await need('case.json').text()) as GoldenSpec,
    checkpoint: new Map(
      inside('checkpoint').map(({ path: name, file }) => [name.slice('checkpoint/'.length), blobSource(file)]),
    ),
    adapter: inside('adapter').length
      ? {
          config: await need('adapter/adapter_config.json').text(),
          tensors: await tensors('adapter/adapter_model.safetensors'),
        }
      : null,
    expected: await tensors('expected.safetensors'),
    inputs: byPath.has('inputs.safetensors') ? await tensors('inputs.safetensors') : null,
    image: async (name) => need(name),
  };
}

/** The conversation with pictures by number, in order of appearance. */
export function numberedMessages({ messages }: GoldenSpec): ChatMessage[] {
  let next = 0;
  return messages.map(({ role, content }) => ({
    role,
    content:
      typeof content === 'string'
        ? content
        : content.map((part) => (part.type === 'image' ? { type: 'image' as const, image: next++ } : part)),
  }));
}
