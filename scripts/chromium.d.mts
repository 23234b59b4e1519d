export function findChromium(): string | null;
/** For Playwright's `launchOptions`: nothing where there is none, so that Playwright says what it looked for. */
export function chromiumPath(): { executablePath?: string };
export function chromiumFolders(): string[];
