/** Answers that say that the thing asked for is not there. */

/** Nothing but this, in an answer without boxes, also as JSON whose box is null, which GroundingME asks for. Whole answers, so that "no other dog" and "none of the red ones" stay answers. */
const NOTHING =
  /^(?:none|null|nothing|n\/a|\[\s*\]|\{\s*\}|no (?:such )?(?:objects?|targets?|match(?:es)?|box(?:es)?|results?|answer)|not (?:present|found|visible|there|in (?:any|the|this|these) (?:image|picture|photo|frame)s?)|(?:there is|there are) (?:no(?:thing| such [\w -]{1,40})|none)|it is not (?:there|present|visible)|(?:the|this) [\w -]{1,60} (?:is|are) (?:not (?:there|present|visible|found|shown)|absent|missing)[\w -]{0,40}|absent|没有|无|不存在|找不到|(?:json\s*)?\[?\s*\{\s*"(?:bbox_2d|bbox|box_2d|box|bboxes|boxes)"\s*:\s*(?:null|none|\[\s*\])\s*(?:,\s*"\w{1,20}"\s*:\s*"[^"]{0,60}"\s*)?\}\s*\]?)$/i;

const LONGEST = 120;
const QUOTES = /^["'`“”]+|["'`“”.。!]+$/g;

/** True for an answer that says that nothing is there, and nothing else. Linear time: long texts are none. */
export function refuses(answer: string): boolean {
  const plain = answer.trim().replace(QUOTES, '').trim();
  return plain.length > 0 && plain.length <= LONGEST && NOTHING.test(plain);
}

/** What is looked for, for readers in other languages (jobs/rewards). */
export const REFUSAL_PATTERNS = { nothing: NOTHING, quotes: QUOTES, longest: LONGEST } as const;
