/** Boxes as JSON: `{"image": 2, "bbox_2d": [12, 30, 55, 80]}`. */
import type { BoxSyntax, Numbers } from './syntax.ts';

const list = (numbers: Numbers): string => `[${numbers.join(', ')}]`;

export const json: BoxSyntax = {
  write: list,
  /** One object for one box, a list for several; a single picture's answer is always a list, as the models know it. */
  answer: (items, single) => {
    const objects = items.map(({ image, numbers, label }) => {
      const fields = [...(image === null ? [] : [`"image": ${image}`]), `"bbox_2d": ${list(numbers)}`];
      if (label !== null) fields.push(`"label": ${JSON.stringify(label)}`);
      return `{${fields.join(', ')}}`;
    });
    return objects.length === 1 && !single ? objects[0]! : `[${objects.join(', ')}]`;
  },
  example: (pictures) =>
    pictures > 1 ? '{"image": n, "bbox_2d": [x1, y1, x2, y2]}' : '[{"bbox_2d": [x1, y1, x2, y2]}]',
  nothing: '[]',
  keeps: ({ form, strict }) => form === 'object' && strict,
  fills: (answer, quads) => quads.every((quad) => quad.start === 0 && quad.end === answer.length),
};
