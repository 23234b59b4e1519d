/**
 * Rotary frequencies of a text decoder, and how configurations stretch them for longer contexts: linear, YaRN
 * (arXiv 2309.00071) and that of Llama 3. They apply to every length of text, so a model that says so gives other logits
 * for the shortest prompt, too. Source: transformers 5.18 `modeling_rope_utils.py`.
 */
import type { Fields } from './fields.ts';
import { inverseFrequencies } from './rotary-table.ts';

export interface Rope {
  /** Radians per position, one for each pair of a head's values, [D/2] f32. */
  readonly frequencies: readonly number[];
  /** What cos and sin are multiplied by. */
  readonly scaling: number;
  /** How config.json says it, for files that say it in their own way. */
  readonly theta: number;
  readonly stretch: (typeof TYPES)[number];
  /** By how much positions are stretched; 1 for none. */
  readonly factor: number;
  /** The frequencies before they were stretched. */
  readonly plain: readonly number[];
}

/** What stretching makes of frequencies. */
type Stretched = Pick<Rope, 'frequencies' | 'scaling'>;

interface RopeDefaults {
  readonly theta: number;
  readonly maxPositions: number;
}

const TYPES = ['default', 'linear', 'yarn', 'llama3'] as const;

/**
 * @param text where `rope_theta` and the longest context may stand besides
 * @throws GroundworkError `config-invalid` for other types, and for what a type lacks
 */
export function parseRope(text: Fields, headDim: number, defaults: RopeDefaults): Rope {
  const rope = ropeFields(text);
  const theta = rope.number('rope_theta', text.number('rope_theta', defaults.theta));
  const plain = { frequencies: inverseFrequencies(headDim / 2, theta, headDim), scaling: 1 };
  const type = typeOf(rope);
  const said = { theta, stretch: type, plain: plain.frequencies };
  rope.only('partial_rotary_factor', 1);
  if (type === 'default') return { ...plain, ...said, factor: 1 };
  const factor = rope.number('factor');
  if (type === 'linear')
    return { ...plain, frequencies: plain.frequencies.map((f) => Math.fround(f / factor)), ...said, factor };
  const trained = text.number(
    'original_max_position_embeddings',
    rope.number('original_max_position_embeddings', text.number('max_position_embeddings', defaults.maxPositions)),
  );
  const stretched =
    type === 'yarn'
      ? yarn(rope, plain.frequencies, { factor, trained, theta, headDim })
      : llama3(rope, plain, factor, trained);
  return { ...stretched, ...said, factor };
}

/** Both names of the rotary settings as one. */
export const ropeFields = (text: Fields): Fields => text.at('rope_parameters').over(text.at('rope_scaling'));

/** `rope_type`, formerly `type`; what Qwen2-VL calls “mrope” is the default with three axes. */
function typeOf(rope: Fields): (typeof TYPES)[number] {
  const said = [...rope.every('rope_type'), ...rope.every('type')].map((type) => (type === 'mrope' ? 'default' : type));
  const [type = 'default'] = said;
  const at = rope.every('rope_type').length ? 'rope_type' : 'type';
  const known = TYPES.find((t) => t === type);
  if (known === undefined || said.some((other) => other !== type))
    throw rope.invalid(
      at,
      known === undefined
        ? `${TYPES.join(', ')}: other ways of stretching positions are not computed here`
        : 'the same as type',
      'Groundwork would give other answers than this model gives elsewhere, so it does not load it.',
    );
  return known;
}

interface Stretch {
  readonly factor: number;
  /** Positions the model was trained with before. */
  readonly trained: number;
  readonly theta: number;
  readonly headDim: number;
}

/** Fast frequencies stay, slow ones are divided by the factor, those between are mixed. */
function yarn(rope: Fields, plain: readonly number[], { factor, trained, theta, headDim }: Stretch): Stretched {
  const optional = (key: string) => (rope.has(key) ? rope.number(key) : null);
  const [scale, scaleOfAll] = [optional('mscale'), optional('mscale_all_dim')];
  const temperature = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  const scaling =
    optional('attention_factor') ??
    (scale !== null && scaleOfAll !== null ? temperature(scale) / temperature(scaleOfAll) : temperature(1));
  const truncated = rope.flag('truncate', true);
  /** The pair of values that turns so many times over the trained positions. */
  const pairOf = (turns: number) => (headDim * Math.log(trained / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [low, high] = [pairOf(rope.number('beta_fast', 32)), pairOf(rope.number('beta_slow', 1))];
  const from = Math.max(truncated ? Math.floor(low) : low, 0);
  const to = Math.min(truncated ? Math.ceil(high) : high, headDim - 1);
  const width = to === from ? 0.001 : to - from;
  const frequencies = plain.map((f, i) => {
    const stretched = Math.min(1, Math.max(0, (i - from) / width));
    return Math.fround((f / factor) * stretched + f * (1 - stretched));
  });
  return { frequencies, scaling };
}

/** As YaRN, by wavelength, and without a temperature. */
function llama3(rope: Fields, { frequencies, scaling }: Stretched, factor: number, trained: number): Stretched {
  const [low, high] = [rope.number('low_freq_factor'), rope.number('high_freq_factor')];
  const stretch = (f: number) => {
    const turns = (trained * f) / (2 * Math.PI);
    if (turns > high) return f;
    if (turns < low) return f / factor;
    const kept = (turns - low) / (high - low);
    return (1 - kept) * (f / factor) + kept * f;
  };
  return { frequencies: frequencies.map((f) => Math.fround(stretch(f))), scaling };
}
