/** What in the curves a person should be told about before it has cost an hour. */
import type { SeriesBook } from '../charts/series-book.ts';

export interface Alarm {
  readonly key: string;
  readonly text: string;
}

/** Points looked at: one odd step is no alarm, several in a row are. */
const WINDOW = 5;

function recent(book: SeriesBook, name: string): number[] {
  const { values } = book.curve(name);
  return [...values.subarray(Math.max(0, values.length - WINDOW))];
}

export function alarmsOf(book: SeriesBook): Alarm[] {
  const alarms: Alarm[] = [];
  const strange = book.names().filter((name) => recent(book, name).some(Number.isNaN));
  if (strange.length > 0)
    alarms.push({
      key: 'nan',
      text: `${strange.join(', ')} became NaN. Stop and keep, then try a lower learning rate or a tighter gradient clip.`,
    });
  const always = (name: string, test: (v: number) => boolean) => {
    const values = recent(book, name);
    return values.length >= 3 && values.every(test);
  };
  if (always('completions/clipped_ratio', (v) => v > 0.5))
    alarms.push({
      key: 'clipped',
      text: 'More than half of the completions are cut at the limit and cannot earn their reward. Raise the longest completion, or teach the form first.',
    });
  if (always('frac_reward_zero_std', (v) => v > 0.8))
    alarms.push({
      key: 'idle',
      text: 'In most groups all rewards are equal, so nothing is learned from them. Choose prompts of middling difficulty by rejection sampling, or raise the temperature.',
    });
  if (always('entropy', (v) => v < 0.02))
    alarms.push({ key: 'entropy', text: 'The entropy is near zero: the policy has stopped exploring.' });
  const { values: lengths } = book.curve('completions/mean_length');
  if (lengths.length >= 20) {
    const mean = (part: Float64Array) => part.reduce((sum, v) => sum + v, 0) / part.length;
    const [first, last] = [mean(lengths.subarray(0, 5)), mean(lengths.subarray(lengths.length - 5))];
    if (last < first / 2)
      alarms.push({
        key: 'shrinking',
        text: 'Completions have become less than half as long as at the start. If the thoughts are shrinking away, use dapo or dr_grpo as the loss.',
      });
  }
  return alarms;
}
