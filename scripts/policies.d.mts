export const PAGE: string;
export function policyOf(path: string): string;
export function reachOf(path: string): string | null;
