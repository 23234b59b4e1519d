/**
 * MIG-Bench's own parser, quirks kept, for numbers comparable with published ones: thunlp/Migician @ 7b868a2,
 * `eval/utils.py` `extract_bbox` and `eval/MIG_bench_eval.py`. For anything else use parse.ts.
 *
 * Quirks kept: the first pattern with a match wins, wherever in the text it stands; a lone box's values are divided
 * by 1000 from 1 upwards, but only above 1 if there are several boxes; only the first box is scored; absolute pixels
 * are divided by 1000 all the same; Migician's own answers are stretched downwards.
 */
import { box01, type Box01 } from './box.ts';

const PATTERNS = [
  /\((\d+),\s*(\d+)\),\s*\((\d+),\s*(\d+)\)/g,
  /\[(\d+\.\d+),\s*(\d+\.\d+),\s*(\d+\.\d+),\s*(\d+\.\d+)\]/g,
  /\((\d+\.\d+),(\d+\.\d+)\),\((\d+\.\d+),(\d+\.\d+)\)/g,
  /\((\d+\.\d+),\s*(\d+\.\d+),\s*(\d+\.\d+),\s*(\d+\.\d+)\)/g,
  /\[(\d+),\s*(\d+),\s*(\d+),\s*(\d+)\]/g,
  /<box>(\d+)\s+(\d+)\s+(\d+)\s+(\d+)<\/box>/g,
] as const;

/** The box that would be scored, 0–1; null where the benchmark counts IoU 0. `migician`: y1 × 1.05, y2 × 1.10, at most .999. */
export function migBenchAsPublished(text: string, { migician = false } = {}): Box01 | null {
  for (const pattern of PATTERNS) {
    const matches = [...text.matchAll(pattern)];
    if (!matches.length) continue;
    const single = matches.length === 1;
    const [x1, y1, x2, y2] = matches[0]!.slice(1, 5).map((digits) => {
      const v = Number(digits);
      return v > 1 || (single && v === 1) ? v / 1000 : v;
    }) as [number, number, number, number];
    return migician ? box01(x1, Math.min(y1 * 1.05, 0.999), x2, Math.min(y2 * 1.1, 0.999)) : box01(x1, y1, x2, y2);
  }
  return null;
}
