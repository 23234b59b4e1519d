/** The ways of writing boxes: a file and a line each. */
import { json } from './json.ts';
import { tokens } from './tokens.ts';

export type { AnswerItem, BoxSyntax, Numbers } from './syntax.ts';

export const SYNTAXES = { json, tokens } as const;
