/** What a dataset looks like from afar: counts over its rows. */
import type { Row } from '../../../engine/protocol.ts';

export const HEAT = 24;

export interface Health {
  readonly rows: number;
  readonly imagesPerRow: ReadonlyMap<number, number>;
  readonly boxesPerRow: ReadonlyMap<number, number>;
  /** Which picture of the sample the box is on: a dataset in which it is always the first teaches only that. */
  readonly answerImage: ReadonlyMap<number, number>;
  /** Share of the picture a box covers, in decades: under 0.1 %, 1 %, 10 %, 100 %. */
  readonly sizes: readonly [number, number, number, number];
  /** Boxes over each cell of a HEAT × HEAT grid, row by row. */
  readonly heat: Float64Array;
}

export function healthOf(rows: readonly Row[]): Health {
  const tally = () => new Map<number, number>();
  const [imagesPerRow, boxesPerRow, answerImage] = [tally(), tally(), tally()];
  const sizes: [number, number, number, number] = [0, 0, 0, 0];
  const heat = new Float64Array(HEAT * HEAT);
  const add = (map: Map<number, number>, key: number) => map.set(key, (map.get(key) ?? 0) + 1);
  for (const row of rows) {
    add(imagesPerRow, row.images.length);
    add(boxesPerRow, row.solution.length);
    for (const { image, box } of row.solution) {
      add(answerImage, image + 1);
      const share = Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
      sizes[share < 0.001 ? 0 : share < 0.01 ? 1 : share < 0.1 ? 2 : 3]++;
      const cell = (v: number) => Math.min(HEAT - 1, Math.max(0, Math.floor(v * HEAT)));
      for (let y = cell(box[1]); y <= cell(box[3] - 1e-9); y++)
        for (let x = cell(box[0]); x <= cell(box[2] - 1e-9); x++) heat[y * HEAT + x]!++;
    }
  }
  return { rows: rows.length, imagesPerRow, boxesPerRow, answerImage, sizes, heat };
}
