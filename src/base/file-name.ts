/** Names of files that are offered to the user. */

/** A text as part of a file name that every system takes. */
export const fileWords = (text: string): string => text.replace(/[^\w.-]+/g, '-');
