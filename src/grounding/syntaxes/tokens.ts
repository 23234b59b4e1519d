/** Boxes between tokens of their own: `Image-2: <|box_start|>(12,30),(55,80)<|box_end|>`. */
import type { BoxSyntax, Numbers } from './syntax.ts';

const pair = ([x1, y1, x2, y2]: Numbers): string => `<|box_start|>(${x1},${y1}),(${x2},${y2})<|box_end|>`;

export const tokens: BoxSyntax = {
  write: pair,
  answer: (items) =>
    items
      .map(({ image, numbers, label }) => {
        const ref = label === null ? '' : `<|object_ref_start|>${label}<|object_ref_end|>`;
        return `${image === null ? '' : `Image-${image}: `}${ref}${pair(numbers)}`;
      })
      .join('\n'),
  example: (pictures) => `${pictures > 1 ? 'Image-n: ' : ''}<|box_start|>(x1,y1),(x2,y2)<|box_end|>`,
  nothing: 'None',
  keeps: ({ form }) => form === 'pairs',
  // Box tokens may have words around them.
  fills: () => true,
};
