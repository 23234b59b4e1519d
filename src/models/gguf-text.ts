/** What a checkpoint's folder says of texts, as llama.cpp takes it: its tokens, and the template of conversations. */
import { llamaVocabulary, type LlamaVocabulary } from '../text/llama-vocabulary.ts';
import { textFiles, type CheckpointFolder } from './load.ts';

export interface GgufText extends LlamaVocabulary {
  readonly template: string;
}

/** @param vocabSize rows of the embedding */
export async function ggufText(folder: CheckpointFolder, vocabSize: number): Promise<GgufText> {
  const { tokenizer, template } = await textFiles(folder);
  return { ...llamaVocabulary(tokenizer, vocabSize), template };
}
