export const PAGE: string;
export function policyOf(path: string): string;
