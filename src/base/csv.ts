/** Comma-separated values as spreadsheets read them (RFC 4180). */

/** A text, quoted; one that a spreadsheet would run as a formula is marked as text. */
export const csvText = (text: string): string =>
  `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

export const csvLine = (fields: readonly string[]): string => `${fields.join(',')}\r\n`;
