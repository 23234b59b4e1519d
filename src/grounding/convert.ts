/**
 * Between coordinate spaces. Only the integer spaces (model pixels, thousandths) lose precision; reading what was
 * written there and writing it again gives the same integers.
 *
 * Rounding and clamping follow what the families were trained with: `process_bbox.ipynb` of QwenLM/Qwen3-VL's
 * qwen-vl-finetune rounds as Python does (halves to even) and clamps model pixels to 0…w'−1 and thousandths to
 * 0…1000. A box that reaches the right edge is therefore written w'−1, and reads back one model pixel short: the
 * price of agreeing with the pretrained model, at most 1/w' (1/28 of a patch block).
 */
import { box01, type Box01, type BoxModel, type BoxNatural, type BoxThousand, type Size } from './box.ts';
import { clamp, roundHalfEven } from './round.ts';

type Corners = readonly [x1: number, y1: number, x2: number, y2: number];

const scale = ([x1, y1, x2, y2]: Corners, sx: number, sy: number): Corners => [x1 * sx, y1 * sy, x2 * sx, y2 * sy];

const asBox01 = ([x1, y1, x2, y2]: Corners): Box01 => box01(x1, y1, x2, y2);

/** Pixels of the picture file, unrounded. */
export const toNatural = (box: Box01, natural: Size): BoxNatural =>
  scale(box, natural.width, natural.height) as unknown as BoxNatural;

export const fromNatural = (box: BoxNatural, natural: Size): Box01 =>
  asBox01([box[0] / natural.width, box[1] / natural.height, box[2] / natural.width, box[3] / natural.height]);

/** Whole pixels of the resized picture, 0 to width − 1. */
export function toModel(box: Box01, model: Size): BoxModel {
  const [x1, y1, x2, y2] = scale(box, model.width, model.height);
  const x = (v: number) => clamp(roundHalfEven(v), 0, model.width - 1);
  const y = (v: number) => clamp(roundHalfEven(v), 0, model.height - 1);
  return [x(x1), y(y1), x(x2), y(y2)] as unknown as BoxModel;
}

export const fromModel = (box: BoxModel, model: Size): Box01 =>
  asBox01([box[0] / model.width, box[1] / model.height, box[2] / model.width, box[3] / model.height]);

/** Whole thousandths, 0 to 1000. */
export const toThousand = (box: Box01): BoxThousand =>
  scale(box, 1000, 1000).map((v) => clamp(roundHalfEven(v), 0, 1000)) as unknown as BoxThousand;

export const fromThousand = (box: BoxThousand): Box01 =>
  asBox01([box[0] / 1000, box[1] / 1000, box[2] / 1000, box[3] / 1000]);

/** Into the picture: corners beyond its edges are moved onto them. */
export const clampBox01 = ([x1, y1, x2, y2]: Box01): Box01 =>
  box01(clamp(x1, 0, 1), clamp(y1, 0, 1), clamp(x2, 0, 1), clamp(y2, 0, 1));

/** Numbers read from text or a file become a box of a declared space here, and nowhere else. */
export const asNatural = (numbers: Corners): BoxNatural => numbers as unknown as BoxNatural;
export const asModel = (numbers: Corners): BoxModel => numbers as unknown as BoxModel;
export const asThousand = (numbers: Corners): BoxThousand => numbers as unknown as BoxThousand;
