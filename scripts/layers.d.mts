/** Who may import whom: name → names. */
type Arrows = Readonly<Record<string, readonly string[]>>;
export const layers: Arrows;
export const rooms: { readonly engine: Arrows; readonly studio: Arrows };
export const purposes: Readonly<Record<string, string>>;
export function objection(file: string, source: string, typeOnly: boolean): string | null;
