/** A WGSL file is imported as its text; src/gpu/template.ts expands its directives. */
declare module '*.wgsl' {
  const source: string;
  export default source;
}
