/** Words for what every stage that learns may measure on held-out rows. */
import { group } from './words.ts';

export const HELDOUT = group('Held-out accuracy', {
  'heldout.every': {
    label: 'Measure accuracy every',
    help: 'Steps between two measurements on held-out rows. They do not change the run. 0 measures none. The rehearsal shows what they cost.',
    unit: 'steps',
  },
  'heldout.limit': {
    label: 'Rows answered',
    help: 'Held-out rows that are answered each time, the same every time. 0 answers all. With 64 rows a share is known to about 12 points.',
    unit: 'rows',
  },
  'heldout.benchmark': {
    label: 'Rows of benchmarks',
    help: 'Whether rows of published benchmarks are answered with the others, only they, or only the others. They are asked in the words of their script.',
  },
  'heldout.maxCompletionLength': { label: 'Longest answer', help: 'Longer answers are cut.', unit: 'tokens' },
  'heldout.metricForBestModel': {
    label: 'Best checkpoint by',
    help: 'The checkpoint that is best by this is kept beside the last, and can be opened in the Run room. eval_loss is measured by supervised fine-tuning.',
  },
  'heldout.earlyStoppingPatience': {
    label: 'Early stopping patience',
    help: 'The stage ends after this many measurements in a row without a better one. 0 never ends it early.',
    unit: 'measurements',
  },
});
