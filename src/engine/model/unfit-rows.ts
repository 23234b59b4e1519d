/** Rows of a dataset that a model cannot take, found before a run: pictures it refuses, and its own tokens in their words. */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { UnfitRow } from '../../data/dataset-ref.ts';
import type { Row } from '../../data/row.ts';
import { promptMessages, targetText } from '../../data/target.ts';
import type { Size } from '../../grounding/box.ts';
import { encodeConversation } from '../../models/encode.ts';
import type { Processor } from '../../models/processor.ts';

type Fault = Omit<UnfitRow, 'file' | 'line'>;

/** What a refusal says; anything else is thrown on. */
function refusal(error: unknown): Fault {
  if (!(error instanceof GroundworkError)) throw error;
  return { reason: error.message.replace(/^Row \S+: /, '').replace(/\.$/, ''), fix: error.hint };
}

function ofPicture(processor: Processor): (natural: Size) => Fault | null {
  return (natural) => {
    try {
      processor.modelSize(natural);
      return null;
    } catch (error) {
      return refusal(error);
    }
  };
}

/** Found once for a dataset and a model, which never change. */
const known = new WeakMap<Dataset, WeakMap<Processor, Promise<readonly UnfitRow[]>>>();

export function unfitRows(dataset: Dataset, processor: Processor): Promise<readonly UnfitRow[]> {
  let mine = known.get(dataset);
  if (!mine) known.set(dataset, (mine = new WeakMap()));
  let found = mine.get(processor);
  if (!found) mine.set(processor, (found = dataset.unfit(ofPicture(processor), ofRow(dataset, processor))));
  return found;
}

const ofRow =
  (dataset: Dataset, processor: Processor) =>
  async (row: Row): Promise<Fault | null> => {
    const natural = await Promise.all(row.images.map((path) => dataset.naturalSize(path)));
    // A picture that cannot be measured has left its row out.
    const sizes = natural.map((size) => processor.modelSize(size!));
    const { convention, tokenizer } = processor;
    try {
      const target = targetText(row, convention, sizes);
      const messages = promptMessages(row, convention, sizes);
      encodeConversation(processor, row.id, messages, target || null, sizes);
      const words = [...row.prompt.flatMap(({ content }) => content), ...row.answer];
      for (const segment of words)
        for (const [token] of segment.type === 'text' ? segment.text.matchAll(TOKEN) : [])
          if (tokenizer.encode(token).length === 1)
            return {
              reason: `the text contains ${token}, which is a control token of the model`,
              fix: 'Write it in another way, or leave the row out.',
            };
      return null;
    } catch (error) {
      return refusal(error);
    }
  };

const TOKEN = /<\|[a-z_][a-z0-9_]{1,40}\|>|<end_of_utterance>/g;
