/**
 * Each reward as an expression of Python, over what answers.py and scoring.py define. a: the answer as it was read,
 * t: the row's truth, ids: tokens of the completion, v: the reward's settings, limit: tokens that a completion may have.
 */
import type { RewardName } from '../../train/rewards/index.ts';

/** null: has no counterpart, and is refused. */
export const PYTHON_RULES: { readonly [N in RewardName]: string | null } = {
  agreement: 'agreement_of(a)',
  centre: 'set_score(a, t, in_right_image(lambda p, s: float(centre_inside(p, s))))',
  choice: 'choice_score(a, t["wanted"])',
  cosineLength: 'cosine(a, t, len(ids), limit, v)',
  count: 'count_share(a, t)',
  format: 'float(a["tags_ok"] and (not t["solution"] or len(a["boxes"]) > 0))',
  giou: 'set_score(a, t, in_right_image(lambda p, s: (1 + giou(p, s)) / 2 if p[2] > p[0] and p[3] > p[1] else 0.0))',
  imageIndex: 'picture_share(a, t)',
  instruction: 'mean_or_none(kept_of(t["asked"], a))',
  iou: 'set_score(a, t)',
  // JavaScript of the plan.
  own: null,
  refusal: 'refusal_share(a, t)',
  repetition: 'repeated(ids, int(v["ngramSize"]), v["maxPenalty"])',
  softOverlong: 'too_long(len(ids), v["cacheTokens"], limit)',
  strictFormat: 'float(a["format_ok"]) if t["solution"] else None',
};
