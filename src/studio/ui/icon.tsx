/** The few icons of the house: strokes of one width on a 16-pixel square. */
const PATHS = {
  data: 'M2.5 3.5h11v9h-11zM6 3.5v9M10 3.5v9',
  model: 'M8 1.8 13.6 5v6L8 14.2 2.4 11V5zM2.4 5 8 8.2 13.6 5M8 8.2v6',
  recipe: 'M5.5 3.5h8M5.5 8h8M5.5 12.5h8M2.5 3.5h.01M2.5 8h.01M2.5 12.5h.01',
  run: 'M2 12.5c2.5 0 2.5-7 5-7s2 4.5 4 4.5 1.5-7 3-7',
  inspect: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10M5.5 5.5h5v5h-5z',
  scores: 'M3 13.5v-5M6.5 13.5v-9M10 13.5v-6M13.5 13.5V2.5M1.5 13.5h13',
  try: 'M2.5 3h11v8H7l-3 2.5V11H2.5zM5.5 6h5M5.5 8.2h3',
  export: 'M8 10V2M5 5l3-3 3 3M2.5 9.5v4h11v-4',
  play: 'M5 3l8 5-8 5z',
  pause: 'M5.5 3v10M10.5 3v10',
  step: 'M4 3l6 5-6 5zM12.5 3v10',
  stop: 'M4 4h8v8H4z',
  close: 'M4 4l8 8M12 4l-8 8',
  alert: 'M8 2 14.5 13.5h-13zM8 6.5v3.5M8 12v.01',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 7.5V11M8 5v.01',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5',
  auto: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 2v12M8 5h4.5M8 8h6M8 11h4.5',
  up: 'M8 13V3M4 7l4-4 4 4',
  down: 'M8 3v10M4 9l4 4 4-4',
  plus: 'M8 3v10M3 8h10',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.7 9h5.6l.7-9',
  folder: 'M1.5 4v9h13V5.5H8L6.5 4z',
  file: 'M4 1.5h5l3 3v10H4zM9 1.5v3h3',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  left: 'M10 3 5 8l5 5',
  right: 'M6 3l5 5-5 5',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
