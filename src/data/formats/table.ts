/**
 * Every format of rows: one module and one line. A row is read by the first that knows its keys, so the more
 * particular stand first. The keys are the formats' names for the user, who may overrule the guess.
 */
import type { RowFormat } from '../raw-row.ts';
import { alpaca } from './alpaca.ts';
import { createMl, labelme, labelStudio, labelStudioMin, vott } from './annotation-tools.ts';
import { hubDetection } from './hub-detection.ts';
import { llava } from './llava.ts';
import { messages } from './messages.ts';
import { msSwift } from './ms-swift.ts';
import { promptCompletion } from './prompt-completion.ts';
import { miniGptReference, rexThinker, screenSpot } from './published-references.ts';
import { migBench, prefixSuffix, questionAnswer, refCocoRow, vlmR1 } from './question-answer.ts';
import { swiftQuery } from './swift-query.ts';

export const FORMATS = {
  'ms-swift grounding': msSwift,
  'MGrounding / LLaVA': llava,
  'ShareGPT messages': messages,
  'VLM-R1 / EasyR1': vlmR1,
  'TRL prompt and completion': promptCompletion,
  'RefCOCO rows': refCocoRow,
  'MIG-Bench': migBench,
  'question and answer': questionAnswer,
  'prefix and suffix': prefixSuffix,
  'ms-swift 2 query and response': swiftQuery,
  'LLaMA-Factory Alpaca': alpaca,
  'RefCOCO of MiniGPT-4': miniGptReference,
  'Rex-Thinker annotations': rexThinker,
  ScreenSpot: screenSpot,
  'Label Studio': labelStudio,
  'Label Studio JSON-MIN': labelStudioMin,
  labelme,
  CreateML: createMl,
  VoTT: vott,
  'Hub object detection': hubDetection,
} as const satisfies Readonly<Record<string, RowFormat>>;

export type RowFormatName = keyof typeof FORMATS;
export const ROW_FORMATS = Object.keys(FORMATS) as readonly RowFormatName[];
