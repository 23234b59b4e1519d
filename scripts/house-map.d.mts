/** What the test of the map uses of scripts/house-map.mjs. */
export function firstSentence(text: string): string;
export function headComment(file: string, source: string): string | null;
export function speechless(base?: string): string[];
export function decisionsMarkdown(base?: string): string;
export function houseFiles(base?: string): Record<string, string>;
