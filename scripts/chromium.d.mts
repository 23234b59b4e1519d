export function findChromium(): string | null;
export function chromiumFolders(): string[];
