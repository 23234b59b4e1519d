/** What can come of an answer, in words: shared by page and engine. */
export { OUTCOMES, type OutcomeKind } from '../../evaluate/outcome-kinds.ts';
